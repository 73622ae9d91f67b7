"""The same anatomy in another scan: exact where scans agree, right where they are deformed, outside where it is cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from orienteer.geometry import Volume
from orienteer.localize.context import self_similarity
from orienteer.localize.correspond import Correspondence, Prepared, both_ways, correspond
from orienteer.localize.interpolate import Corners, box_mean_, sampled
from orienteer.localize.level import Level
from orienteer.localize.refine import Displacement

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
    return Prepared.by_field(volume, cells, STRIDE, finer(volume))


def finer(volume: Volume) -> Volume:
    """The same at half the spacing, over the same field of view."""
    affine = volume.affine @ np.array([[0.5, 0, 0, -0.25], [0, 0.5, 0, -0.25], [0, 0, 0.5, -0.25], [0, 0, 0, 1]])
    where = np.stack(np.meshgrid(*[(np.arange(2 * n) - 0.5) / 2 for n in volume.shape], indexing="ij"))
    return Volume(np.stack([map_coordinates(each, where, order=1, mode="nearest") for each in volume.array]), affine)


def voxels(found: Correspondence, index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxels ``(N, 3)`` of the one scan to those of the other."""
    return found(index * SPACING) / SPACING


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
    assert np.abs(voxels(correspond(one, one), points()) - points()).max() < 0.3


def test_correspond__likeness_mends_what_the_field_gets_wrong(
    bent: tuple[Prepared, Prepared, NDArray[np.float64]],
) -> None:
    one, other, there = bent
    true = np.stack([map_coordinates(each, points().T, order=1) for each in there], axis=1)
    found = voxels(correspond(one, other), points())
    still = SPACING * np.linalg.norm(points() - true, axis=1).mean()
    error = SPACING * np.linalg.norm(found - true, axis=1).mean()
    assert still > 3.5 and error < 1.0, "mm; the field was wrong by 3 mm"
    back = voxels(correspond(other, one), found)
    assert SPACING * np.linalg.norm(back - points(), axis=1).mean() < 1.0


def test_correspond__what_was_cut_off_lies_outside() -> None:
    one = prepared(image(), SPACING * grid())
    kept = 18  # voxels along S
    cut = prepared(np.ascontiguousarray(image()[:, :, :kept]), SPACING * grid()[:, :, :, :kept])
    found = voxels(correspond(one, cut), points())
    gone, there = points()[:, 2] > kept + 1, points()[:, 2] < kept - 3
    assert gone.sum() > 20 and there.sum() > 20
    assert (found[gone, 2] > kept - 0.5).mean() > 0.95
    assert (found[there, 2] < kept - 0.5).all() and np.abs(found[there] - points()[there]).mean() < 0.3


def test_correspond__far_outliers_of_the_field_do_not_spread() -> None:
    positions = SPACING * grid()
    positions[:, 10:14, 12:16, 12:16] += 120.0  # a network that is lost in one place
    one, other = prepared(image(), positions), prepared(image(), SPACING * grid())
    assert np.abs(voxels(correspond(one, other), points()) - points()).mean() < 0.3


def test_correspond__random_numbers_of_others_are_left_alone(bent: tuple[Prepared, Prepared, NDArray]) -> None:
    one, other, _ = bent
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    first, again = correspond(one, other), correspond(one, other)
    assert torch.equal(first.displacement.cells, again.displacement.cells) and torch.equal(
        state, torch.random.get_rng_state()
    )


