"""Hypothesis strategies for geometry and views; needs the package ``hypothesis``.

Examples:
    >>> from hypothesis import given
    >>> @given(affines())
    ... def test_mine(affine): ...
"""

import itertools

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orienteer.geometry import Volume
from orienteer.sampling import Appearance, SampleRecipe, ViewRecipe, ViewSettings
from orienteer.sampling.recipe import IDENTITY, Matrix, Vector
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings

AXIS_MAPS = tuple(
    np.array(
        [[sign if column == axis else 0.0 for column in range(3)] for sign, axis in zip(signs, order, strict=True)]
    )
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
)
"""The 48 ways in which array axes can be aligned with the body's."""


def _finite(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


def vectors(reach_mm: float = 200.0) -> st.SearchStrategy[NDArray[np.float64]]:
    """``(3,)`` mm, to the micrometre; zeros along single axes are frequent, because geometry breaks there first."""
    number = st.one_of(st.just(0.0), _finite(-reach_mm, reach_mm).map(lambda value: round(value, 3)))
    return st.tuples(number, number, number).map(np.array)


def rotations(most_deg: float = 180.0) -> st.SearchStrategy[NDArray[np.float64]]:
    """``(3, 3)`` turns about any axis by up to ``most_deg``."""
    axis = st.tuples(*[_finite(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)
    return st.builds(
        lambda v, angle: Rotation.from_rotvec(np.radians(angle) * np.array(v) / np.linalg.norm(v)).as_matrix(),
        axis,
        _finite(-most_deg, most_deg),
    )


@st.composite
def affines(draw: st.DrawFn, oblique_deg: float = 180.0) -> NDArray[np.float64]:
    """``(4, 4)`` voxel to world affines: any axis order and sign, anisotropic spacing, oblique, any origin."""
    spacing = np.diag(draw(st.tuples(*[_finite(0.4, 6.0)] * 3)))
    affine = np.eye(4)
    affine[:3, :3] = draw(rotations(oblique_deg)) @ draw(st.sampled_from(AXIS_MAPS)) @ spacing
    affine[:3, 3] = draw(vectors(500.0))
    return affine


@st.composite
def volumes(draw: st.DrawFn, largest: int = 7, oblique_deg: float = 180.0) -> Volume:
    """Tiny volumes of 1 or 2 channels with distinct voxels, so that any mix-up shows."""
    shape = (draw(st.integers(1, 2)), *draw(st.tuples(*[st.integers(1, largest)] * 3)))
    return Volume(np.arange(np.prod(shape), dtype=np.int16).reshape(shape), draw(affines(oblique_deg)))


@st.composite
def view_settings(draw: st.DrawFn, largest: int = 16) -> ViewSettings:
    """Settings of views with every kind of augmentation, from none to strong."""
    return ViewSettings(
        count=draw(st.integers(2, 5)),
        size=draw(st.integers(8, largest)),
        min_foreground=draw(_finite(0, 1)),
        geometry=GeometrySettings(
            probability=draw(st.sampled_from((0.0, 0.5, 1.0))),
            rotation_deg=draw(_finite(0, 45)),
            scale=draw(_finite(0, 0.4)),
            elastic_mm=draw(st.sampled_from((0.0, 5.0))),
            elastic_every_mm=draw(_finite(20, 80)),
            flip=draw(st.booleans()),
        ),
        appearance=AppearanceSettings(noise=draw(_finite(0, 0.2)), blur_mm=draw(_finite(0, 3))),
    )


def appearances() -> st.SearchStrategy[Appearance]:
    """Appearances from neutral to far stronger than any that is drawn in training."""
    number = st.integers(0, 2**40)
    return st.builds(
        Appearance,
        gamma=_finite(0.3, 3.0),
        contrast=_finite(0.2, 2.0),
        brightness=_finite(-1.0, 1.0),
        bias=st.one_of(st.just(()), st.tuples(*[_finite(-0.5, 0.5)] * 9)),
        blur_mm=st.one_of(st.just(0.0), _finite(0.5, 6.0)),
        noise=st.one_of(st.just(0.0), _finite(0.01, 0.5)),
        noise_address=st.tuples(number, number, st.integers(0, 7)),
        curve=st.lists(_finite(-1.0, 1.0), min_size=2, max_size=7).map(tuple) | st.just(()),
    )


def linear_maps() -> st.SearchStrategy[Matrix]:
    """Invertible maps as recipes hold them: turned, scaled per axis, perhaps mirrored; or the identity."""
    scale = _finite(0.6, 1.4)
    turned = st.builds(
        lambda rotation, scales, sign: _matrix(rotation @ np.diag(scales) @ np.diag([sign, 1.0, 1.0])),
        rotations(45.0),
        st.tuples(scale, scale, scale),
        st.sampled_from((1.0, -1.0)),
    )
    return st.one_of(st.just(IDENTITY), turned)


def recipes() -> st.SearchStrategy[SampleRecipe]:
    """Any valid recipe; its positions need not be inside a scan."""
    view = st.builds(ViewRecipe, centre_mm=vectors().map(_vector), appearance=appearances())
    return st.builds(
        SampleRecipe,
        scan=st.text(min_size=1, max_size=20),
        number=st.integers(0, 2**53),
        size=st.integers(8, 96),
        spacing=_finite(0.4, 6.0),
        linear=linear_maps(),
        views=st.lists(view, min_size=2, max_size=5).map(tuple),
    )


def _vector(values: NDArray[np.float64]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])


def _matrix(rows: NDArray[np.float64]) -> Matrix:
    return _vector(rows[0]), _vector(rows[1]), _vector(rows[2])
