"""Turning a scan to RAS moves no voxel in the world, and invents none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.errors import ScanError
from orienteer.geometry import Volume, axes_of, canonical, spacing_of
from orienteer.testing.strategies import AXIS_MAPS, affines, volumes


def places(volume: Volume) -> dict[int, np.ndarray]:
    """World position of every voxel of the first channel, by its (unique) value."""
    index = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return dict(zip(volume.array[0].ravel().tolist(), world.T, strict=True))


@settings(max_examples=50)
@given(volumes())
def test_canonical__keeps_every_voxel_where_it_is_in_the_world(volume: Volume) -> None:
    turned = canonical(volume)
    before, after = places(volume), places(turned)
    assert before.keys() == after.keys()
    for value, position in before.items():
        np.testing.assert_allclose(after[value], position, atol=1e-9)


@settings(max_examples=50)
@given(volumes())
def test_canonical__keeps_channels_together(volume: Volume) -> None:
    turned = canonical(volume)
    assert turned.array.shape[0] == volume.array.shape[0]
    if len(volume.array) == 2:
        np.testing.assert_array_equal(turned.array[1] - turned.array[0], volume.array[1, 0, 0, 0])


# Below 35 degrees the closest axis is never in doubt.
@settings(max_examples=50)
@given(volumes(oblique_deg=35.0))
def test_canonical__names_ras_and_permutes_spacing_with_shape(volume: Volume) -> None:
    turned = canonical(volume)
    assert turned.axes == "RAS"
    assert sorted(zip(volume.shape, volume.spacing.round(9), strict=True)) == sorted(
        zip(turned.shape, turned.spacing.round(9), strict=True)
    )
    assert (np.diag(turned.affine[:3, :3]) > 0).all()


@settings(max_examples=50)
@given(volumes(oblique_deg=35.0))
def test_canonical__twice_is_once(volume: Volume) -> None:
    once = canonical(volume)
    twice = canonical(once)
    np.testing.assert_array_equal(once.array, twice.array)
    np.testing.assert_allclose(once.affine, twice.affine, atol=1e-9)


def test_canonical__las_is_flipped_by_hand() -> None:
    # OASIS comes as LAS: the first voxel index grows towards the left.
    affine = np.array([[-1.5, 0, 0, 90.0], [0, 1.5, 0, -120.0], [0, 0, 1.5, -70.0], [0, 0, 0, 1.0]])
    array = np.arange(24).reshape(1, 4, 3, 2)
    turned = canonical(Volume(array, affine))
    np.testing.assert_array_equal(turned.array, array[:, ::-1])
    # The old last voxel is the new first: 90 - 1.5 * 3.
    np.testing.assert_allclose(turned.affine[:3, 3], [85.5, -120.0, -70.0])
    np.testing.assert_allclose(np.diag(turned.affine), [1.5, 1.5, 1.5, 1.0])


def test_canonical__permutes_by_hand() -> None:
    # Array axes grow towards posterior, superior, right ("PSR"), with three different spacings.
    affine = np.array([[0, 0, 3.0, 1.0], [-1.0, 0, 0, 2.0], [0, 2.0, 0, 3.0], [0, 0, 0, 1.0]])
    array = np.arange(24).reshape(1, 2, 3, 4)
    volume = Volume(array, affine)
    assert volume.axes == "PSR"
    turned = canonical(volume)
    assert turned.shape == (4, 2, 3)
    np.testing.assert_allclose(turned.spacing, [3.0, 1.0, 2.0])
    np.testing.assert_array_equal(turned.array[0], array[0].transpose(2, 0, 1)[:, ::-1, :])
    np.testing.assert_allclose(turned.affine[:3, 3], [1.0, 1.0, 3.0])


def test_canonical__oblique_scan_stays_oblique() -> None:
    affine = np.eye(4)
    turn = np.radians(20.0)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    turned = canonical(Volume(np.zeros((1, 3, 3, 3)), affine))
    np.testing.assert_allclose(turned.affine, affine)


@settings(max_examples=50)
@given(affine=affines(), factor=st.floats(0.5, 2.0))
def test_spacing_of__is_the_length_of_a_step(affine: np.ndarray, factor: float) -> None:
    steps = [np.linalg.norm(affine @ [*np.eye(3)[axis], 1] - affine @ [0, 0, 0, 1]) for axis in range(3)]
    np.testing.assert_allclose(spacing_of(affine), steps, rtol=1e-9, atol=1e-9)
    scaled = affine @ np.diag([factor, 1, 1, 1])
    np.testing.assert_allclose(spacing_of(scaled), spacing_of(affine) * [factor, 1, 1])


@pytest.mark.parametrize("matrix", AXIS_MAPS, ids=lambda matrix: str(matrix.astype(int).tolist()))
def test_axes_of__names_all_48_orders(matrix: np.ndarray) -> None:
    affine = np.eye(4)
    affine[:3, :3] = matrix * 2.0
    letters = axes_of(affine)
    for column, letter in enumerate(letters):
        world = int(np.abs(matrix[:, column]).argmax())
        assert letter == ("LR", "PA", "IS")[world][int(matrix[world, column] > 0)]


def test_axes_of__singular_axis_is_a_question_mark() -> None:
    affine = np.diag([1.0, 0.0, 1.0, 1.0])
    assert axes_of(affine) == "R?S"
    with pytest.raises(ScanError, match="maps an axis to nothing") as raised:
        canonical(Volume(np.zeros((1, 2, 2, 2)), affine))
    assert raised.value.code == "affine-singular"


@pytest.mark.parametrize(
    ("array", "affine", "message"),
    [
        (np.zeros((2, 2, 2)), np.eye(4), "got 3 axes"),
        (np.zeros((1, 2, 2, 2, 2)), np.eye(4), "got 5 axes"),
        (np.zeros((1, 2, 2, 2)), np.eye(3), r"got \(3, 3\)"),
    ],
)
def test_volume__wrong_shapes_are_refused(array: np.ndarray, affine: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Volume(array, affine)


def test_volume__knows_its_shape() -> None:
    volume = Volume(np.zeros((2, 3, 4, 5)), np.diag([1.0, 2.0, 3.0, 1.0]))
    assert volume.shape == (3, 4, 5)
    np.testing.assert_array_equal(volume.spacing, [1.0, 2.0, 3.0])
    assert volume.axes == "RAS"
