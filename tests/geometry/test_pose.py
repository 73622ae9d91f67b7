"""The 48 poses: a group, and arrays that follow their matrices."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orienteer.geometry.pose import MIRROR, POSES, TURNS, UPRIGHT, Pose

poses = st.sampled_from(POSES)


def test_poses__are_the_48_of_which_24_are_turns() -> None:
    assert len(set(POSES)) == 48 and POSES[0] == UPRIGHT
    assert len(TURNS) == 24 and {MIRROR @ turn for turn in TURNS} | set(TURNS) == set(POSES)
    assert all(round(np.linalg.det(pose.matrix)) == (-1 if pose.mirrored else 1) for pose in POSES)


def test_poses__form_a_group() -> None:
    known = set(POSES)
    for one, other in itertools.product(POSES, POSES):
        assert one @ other in known
    assert all(pose @ pose.inverse == UPRIGHT == pose.inverse @ pose for pose in POSES)


@given(poses, poses)
def test_pose__shows_arrays_as_its_matrix_says(one: Pose, other: Pose) -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal((one @ other).show(array), one.show(other.show(array)))
    np.testing.assert_array_equal(one.inverse.show(one.show(array)), array)
    corner = np.zeros((3, 4, 5))
    corner[2, 0, 0] = 1  # towards R, from the middle
    found = np.argwhere(one.show(corner))[0] - (np.array(one.show(corner).shape) - 1) / 2
    np.testing.assert_allclose(found, one.matrix @ (np.array([2, 0, 0]) - np.array([1, 1.5, 2])))
