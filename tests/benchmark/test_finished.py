"""A finished job is taken only for the figures it was made for."""

import json
from pathlib import Path

import pytest

from orienteer.benchmark.finished import DONE, basis, began, check_beginnings, check_finished, is_finished, resolved
from orienteer.benchmark.plan import Job, jobs_of
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.errors import RunError
from tests.benchmark.conftest import config

SPLIT, DRAWN = "test", 16


def jobs(out: Path, **changes: object) -> list[Job]:
    return jobs_of(BenchmarkSettings.build(config(**changes)), out)


@pytest.fixture
def done(tmp_path: Path) -> Path:
    """Every job of the toy benchmark, as ``run_job`` leaves them."""
    for job in jobs(tmp_path):
        job.folder.mkdir(parents=True)
        (job.folder / DONE).write_text(json.dumps({"v": 1, "basis": basis(job, SPLIT, DRAWN)}))
    return tmp_path


def test_finished__the_same_configuration_goes_on(done: Path) -> None:
    asked = jobs(done)
    assert all(map(is_finished, asked))
    check_finished(asked, SPLIT, DRAWN)
    more = jobs(done, seeds=[0, 1, 2])
    assert sum(not is_finished(job) for job in more) > 0
    check_finished(more, SPLIT, DRAWN)


@pytest.mark.parametrize("changes", [
    {"pretrain_seeds": [1, 0]},  # seed 0 would start from another run than it did
    {"seeds": [1, 0], "pretrain_seeds": [0, 1]},
    {"arms": {**config()["arms"], "masked": {"label": "m", "role": "baseline", "pretrain": {"tasks": {"rpr": {}}}}}},
    {"finetune": {**config()["finetune"], "optimiser": {"steps": 3, "batch": 1}}},
])  # fmt: skip
def test_finished__other_settings_and_other_runs_are_refused(done: Path, changes: dict) -> None:
    with pytest.raises(RunError, match="finished with other settings, another pretraining run") as error:
        check_finished(jobs(done, **changes), SPLIT, DRAWN)
    assert "delete that folder" in error.value.cure


def test_finished__a_default_that_changed_since_is_refused_and_a_new_setting_is_not(done: Path) -> None:
    job = next(job for job in jobs(done) if job.stage == "finetune")
    file = job.folder / DONE
    settings = job.settings.model_dump(mode="json")
    del settings["loss"]["rarity"]  # a setting that the older version did not have
    file.write_text(json.dumps({**json.loads(file.read_text()), "settings": settings}))
    check_finished(jobs(done), SPLIT, DRAWN)
    settings["loss"]["rarity"] = 0.125
    file.write_text(json.dumps({**json.loads(file.read_text()), "settings": settings}))
    with pytest.raises(RunError, match=r"loss\.rarity was 0\.125, not 0\.5: the default has changed") as error:
        check_finished(jobs(done), SPLIT, DRAWN)
    assert str(job.folder) in error.value.message


def test_finished__a_default_of_a_pretext_task_that_changed_is_refused(done: Path) -> None:
    job = next(job for job in jobs(done) if (job.stage, job.arm) == ("pretrain", "masked"))
    settings = resolved(job)
    assert settings["tasks"]["masked"]["weight"] == 1.0
    settings["tasks"]["masked"]["weight"] = 2.0
    file = job.folder / DONE
    file.write_text(json.dumps({**json.loads(file.read_text()), "settings": settings}))
    with pytest.raises(RunError, match=r"tasks\.masked\.weight was 2\.0, not 1\.0"):
        check_finished(jobs(done), SPLIT, DRAWN)


def test_finished__other_people_and_other_views_are_refused(done: Path) -> None:
    pretrained = [job for job in jobs(done) if job.stage == "pretrain"]
    check_finished(pretrained, "val", 24)
    with pytest.raises(RunError):
        check_finished(jobs(done), "val", DRAWN)
    with pytest.raises(RunError, match="place"):
        check_finished(jobs(done), SPLIT, 24)


def test_finished__jobs_that_note_no_basis_are_taken(done: Path) -> None:
    for job in jobs(done):
        (job.folder / DONE).write_text('{"v": 1, "seconds": 3.0}')
    check_finished(jobs(done), "val", DRAWN)


@pytest.mark.parametrize("content", ["{}", "", "[]", '{"v": 1, "basis": "12'])
def test_finished__a_job_whose_record_is_damaged_is_named(done: Path, content: str) -> None:
    job = jobs(done)[-1]
    (job.folder / DONE).write_text(content)
    with pytest.raises(RunError, match="is damaged") as error:
        check_finished(jobs(done), SPLIT, DRAWN)
    assert str(job.folder / DONE) in error.value.message and "delete that folder" in error.value.cure


def test_finished__jobs_of_a_run_that_is_gone_or_was_run_again_are_refused_by_name(done: Path) -> None:
    check_beginnings(jobs(done))  # older versions did not record it
    measured = [job for job in jobs(done) if job.run is not None]
    for job in measured:
        file = job.folder / DONE
        file.write_text(json.dumps({**json.loads(file.read_text()), "began": began(job)}))
    check_beginnings(jobs(done))
    assert all(began(job) is None for job in jobs(done) if job.run is None)
    run = next(job for job in jobs(done) if job.stage == "pretrain")
    ours = [job for job in measured if job.run == run.folder]
    assert 0 < len(ours) < len(measured)
    again, record = run.folder / DONE, (run.folder / DONE).read_text()
    again.write_text(json.dumps({**json.loads(record), "seconds": 12.0}))
    with pytest.raises(RunError, match=f"{len(ours)} finished jobs started from .*was run again since") as error:
        check_beginnings(jobs(done))
    assert all(str(job.folder) in error.value.message for job in ours) and "delete these folders" in error.value.cure
    again.unlink()
    with pytest.raises(RunError, match="which is gone"):
        check_beginnings(jobs(done))
    again.write_text(record)
    check_beginnings(jobs(done))
