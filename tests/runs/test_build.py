"""Tasks and placements that do not fit each other are refused before anything is trained."""

import pytest

from orienteer.errors import ConfigError
from orienteer.runs.build import build_model
from orienteer.runs.settings import PretrainSettings

TINY = {"name": "unet", "size": "tiny", "options": {"features": (4, 8, 8)}, "embedding": 16}


def build(tasks: dict, **views: object) -> None:
    settings = PretrainSettings.build({"tasks": tasks, "network": TINY, "views": {"size": 16, **views}})
    build_model(settings, channels=1, spacing=3.0)


@pytest.mark.parametrize(
    ("task", "placement"), [("simclr", "overlapping"), ("voco", "grid"), ("patch_location", "neighbours")]
)
def test_build_model__a_task_wants_its_placement(task: str, placement: str) -> None:
    with pytest.raises(ConfigError, match=f"tasks.{task} cannot learn from views placed free") as error:
        build({"gap": {}, task: {}}, count=10)
    assert f"views.placement={placement}" in error.value.cure
    build({task: {}}, count=10, placement=placement)


def test_build_model__two_tasks_of_different_placements_never_fit() -> None:
    with pytest.raises(ConfigError, match=r"tasks.voco .* placed overlapping"):
        build({"simclr": {}, "voco": {}}, count=10, placement="overlapping")


@pytest.mark.parametrize("placement", ["free", "overlapping", "grid", "neighbours"])
def test_build_model__other_tasks_take_any_placement(placement: str) -> None:
    build({"gap": {}, "rpr": {}}, placement=placement)


def test_build_model__refuses_runs_in_which_a_task_learns_nothing() -> None:
    alone = {"tasks": {"simclr": {}}, "network": TINY, "views": {"size": 16, "count": 2, "placement": "overlapping"}}
    with pytest.raises(ConfigError, match="compares scans"):
        build_model(PretrainSettings.build({**alone, "optimiser": {"batch": 1}}), channels=1, spacing=3.0)
    two = PretrainSettings.build({**alone, "optimiser": {"batch": 2}})
    build_model(two, channels=1, spacing=3.0)
    with pytest.raises(ConfigError, match="compares scans"):
        build_model(two, channels=1, spacing=3.0, processes=2)