def test_self_similarity__does_not_mind_contrast() -> None:
    array = torch.from_numpy(image())[None]
    context = self_similarity(array)
    assert context.shape == (12, *SHAPE) and float(context.min()) >= 0 and float(context.max()) <= 1
    torch.testing.assert_close(self_similarity(3 - 2 * array), context, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(self_similarity(torch.cat([array, array])), context)
    assert torch.isfinite(self_similarity(torch.zeros(1, 4, 4, 4))).all(), "air alone"


def test_correspond__a_finer_level_is_closer() -> None:
    shape = tuple(2 * n for n in SHAPE)
    texture = gaussian_filter(np.random.default_rng(4).normal(size=shape), 1.0)
    middle = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij"))
    fine = np.where((middle**2).sum(0) < 0.6, (3 * texture).clip(-0.9, 1), -1).astype(np.float32)
    shift = (1, -1, 1)  # half a voxel of the coarse grid
    scans = []
    for array, moved in ((fine, np.zeros(3)), (np.roll(fine, shift, (0, 1, 2)), np.array(shift) / 2)):
        coarse = torch.nn.functional.avg_pool3d(torch.from_numpy(array)[None], 2)[0].numpy()
        affine = np.diag([SPACING, SPACING, SPACING, 1.0])
        field = torch.from_numpy(SPACING * (grid()[:, ::2, ::2, ::2] + 0.5 - moved[:, None, None, None])).float()
        finer_affine = affine @ np.diag([0.5, 0.5, 0.5, 1.0])
        finer_affine[:3, 3] -= SPACING / 4
        scans.append(Prepared.by_field(Volume(coarse[None], affine), field, 2, Volume(array[None], finer_affine)))
    inside = np.argwhere((middle**2).sum(0)[::2, ::2, ::2] < 0.4).astype(float)[::17]
    errors = []
    for levels in (1, 2):
        few = [replace(each, levels=each.levels[:levels]) for each in scans]
        off = voxels(correspond(*few), inside) - inside - np.array(shift) / 2
        errors.append(np.linalg.norm(off, axis=1).mean())
    assert errors[1] < 0.5 * errors[0] and errors[1] < 0.1


def test_correspond__an_inverted_contrast_is_followed_by_context_alone(
    bent: tuple[Prepared, Prepared, NDArray[np.float64]],
) -> None:
    one, other, there = bent
    array = other.volume.array
    inverted = np.where(array > -0.9, 0.4 - array, array).astype(np.float32)
    turned = Prepared.by_field(Volume(inverted, other.volume.affine), other.field, STRIDE)
    true = np.stack([map_coordinates(each, points().T, order=1) for each in there], axis=1)
    error = SPACING * np.linalg.norm(voxels(correspond(one, turned), points()) - true, axis=1)
    assert np.median(error) < 1.5, "mm; the field was wrong by 3 mm, and intensities would pull it away"


def test_both_ways__are_what_each_is_alone(bent: tuple[Prepared, Prepared, NDArray[np.float64]]) -> None:
    one, other, _ = bent
    threads = torch.get_num_threads()
    there, back = both_ways(one, other)
    assert torch.get_num_threads() == threads
    assert np.allclose(there(points()), correspond(one, other)(points()), atol=1e-3)
    assert np.allclose(back(points()), correspond(other, one)(points()), atol=1e-3)


def test_level__keeps_the_body_where_it_is() -> None:
    array = np.full((1, 20, 22, 24), -1.0, dtype=np.float32)
    array[:, 8:12, 9:15, 20:24] = 0.5
    level = Level.of(Volume(array, np.diag([2.0, 2.0, 2.0, 1.0])))
    assert level.shape == (12, 14, 8) and level.looks.shape == (12 * 14 * 8, 13)
    assert level.affine[:3, 3].tolist() == [8.0, 10.0, 32.0] and len(level.body) == 4 * 6 * 4
    assert level.low.tolist() == [-4, -5, -16] and level.high.tolist() == [15, 16, 7]
    at_body = level.looks.reshape(12, 14, 8, 13)[tuple(level.body.long().T)]
    assert (at_body[:, 12] == 0.5).all()
    assert Level.of(Volume(np.full((1, 4, 5, 6), -1.0, dtype=np.float32), np.eye(4))).shape == (4, 5, 6), "air alone"


def test_corners__agree_with_scipy_and_their_slopes_with_differences() -> None:
    rng = np.random.default_rng(0)
    array, at = rng.normal(size=(2, 5, 6, 1)).astype(np.float32), rng.uniform(-1, 6, (50, 3)).astype(np.float32)
    mine = sampled(torch.from_numpy(array), torch.from_numpy(at)).numpy()
    theirs = np.stack([map_coordinates(each, at.T, order=1, mode="nearest") for each in array], axis=1)
    assert np.allclose(mine, theirs, atol=1e-5)
    table = torch.from_numpy(array).flatten(1).T.contiguous()
    inside = torch.from_numpy(rng.uniform(0.2, 3.8, (50, 3)).round(1).astype(np.float32) + 0.05)
    slopes = Corners.around(inside, (5, 6, 1), slopes=True).derivatives(table)
    for axis in range(3):
        step = torch.eye(3)[axis] * 0.01
        apart = sampled(torch.from_numpy(array), inside + step) - sampled(torch.from_numpy(array), inside - step)
        assert torch.allclose(slopes[axis], apart / 0.02, atol=1e-2)


@pytest.mark.parametrize("shape", [(2, 4, 5, 6), (3, 1, 2, 5), (1, 3, 1, 1)])
def test_box_mean__is_the_mean_of_27(shape: tuple[int, ...]) -> None:
    array = torch.randn(shape)
    padded = torch.nn.functional.pad(array[None], (1,) * 6, mode="replicate")
    assert torch.allclose(box_mean_(array.clone()), torch.nn.functional.avg_pool3d(padded, 3, 1)[0], atol=1e-6)


def test_displacement__goes_on_beyond_its_edge() -> None:
    moved = Displacement(torch.ones(3, 2, 2, 2), 2)(torch.tensor([[-5.0, 0.0, 9.0]]))
    assert moved.tolist() == [[-4.0, 1.0, 10.0]]
