"""The whole benchmark on simulated bodies, through the command line: records, table, resume, failures."""

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.numpy import load_file
from typer.testing import CliRunner

from orienteer.benchmark import notes, reuse
from orienteer.benchmark.finished import record_of
from orienteer.benchmark.notes import about_atlases, about_left_out
from orienteer.benchmark.plan import Job, jobs_of, view_sizes
from orienteer.benchmark.reuse import Identities
from orienteer.benchmark.run import benchmark, published
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.cli import app, commands
from orienteer.comparison import compare
from orienteer.config import Tree
from orienteer.errors import RunError, StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from orienteer.store.lock import only_one
from tests.benchmark.conftest import config

assert commands


@pytest.fixture(scope="module")
def finished(cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished benchmark."""
    out = tmp_path_factory.mktemp("benchmark") / "out"
    result = CliRunner().invoke(app, ["benchmark", str(cohort / "toy.yaml"), str(out)])
    assert result.exit_code == 0, result.output
    assert "20 of 20 jobs finished, 0 failed" in result.output
    # No terminal: a line a job, for those who look into the log of a job.
    told = [line for line in result.output.splitlines() if re.match(r"\d+/20 ", line)]
    assert sorted(int(line.partition("/")[0]) for line in told) == list(range(1, 21))
    assert any(re.match(r"\d+/20 finetune organs ours 2 labels seed 1", line) for line in told)
    return out


def test_benchmark__says_where_an_atlas_fell_short_and_lets_nobody_reuse_it(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = BenchmarkSettings.build(yaml.safe_load((finished / "benchmark.yaml").read_text()))
    jobs = jobs_of(settings, finished)
    identities = Identities(jobs, Store.open(finished / "store"), settings.split, view_sizes(settings, jobs))
    job = next(job for job in jobs if job.stage == "finetune")
    assert about_atlases(jobs) == "" and identities.of(job)

    def short(one: Job) -> Tree:
        return record_of(one) | {"atlas_fell_short": int(one == job)}

    monkeypatch.setattr(reuse, "record_of", short)
    monkeypatch.setattr(notes, "record_of", short)
    assert f"or not at all, in 1 job: {job.name};" in about_atlases(jobs)
    assert [identities.of(each) is None for each in jobs].count(True) == 1 and identities.of(job) is None


def column(out: Path, name: str, table: str = "cases") -> list:
    return pq.read_table(out / "results" / "records" / f"{table}.parquet").column(name).to_pylist()


def test_benchmark__records_hold_every_arm_on_the_same_test_cases(finished: Path) -> None:
    rows = pq.read_table(finished / "results" / "records" / "cases.parquet").to_pylist()
    dice = [row for row in rows if row["metric"] == "dice" and row["mode"] == "finetuned"]
    jobs = {}
    for row in dice:
        jobs.setdefault((row["arm"], row["labels"], row["seed"]), []).append((row["case"], row["item"]))
    assert len(jobs) == 3 * 2
    expected = [(case, item) for case in ("person_003", "person_007") for item in ("first", "second")]
    assert all(sorted(found) == expected for found in jobs.values()), "every arm is scored on the same cases"
    tasks = set(column(finished, "task"))
    assert {"organs", "organs-structure", "place-position", "place-side"} <= tasks


def test_benchmark__says_what_every_arm_cost_and_whether_it_learned_its_pretext(finished: Path) -> None:
    costs = pq.read_table(finished / "results" / "records" / "costs.parquet").to_pylist()
    assert {(row["arm"], row["stage"]) for row in costs} >= {("ours", "pretrain"), ("scratch", "finetune")}
    assert all(row["seconds"] > 0 and row["cpu_seconds"] > 0 and row["peak_memory_mb"] > 50 for row in costs)
    cells = [json.loads(file.read_text()) for file in finished.rglob("cell.json")]
    assert len(cells) == 20 and all(cell["precision"] and cell["processor"] and cell["torch"] for cell in cells)
    pretext = pq.read_table(finished / "results" / "records" / "pretext.parquet").to_pylist()
    assert {row["arm"] for row in pretext} == {"ours", "masked"}
    gap = next(row for row in pretext if row["measure"] == "gap_error_mm")
    assert gap["unit"] == "mm" and gap["chance"] > 10 and gap["verdict"] in ("learning", "stuck", "cheating")


def test_benchmark__records_how_every_fine_tuning_learned(finished: Path) -> None:
    rows = pq.read_table(finished / "results" / "records" / "learning.parquet").to_pylist()
    costs = pq.read_table(finished / "results" / "records" / "costs.parquet").to_pylist()
    ended = {(row["task"], row["arm"], row["seed"]): row["steps"] for row in costs if row["stage"] == "finetune"}
    last: dict[tuple[str, str, int], int] = {}
    for row in rows:
        key = row["task"], row["arm"], row["seed"]
        last[key] = max(row["step"], last.get(key, 0))
        assert row["value"] >= 0
    assert last and last == {key: ended[key] for key in last}


def test_benchmark__table_and_report_come_back_from_records_alone(finished: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    shutil.copytree(finished / "results" / "records", results / "records")
    shutil.copy(finished / "results" / "benchmark.json", results)
    compare(results)
    assert (results / "results.md").read_bytes() == (finished / "results" / "results.md").read_bytes()
    assert "from scratch" in (results / "results.md").read_text()


def test_benchmark__finished_jobs_are_not_done_again_and_lost_ones_are(cohort: Path, finished: Path) -> None:
    kept = finished / "cells/organs/finetuned/ours/labels_2/seed_0"
    lost = finished / "cells/organs/finetuned/ours/labels_2/seed_1"
    before = (kept / "cell.json").stat().st_mtime_ns
    weights = load_file(next(lost.glob("checkpoints/*/model.safetensors")))
    shutil.rmtree(lost)
    result = benchmark(cohort / "toy.yaml", finished, progress=False)
    assert (result.finished, result.jobs, result.failures) == (20, 20, {})
    assert (kept / "cell.json").stat().st_mtime_ns == before
    again = load_file(next(lost.glob("checkpoints/*/model.safetensors")))
    assert {name: value.tobytes() for name, value in again.items()} == {
        name: value.tobytes() for name, value in weights.items()
    }


def test_benchmark__refuses_a_folder_of_other_settings(cohort: Path, finished: Path, tmp_path: Path) -> None:
    data = {
        name: str(cohort / value) for name, value in (("scans", "scans"), ("labels", "labels"), ("table", "people.tsv"))
    }
    changed = config(data={**data, "spacing": 3.0})
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(changed))
    with pytest.raises(RunError, match="another `data`"):
        benchmark(tmp_path / "other.yaml", finished, progress=False)
    with pytest.raises(RunError, match="holds no benchmark"):
        benchmark(cohort / "toy.yaml", cohort, progress=False)


def test_benchmark__a_second_one_in_the_same_folder_is_refused(cohort: Path, finished: Path) -> None:
    with only_one(finished, "benchmark"), pytest.raises(StoreError, match="another benchmark is writing"):
        benchmark(cohort / "toy.yaml", finished, progress=False)


def test_benchmark__stopped_half_way_shows_what_is_finished_and_goes_on(
    cohort: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C once everything but one job is done: the table has a gap, and the next run fills it."""
    whole = (finished / "results" / "results.md").read_text()
    shutil.rmtree(finished / "cells/organs/finetuned/masked")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orienteer.benchmark.run.run_jobs", stop)
    with pytest.raises(KeyboardInterrupt):
        benchmark(cohort / "toy.yaml", finished, progress=False)
    partial = pq.read_table(finished / "results" / "records" / "cases.parquet").to_pylist()
    assert {row["arm"] for row in partial if row["mode"] == "finetuned"} == {"scratch", "ours"}
    assert (finished / "results" / "results.md").read_text() != whole
    monkeypatch.undo()
    again = benchmark(cohort / "toy.yaml", finished, progress=False)
    assert again.finished == again.jobs
    scores = pq.read_table(finished / "results" / "records" / "cases.parquet").to_pylist()
    assert {row["arm"] for row in scores if row["mode"] == "finetuned"} == {"scratch", "ours", "masked"}


def test_benchmark__a_job_that_fails_is_named_and_the_others_go_on(cohort: Path, tmp_path: Path) -> None:
    arms = config()["arms"]
    broken = config(seeds=[0], arms={"scratch": arms["scratch"], "ours": arms["ours"]}, tasks={
        "organs": {**config()["tasks"]["organs"], "labelled_scans": [1, 99], "modes": ["finetuned"]},
    })  # fmt: skip
    (cohort / "broken.yaml").write_text(yaml.safe_dump(broken, sort_keys=False))
    result = CliRunner().invoke(app, ["benchmark", str(cohort / "broken.yaml"), str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "3 of 5 jobs finished, 2 failed" in result.output
    cost = json.loads((tmp_path / "out/cells/pretrain/ours/seed_0/cell.json").read_text())
    assert cost["stage"] == "pretrain" and cost["seconds"] > 0


def test_benchmark__says_which_scans_it_does_without(cohort: Path, tmp_path: Path) -> None:
    scans = Path(shutil.copytree(cohort / "scans", tmp_path / "scans"))
    (scans / "person_007.nii.gz").write_bytes(b"no scan")
    (scans / "person_008.nii.gz").write_bytes(b"nor this")
    options = IngestOptions(spacing=3.0, keep_names=True, progress=False, table=cohort / "people.tsv")
    told = list(about_left_out(ingest(scans, tmp_path / "store", options)))
    assert [line.split(": ")[:2] for line in told] == [["left out", "person_007"], ["left out", "person_008"]]
    for gone in ("person_000", "person_007", "person_008"):
        (scans / f"{gone}.nii.gz").unlink()
    assert list(about_left_out(ingest(scans, tmp_path / "store", options))) == [
        "note: no file any more for 1 stored scan, used all the same"
    ]


@pytest.mark.parametrize("public", [True, False])
def test_published__paths_of_data_that_is_not_public_are_left_out(public: bool) -> None:
    values = config(data={"scans": "/home/anna/mr", "table": "anna.tsv", "spacing": 2.0, "keep_names": public})
    shown = published(BenchmarkSettings.build(values))
    assert shown["data"]["spacing"] == 2.0 and shown["seeds"] == [0, 1]
    assert ("anna" in str(shown)) is public


def test_benchmark__a_folder_from_before_pseudonyms_goes_on_with_kept_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orienteer.benchmark.run._run", lambda *_: "went on")
    values = config()
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(values))
    before = BenchmarkSettings.build(values).model_dump(mode="json")
    del before["data"]["keep_names"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "benchmark.yaml").write_text(yaml.safe_dump(before))
    assert benchmark(tmp_path / "toy.yaml", tmp_path / "out") == "went on"
    with pytest.raises(RunError, match="another `data`"):
        benchmark(tmp_path / "toy.yaml", tmp_path / "out", assign=("data.keep_names=false",))
