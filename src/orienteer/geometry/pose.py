"""The 48 ways to hold a scan: its axes in any order, each one way or the other. Needs no torch."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pose:
    """A signed permutation of axes: how a scan has to be held so that it stands upright, R, A, S.

    Attributes:
        axes: upright axis k is axis ``axes[k]`` of the scan.
        signs: 1, or -1 where it runs the other way.

    Examples:
        >>> turn = Pose((1, 0, 2), (1, -1, 1))
        >>> turn.mirrored, turn.matrix @ (10.0, 20.0, 30.0)
        (False, array([ 20., -10.,  30.]))
        >>> (turn @ turn.inverse) == UPRIGHT
        True
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """``(3, 3)``, directions in the scan to upright ones."""
        matrix = np.zeros((3, 3))
        matrix[range(3), self.axes] = self.signs
        return matrix

    @property
    def code(self) -> str:
        """Where the axes of an upright scan point as the pose shows it, ``RAS`` for ``UPRIGHT``."""
        return "".join(
            "RAS"[axis] if sign > 0 else "LPI"[axis] for axis, sign in zip(self.axes, self.signs, strict=True)
        )

    @property
    def mirrored(self) -> bool:
        """Whether left and right change places: no turn of a head does that."""
        return bool(np.linalg.det(self.matrix) < 0)

    @property
    def inverse(self) -> "Pose":
        """The way back."""
        return _of(self.matrix.T)

    def __matmul__(self, first: "Pose") -> "Pose":
        """The pose that does ``first``, then this one."""
        return _of(self.matrix @ first.matrix)

    def show(self, array: NDArray) -> NDArray:
        """``(..., D, H, W)`` held upright; a view of the same voxels."""
        lead = array.ndim - 3
        turned = array.transpose(*range(lead), *(lead + axis for axis in self.axes))
        r, a, s = (slice(None, None, sign) for sign in self.signs)
        return turned[..., r, a, s]


def _of(matrix: NDArray[np.float64]) -> Pose:
    axes = np.abs(matrix).argmax(1)
    a, b, c = (int(axis) for axis in axes)
    r, s, t = (int(sign) for sign in np.rint(matrix[range(3), axes]))
    return Pose((a, b, c), (r, s, t))


UPRIGHT = Pose((0, 1, 2), (1, 1, 1))
MIRROR = Pose((0, 1, 2), (-1, 1, 1))
"""Left and right changed."""
POSES = tuple(
    Pose(axes, signs)  # type: ignore[arg-type]
    for axes in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
)
"""All of them, ``UPRIGHT`` first: 24 turns, and each of these mirrored."""
TURNS = tuple(pose for pose in POSES if not pose.mirrored)
"""Those that a head can be turned by, ``UPRIGHT`` first."""
