"""The configurations that are shipped: each is valid, fair, and says where its data is."""

import re
from pathlib import Path

import pytest
import yaml

from orienteer.benchmark.plan import jobs_of
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.config import load_yaml
from orienteer.runs.build import build_model
from orienteer.runs.settings import PretrainSettings
from tests.conftest import REPOSITORY
from tests.pages import Page

FILES = sorted((REPOSITORY / "benchmarks").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_configuration__is_fair(file: Path) -> None:
    """Same encoder and steps for every pretext; same fine-tuning but where an arm says otherwise."""
    settings = BenchmarkSettings.build(load_yaml(file), origin=str(file))
    jobs = jobs_of(settings, Path("out"))
    runs = [job.settings for job in jobs if isinstance(job.settings, PretrainSettings)]
    assert len({(run.network.name, run.network.size, run.optimiser.steps) for run in runs}) == 1
    networks = {(run.network.name, run.network.size) for run in runs}
    tuned = [job.settings for job in jobs if job.stage != "pretrain"]
    assert {(one.network.name, one.network.size) for one in tuned} == networks
    roles = [arm.role for arm in settings.arms.values()]
    assert roles[0] == "scratch" and "ours" in roles and "baseline" in roles
    assert settings.credit, "whose data it is belongs beside every figure"


@pytest.mark.parametrize("file", [file for file in FILES if "cpu" in file.stem], ids=lambda file: file.stem)
def test_configuration__every_arm_can_be_built(file: Path) -> None:
    settings = BenchmarkSettings.build(load_yaml(file), origin=str(file))
    for job in jobs_of(settings, Path("out")):
        if isinstance(job.settings, PretrainSettings):
            assert set(build_model(job.settings, channels=1, spacing=3.0).tasks) == set(job.settings.active_tasks)


def test_configuration__of_the_page_is_valid_and_has_the_default_tasks() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", Page("benchmark.md").text, flags=re.DOTALL)
    settings = BenchmarkSettings.build(yaml.safe_load(block), origin="benchmark.md")
    runs = {
        job.arm: job.settings for job in jobs_of(settings, Path("out")) if isinstance(job.settings, PretrainSettings)
    }
    assert runs["ours"].active_tasks == PretrainSettings().active_tasks
    assert list(runs["masked"].active_tasks) == ["masked"]
