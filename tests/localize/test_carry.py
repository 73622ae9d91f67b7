"""Labels carried along a known field: right where scans are deformed, judged where cut, doubted where they differ."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.carry import Trust, carried, values_at
from orienteer.localize.correspond import Prepared
from tests.localize.test_correspond import SHAPE, SPACING, bent, grid, image, prepared

__all__ = ["bent"]

AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])
EVERYWHERE = Volume(np.ones((1, *SHAPE), dtype=bool), AFFINE)


def labels() -> NDArray[np.int16]:
    """Two balls within the body."""
    index = grid()
    middles = ((13, 17, 12), (16, 15, 20))
    balls = [sum((index[a] - m[a]) ** 2 for a in range(3)) < 25 for m in middles]
    return (1 * balls[0] + 2 * (balls[1] & ~balls[0])).astype(np.int16)


def dice(one: NDArray, other: NDArray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_carried__follows_a_deformation_and_expects_as_much(bent: tuple[Prepared, Prepared, NDArray]) -> None:
    one, other, _ = bent
    found, trust = carried(Volume(labels()[None], AFFINE), one, other, Grid(SHAPE, AFFINE), EVERYWHERE)
    # What the second scan shows at y lies in the first at its own field, in mm.
    back = other.field.numpy() / SPACING
    whole = [map_coordinates(each, (grid() - 0.5) / 2, order=1, mode="nearest") for each in back]
    true = map_coordinates(labels(), whole, order=0)
    for each in trust:
        real = dice(found == each.value, true == each.value)
        assert real > 0.8 and abs(each.dice - real) < 0.15, each
    assert [each.value for each in trust] == [1, 2] and all(each.cycle_mm < 1.5 for each in trust)


def test_carried__what_is_cut_off_is_not_invented_and_the_rest_is_judged_alone() -> None:
    one, kept = prepared(image(), SPACING * grid()), 15
    cut = prepared(np.ascontiguousarray(image()[:, :, :kept]), SPACING * grid()[:, :, :, :kept])
    found, (first, second) = carried(
        Volume(labels()[None], AFFINE), one, cut, Grid((*SHAPE[:2], kept), AFFINE), EVERYWHERE
    )
    true = labels()[:, :, :kept]
    assert dice(found == 1, true == 1) > 0.9 and first.dice > 0.8, "three quarters of it are there"
    assert second.voxels < 0.1 * (labels() == 2).sum() and not (true == 2).any()


def test_carried__nothing_is_labelled_outside_the_body(bent: tuple[Prepared, Prepared, NDArray]) -> None:
    one, other, _ = bent
    labelled = Volume(np.maximum(labels(), 3)[None], AFFINE)  # everywhere, also in air
    body = np.zeros(SHAPE, dtype=bool)
    body[4:20, 5:, :15] = True
    whole, _ = carried(labelled, one, other, Grid(SHAPE, AFFINE), EVERYWHERE)
    found, trust = carried(labelled, one, other, Grid(SHAPE, AFFINE), Volume(body[None], AFFINE))
    np.testing.assert_array_equal(found, np.where(body, whole, 0))
    assert (whole[~body] > 0).any() and sum(each.voxels for each in trust) == (found > 0).sum()


def test_carried__what_is_something_else_is_doubted() -> None:
    one, other = prepared(image(), SPACING * grid()), prepared(image(seed=5), SPACING * grid())
    whole = Volume(labels()[None], AFFINE)
    same, strange = (
        np.mean([t.dice for t in carried(whole, one, each, Grid(SHAPE, AFFINE), EVERYWHERE)[1]])
        for each in (one, other)
    )
    assert same > 0.97 and strange < 0.85


def test_values_at__the_most_weight_wins_and_nothing_lies_outside() -> None:
    array = np.zeros((1, 3, 3, 3), dtype=np.int16)
    array[0, 1] = 300
    array[0, 2] = 7
    at = np.array([[0.4, 1, 1], [0.6, 1, 1], [1.4, 1, 1], [1.6, 1, 1], [2.4, 1, 1], [2.6, 1, 1], [-9, 1, 1]])
    assert values_at(Volume(array, np.eye(4)), at).tolist() == [0, 300, 300, 7, 7, 0, 0]


@pytest.mark.parametrize("trust", [Trust(3, 120, 0.9, 1.25), Trust(70, 0, 0.0, 9.5)])
def test_trust__is_what_was_written(trust: Trust) -> None:
    table = trust.to_json()
    assert Trust.from_json(table) == trust and table["predicted_dice"] == round(trust.returned**2, 4)
