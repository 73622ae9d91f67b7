"""Scores against shapes worked out by hand, against MONAI on whole volumes, and against distances from SciPy."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter

from orienteer.finetune.metrics import CaseScores, score_case

SPACING = 3.0


def cube(low: tuple[int, int, int], edge: int = 6, shape: tuple[int, int, int] = (16, 16, 16)) -> NDArray[np.uint8]:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[tuple(slice(n, n + edge) for n in low)] = 1
    return mask


def score(mine: NDArray, theirs: NDArray, *, classes: int = 2, tolerance_mm: float = 2.0) -> CaseScores:
    return score_case(mine, theirs, classes=classes, spacing=SPACING, tolerance_mm=tolerance_mm)


def test_score__cubes_shifted_by_two_voxels_by_hand() -> None:
    """Of 6^3 voxels 4 x 36 overlap. A cube's surface has 6^3 - 4^3 = 152 voxels; the 36 of the far face lie 6 mm from
    the other cube, more than the farthest twentieth. 4 rings of 20 voxels belong to both surfaces."""
    found = score(cube((4, 4, 4)), cube((6, 4, 4)))
    assert found.dice[0] == pytest.approx(2 * 144 / 432)
    assert found.hd95_mm[0] == pytest.approx(6.0)
    assert found.surface_dice[0] == pytest.approx(80 / 152)
    assert score(cube((4, 4, 4)), cube((6, 4, 4)), tolerance_mm=6.0).surface_dice[0] == 1.0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_score__is_the_same_along_every_axis(axis: int) -> None:
    low = [4, 4, 4]
    low[axis] += 2
    along_first, along = score(cube((4, 4, 4)), cube((6, 4, 4))), score(cube((4, 4, 4)), cube((*low,)))
    assert np.allclose(along_first, along, equal_nan=True)


def test_score__apart_by_hand() -> None:
    """A voxel each, three voxels apart: 9 mm."""
    found = score(cube((2, 5, 5), 1), cube((5, 5, 5), 1))
    assert (found.dice[0], found.hd95_mm[0], found.surface_dice[0]) == (0.0, 9.0, 0.0)


def test_score__conventions_for_absent_structures() -> None:
    """Absent from the labels: no overlap, only a false volume. Not predicted: an overlap of 0, and no distance."""
    there, nothing = cube((4, 4, 4)), np.zeros((16, 16, 16), dtype=np.uint8)
    for predicted, false_ml in ((nothing, 0.0), (there, 6**3 * SPACING**3 / 1000)):
        found = score(predicted, nothing)
        assert np.isnan((found.dice[0], found.surface_dice[0], found.hd95_mm[0])).all()
        assert found.false_ml[0] == pytest.approx(false_ml)
    found = score(nothing, there)
    assert (found.dice[0], found.surface_dice[0]) == (0.0, 0.0)
    assert np.isnan((found.hd95_mm[0], found.false_ml[0])).all()


def test_score__ignored_voxels_are_not_compared() -> None:
    mine, theirs = cube((4, 4, 4)), cube((4, 4, 4))
    theirs[:, :, 8:] = 255
    mine[12:, :, 12:] = 1
    assert score(mine, theirs).dice[0] == score(mine, theirs).surface_dice[0] == 1.0
    assert np.isnan(score(mine, np.full_like(theirs, 255)).dice[0])


def test_score__each_structure_by_itself() -> None:
    mine, theirs = cube((1, 1, 1), 4), cube((1, 1, 1), 4)
    mine[10:14, 10:14, 10:14], theirs[10:14, 10:14, 10:14] = 2, 3
    found = score(mine, theirs, classes=5)
    assert found.dice[[0, 2]].tolist() == [1.0, 0.0] and np.isnan(found.dice[[1, 3]]).all()
    assert found.false_ml[1] == pytest.approx(4**3 * SPACING**3 / 1000)
    assert found.hd95_mm[0] == 0.0 and np.isnan(found.hd95_mm[1:]).all()


@st.composite
def blobs(draw: st.DrawFn) -> NDArray[np.uint8]:
    """A smooth random shape, perhaps in parts, perhaps at the border; never empty."""
    seed, share = draw(st.integers(0, 2**32 - 1)), draw(st.floats(0.02, 0.5))
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(12, 11, 10)), draw(st.floats(0.7, 2.0)))
    return np.asarray(field >= np.quantile(field, 1 - share), dtype=np.uint8)


@settings(max_examples=25)
@given(mask=blobs())
def test_score__identical_masks_are_perfect(mask: NDArray[np.uint8]) -> None:
    found = score(mask, mask)
    assert (found.dice[0], found.hd95_mm[0], found.surface_dice[0]) == (1.0, 0.0, 1.0)


@settings(max_examples=25)
@given(mine=blobs(), theirs=blobs())
def test_score__is_symmetric_and_within_bounds(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    found, other = score(mine, theirs), score(theirs, mine)
    assert np.allclose(found, other, equal_nan=True)
    assert 0 <= found.dice[0] <= 1 and 0 <= found.surface_dice[0] <= 1 and found.hd95_mm[0] >= 0


@settings(max_examples=15)
@given(mine=blobs(), theirs=blobs(), room=st.integers(0, 5))
def test_score__the_box_changes_nothing(mine: NDArray[np.uint8], theirs: NDArray[np.uint8], room: int) -> None:
    """MONAI on the whole volume says the same as here, where only the box around both is looked at."""
    mine, theirs = np.pad(mine, room), np.pad(theirs, room)
    found = score(mine, theirs)
    pair = [torch.from_numpy(mask)[None, None] for mask in (mine, theirs)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        hd95 = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=SPACING)
        surface = compute_surface_dice(*pair, [2.0], include_background=True, spacing=SPACING)
    assert found.hd95_mm[0] == pytest.approx(float(hd95))
    assert found.surface_dice[0] == pytest.approx(float(surface))


@settings(max_examples=15)
@given(mine=blobs(), theirs=blobs())
def test_score__agrees_with_distance_transforms(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> None:
    found = score(mine, theirs, tolerance_mm=3.5)
    edges = [np.asarray(mask & ~binary_erosion(mask).astype(np.uint8), dtype=bool) for mask in (mine, theirs)]
    there = [distance_transform_edt(~edge, sampling=SPACING) for edge in edges]
    ways = [there[1][edges[0]], there[0][edges[1]]]
    assert found.dice[0] == pytest.approx(2 * (mine & theirs).sum() / (mine.sum() + theirs.sum()))
    assert found.hd95_mm[0] == pytest.approx(max(np.percentile(way, 95) for way in ways), rel=1e-5)
    near = sum(int((way <= 3.5).sum()) for way in ways)
    assert found.surface_dice[0] == pytest.approx(near / sum(map(len, ways)))
