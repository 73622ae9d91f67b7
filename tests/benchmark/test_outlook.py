import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orienteer.benchmark.job import DONE
from orienteer.benchmark.outlook import Group, groups_of, outlook, time_left
from orienteer.benchmark.plan import jobs_of
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.cli import app, commands  # noqa: F401
from tests.benchmark.conftest import config

LONG = Group("finetune", "organs", 600, jobs=10, done=4, seconds=100.0)


def _done(folder: Path, seconds: float | None) -> None:
    folder.mkdir(parents=True)
    (folder / DONE).write_text(json.dumps({"seconds": seconds}))


def test_groups__count_alike_jobs_and_tell_the_mean_of_those_whose_time_is_known(tmp_path: Path) -> None:
    jobs = jobs_of(BenchmarkSettings.build(config()), tmp_path)
    runs = [job for job in jobs if job.stage == "pretrain"]
    _done(runs[0].folder, 30.0)
    _done(runs[1].folder, None)
    groups = groups_of(jobs)
    assert sum(group.jobs for group in groups) == len(jobs)
    assert groups[0] == Group("pretrain", "", runs[0].settings.optimiser.steps, jobs=2, done=2, seconds=30.0)
    assert {group.steps for group in groups if group.stage in ("frozen", "places")} == {0}


@pytest.mark.parametrize(
    ("groups", "parallel", "told"),
    [
        ((LONG,), 2, "about 5.0 min"),
        ((LONG, replace(LONG, steps=150, done=0, seconds=None)), 1, "about 14.2 min"),
        ((LONG, replace(LONG, stage="frozen", done=0, seconds=None)), 1, "more than 10.0 min"),
        ((replace(LONG, done=10),), 1, ""),
        ((replace(LONG, done=0, seconds=None),), 1, ""),
    ],
    ids=["known", "by steps from others", "some unknown", "nothing left", "nothing known"],
)
def test_time_left__is_told_as_far_as_it_is_known(groups: tuple[Group, ...], parallel: int, told: str) -> None:
    assert time_left(groups, parallel) == told


def test_plan__tells_and_runs_nothing(cohort: Path, tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["benchmark", str(cohort / "toy.yaml"), str(tmp_path / "out"), "--plan"])
    assert told.exit_code == 0, told.output
    jobs = sum(group.jobs for group in outlook(cohort / "toy.yaml", tmp_path / "out").groups)
    assert f"{jobs} of {jobs} jobs to do" in told.output
    assert "not known yet" in told.output
    assert not (tmp_path / "out").exists()
