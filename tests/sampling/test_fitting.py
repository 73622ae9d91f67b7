"""A scan that is too small for its views is named and left out; the others go on."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from orienteer.errors import ConfigError
from orienteer.sampling import ViewSettings
from orienteer.sampling.fitting import fitting


class Shapes:
    """As much of a store as is asked for."""

    manifest = SimpleNamespace(spacing=3.0)

    def __init__(self, **shapes: tuple[int, int, int]) -> None:
        self.by_id = shapes

    def shapes(self, scans: Sequence[str]) -> Any:
        return np.array([self.by_id[scan] for scan in scans])

    def entry(self, scan: str) -> Any:
        return SimpleNamespace(shape=self.by_id[scan])


@pytest.mark.parametrize(
    ("views", "needed"),
    [({}, 48), ({"placement": "grid", "count": 10}, 96), ({"placement": "neighbours", "count": 3}, None)],
)
def test_fitting__names_the_small_scan_and_the_extent_that_is_needed(views: dict[str, Any], needed: int | None) -> None:
    store: Any = Shapes(brain=(60, 70, 60), slab=(60, 70, 8), head=(64, 64, 64))
    found = fitting(store, ("brain", "slab", "head"), ViewSettings.build({"size": 16, **views}, origin="test"))
    assert found.ids == ("brain", "head")
    first, fix = found.lines("training")
    assert first.startswith("left out of training: scan slab is 60x70x8 voxels")
    assert f"--min-extent {found.needed_mm:g}" in fix
    assert needed in (None, found.needed_mm)
    large = (round(found.needed_mm / 3),) * 3
    settings = ViewSettings.build({"size": 16, **views}, origin="test")
    assert fitting(Shapes(one=large), ("one",), settings).lines("training") == []  # type: ignore[arg-type]


def test_fitting__none_left_is_an_error() -> None:
    store: Any = Shapes(slab=(60, 70, 8), thin=(8, 60, 60))
    with pytest.raises(ConfigError, match="scan slab is 60x70x8 voxels"):
        fitting(store, ("slab", "thin"), ViewSettings(size=16))


def test_fitting__many_are_counted() -> None:
    shapes = {f"s{number}": (8, 8, 8) for number in range(15)}
    store: Any = Shapes(brain=(60, 60, 60), **shapes)
    lines = fitting(store, ("brain", *shapes), ViewSettings(size=16)).lines("training")
    assert len(lines) == 12 and lines[10] == "left out of training: 5 more like these"
