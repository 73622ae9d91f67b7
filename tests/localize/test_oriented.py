"""Scans held in another way: the affine that says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.geometry import Volume, canonical
from orienteer.geometry.pose import MIRROR, POSES, Pose
from orienteer.geometry.volume import spacing_of
from orienteer.localize.oriented import affine_held, upright

poses = st.sampled_from(POSES)

AFFINES = st.builds(
    lambda pose, spacing, turn, offset: _affine(pose, spacing, turn, offset),
    poses,
    st.tuples(*[st.floats(0.5, 4.0)] * 3),
    st.tuples(*[st.floats(-0.2, 0.2)] * 3),
    st.tuples(*[st.floats(-100, 100)] * 3),
)


def _affine(pose: Pose, spacing: tuple, turn: tuple, offset: tuple) -> np.ndarray:
    from nibabel.eulerangles import euler2mat

    affine = np.eye(4)
    affine[:3, :3] = euler2mat(*turn) @ pose.matrix @ np.diag(spacing)
    affine[:3, 3] = offset
    return affine


@given(AFFINES, poses)
def test_affine_held__the_canonical_scan_is_the_one_that_stands_upright(affine: np.ndarray, pose: Pose) -> None:
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(1, 4, 5, 6)
    right = affine_held(affine, (4, 5, 6), pose)
    np.testing.assert_array_equal(
        canonical(Volume(array, right)).array, pose.show(canonical(Volume(array, affine)).array)
    )
    np.testing.assert_array_equal(upright(array[0], right), canonical(Volume(array, right)).array[0])
    np.testing.assert_allclose(spacing_of(right), spacing_of(affine))
    middle = np.array([1.5, 2, 2.5, 1])
    np.testing.assert_allclose(right @ middle, affine @ middle, atol=1e-9)
    back = affine_held(right, (4, 5, 6), pose.inverse)
    np.testing.assert_allclose(back, affine, atol=1e-9)


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPI", "PSR"])
def test_affine_held__mirrored_only_turns_the_column_of_left_and_right(codes: str) -> None:
    import nibabel as nib

    affine = nib.orientations.inv_ornt_aff(
        nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(codes)),
        (4, 5, 6),
    )
    right = affine_held(affine, (4, 5, 6), MIRROR)
    for axis, letter in enumerate(codes):
        sign = -1 if letter in "RL" else 1
        np.testing.assert_allclose(right[:3, axis], sign * affine[:3, axis])
