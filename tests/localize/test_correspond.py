"""The same anatomy in another scan: exact where scans agree, right where they are deformed, outside where it is cut."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from orienteer.geometry import Volume
from orienteer.localize.context import self_similarity
from orienteer.localize.correspond import Prepared, correspond

SHAPE = (30, 34, 32)
SPACING = 3.0
STRIDE = 2


def image(seed: int = 0) -> NDArray[np.float32]:
    """A body in air, different everywhere; window units."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij"))
    inside = gaussian_filter(((grid**2).sum(0) < 0.75).astype(float), 1)
    texture = gaussian_filter(rng.normal(size=SHAPE), 1.5)
    return (inside * (0.8 + 4 * texture) * 1.5 - 1).clip(-1, 1.5).astype(np.float32)


def prepared(array: NDArray, positions: NDArray, wrong_mm: float = 0.0) -> Prepared:
    """A scan whose field says ``positions`` ``(3, D, H, W)`` mm, with errors that are smooth, as a network's are."""
    rng = np.random.default_rng(1)
    noise = np.stack([gaussian_filter(rng.normal(size=array.shape), 3) for _ in range(3)])
    noise *= wrong_mm / np.linalg.norm(noise, axis=0).mean()
    cells = torch.nn.functional.avg_pool3d(torch.from_numpy(positions + noise).float()[None], STRIDE)[0]
    volume = Volume(array[None], np.diag([SPACING, SPACING, SPACING, 1.0]))
    return Prepared(volume, self_similarity(torch.from_numpy(array[None])), cells, STRIDE)


def grid() -> NDArray[np.float64]:
    return np.stack(np.meshgrid(*[np.arange(n, dtype=float) for n in SHAPE], indexing="ij"))


@pytest.fixture
def bent() -> tuple[Prepared, Prepared, NDArray[np.float64]]:
    """A scan, the same one deformed by up to four voxels, and where each voxel of the first went."""
    rng = np.random.default_rng(2)
    move = np.stack([gaussian_filter(rng.normal(size=SHAPE), 6) for _ in range(3)])
    move *= 4 / np.abs(move).max()
    here, back = grid(), grid() + move  # the second scan shows at y what the first shows at y + move(y)
    first = image()
    second = map_coordinates(first, back, order=1, mode="nearest").astype(np.float32)
    one, other = prepared(first, SPACING * here, 3.0), prepared(second, SPACING * back, 0.0)
    there = here.copy()
    for _ in range(20):  # the inverse of the deformation
        there = here - np.stack([map_coordinates(each, there, order=1, mode="nearest") for each in move])
    return one, other, there


def points() -> NDArray[np.float64]:
    """Voxels well inside the body."""
    return np.argwhere(image() > -0.5).astype(float)[::37]


def test_correspond__a_scan_is_itself_whatever_the_field_says_alike() -> None:
    one = prepared(image(), SPACING * grid(), 4.0)
    assert np.abs(correspond(one, one)(points()) - points()).max() < 0.3


def test_correspond__likeness_mends_what_the_field_gets_wrong(
    bent: tuple[Prepared, Prepared, NDArray[np.float64]],
) -> None:
    one, other, there = bent
    true = np.stack([map_coordinates(each, points().T, order=1) for each in there], axis=1)
    found = correspond(one, other)(points())
    still = SPACING * np.linalg.norm(points() - true, axis=1).mean()
    error = SPACING * np.linalg.norm(found - true, axis=1).mean()
    assert still > 3.5 and error < 1.0, "mm; the field was wrong by 3 mm"
    back = correspond(other, one)(found)
    assert SPACING * np.linalg.norm(back - points(), axis=1).mean() < 1.0


def test_correspond__what_was_cut_off_lies_outside() -> None:
    one = prepared(image(), SPACING * grid())
    kept = 18  # voxels along S
    cut = prepared(np.ascontiguousarray(image()[:, :, :kept]), SPACING * grid()[:, :, :, :kept])
    found = correspond(one, cut)(points())
    gone, there = points()[:, 2] > kept + 1, points()[:, 2] < kept - 3
    assert gone.sum() > 20 and there.sum() > 20
    assert (found[gone, 2] > kept - 0.5).mean() > 0.95
    assert (found[there, 2] < kept - 0.5).all() and np.abs(found[there] - points()[there]).mean() < 0.3


def test_correspond__far_outliers_of_the_field_do_not_spread() -> None:
    positions = SPACING * grid()
    positions[:, 10:14, 12:16, 12:16] += 120.0  # a network that is lost in one place
    one, other = prepared(image(), positions), prepared(image(), SPACING * grid())
    assert np.abs(correspond(one, other)(points()) - points()).mean() < 0.3


def test_correspond__random_numbers_of_others_are_left_alone(bent: tuple[Prepared, Prepared, NDArray]) -> None:
    one, other, _ = bent
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    first, again = correspond(one, other), correspond(one, other)
    assert torch.equal(first.there, again.there) and torch.equal(state, torch.random.get_rng_state())


def test_self_similarity__does_not_mind_contrast() -> None:
    array = torch.from_numpy(image())[None]
    context = self_similarity(array)
    assert context.shape == (12, *SHAPE) and float(context.min()) >= 0 and float(context.max()) <= 1
    torch.testing.assert_close(self_similarity(3 - 2 * array), context, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(self_similarity(torch.cat([array, array])), context)
    assert torch.isfinite(self_similarity(torch.zeros(1, 4, 4, 4))).all(), "air alone"
