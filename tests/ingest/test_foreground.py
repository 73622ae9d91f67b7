"""The body is found in MR and CT, and a crop from inside a body is all body."""

import numpy as np
import scipy.ndimage as ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.ingest.foreground import coarse_grid, filled, foreground_box, foreground_mask
from tests.store.phantoms import body


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def ellipsoid(shape: tuple[int, int, int], radius: float) -> np.ndarray:
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return sum(axis**2 for axis in grid) < radius**2


def ct(shape: tuple[int, int, int] = (60, 56, 40)) -> tuple[np.ndarray, np.ndarray]:
    """A trunk with two lungs that reach the top, on a table, in air; and the trunk's true mask."""
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.linspace(-1, 1, shape[0]), np.linspace(-1, 1, shape[1]), indexing="ij")
    trunk = np.repeat((x**2 + (y / 0.8) ** 2 < 0.8**2)[..., None], shape[2], axis=2)
    image = np.where(trunk, 40.0, -1000.0)
    for side in (-0.35, 0.35):
        lung = (x - side) ** 2 + y**2 < 0.2**2
        image[lung, 10:] = -850.0
    image[10:50, 3, :] = 150.0  # the table
    return (image + rng.normal(0, 15, shape)).astype(np.float32)[None], trunk


def test_foreground_mask__stripped_mr() -> None:
    image = body((40, 44, 36)).astype(np.float32)
    assert overlap(foreground_mask(image[None]), image > 0) > 0.97


def test_foreground_mask__mr_with_noise_around() -> None:
    truth = ellipsoid((40, 44, 36), 0.7)
    rng = np.random.default_rng(1)
    image = np.abs(np.where(truth, 600.0, 0.0) + rng.normal(0, 30, truth.shape)).astype(np.float32)
    assert overlap(foreground_mask(image[None]), truth) > 0.97


def test_foreground_mask__dark_middle_is_filled() -> None:
    truth = ellipsoid((40, 44, 36), 0.7)
    image = np.where(truth, 800.0, 0.0).astype(np.float32)
    image[ellipsoid(truth.shape, 0.25)] = 20.0
    assert overlap(foreground_mask(image[None]), truth) > 0.97


def test_foreground_mask__ct_leaves_air_and_table_out_and_keeps_lungs() -> None:
    image, trunk = ct()
    mask = foreground_mask(image)
    assert overlap(mask, trunk) > 0.96
    assert not mask[10:50, 3].any()


def test_foreground_mask__padding_below_air_is_air() -> None:
    image, trunk = ct()
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in image.shape[1:3]), indexing="ij")
    image[0, grid[0] ** 2 + grid[1] ** 2 > 1] = -3024.0
    assert overlap(foreground_mask(image), trunk) > 0.96


def test_foreground_mask__a_crop_from_inside_is_all_body() -> None:
    texture = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(30, 30, 30)), 2)
    assert foreground_mask((500 + 200 * texture / texture.std())[None].astype(np.float32)).all()


def test_foreground_mask__two_legs_are_both_kept() -> None:
    image = np.zeros((1, 60, 30, 20), dtype=np.float32)
    image[0, 6:26, 6:24] = 500.0
    image[0, 36:54, 6:24] = 480.0
    image[0] += np.random.default_rng(0).normal(0, 5, image[0].shape).astype(np.float32)
    mask = foreground_mask(image)
    assert mask[15, 15, 10] and mask[45, 15, 10] and not mask[31, 15, 10]


def test_foreground_box__is_tight() -> None:
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[2:5, 3:9, 0:1] = True
    assert foreground_box(mask) == ((2, 3, 0), (5, 9, 1))


@settings(max_examples=40)
@given(shape=st.tuples(*[st.integers(1, 14)] * 3), seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_coarse_grid__a_cell_is_set_by_a_quarter_of_its_own_voxels(shape, seed, share) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    cells = coarse_grid(mask, 4)
    assert cells.shape == tuple(-(-n // 4) for n in shape)
    assert cells.any()
    for index in np.ndindex(cells.shape):
        block = mask[tuple(slice(4 * i, 4 * i + 4) for i in index)]
        if block.mean() >= 0.25:
            assert cells[index]
        elif (coarse := cells.sum()) > 1:
            assert not cells[index] or block.mean() == max(
                mask[tuple(slice(4 * i, 4 * i + 4) for i in other)].mean() for other in np.ndindex(cells.shape)
            ), coarse


@given(st.tuples(*[st.integers(1, 9)] * 3), st.floats(0.2, 0.9), st.integers(0, 2**32 - 1))
def test_filled__is_what_scipy_fills_of_the_whole_and_of_every_slice(
    shape: tuple[int, int, int], share: float, seed: int
) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    np.testing.assert_array_equal(filled(mask, (0, 1, 2)), ndimage.binary_fill_holes(mask))
    slices = [ndimage.binary_fill_holes(mask[:, :, axial]) for axial in range(shape[2])]
    np.testing.assert_array_equal(filled(mask, (0, 1)), np.stack(slices, axis=2))
