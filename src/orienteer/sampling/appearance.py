"""Applying an ``Appearance``: deterministic, and blind to where the view was cut."""

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orienteer.sampling.recipe import Appearance, Curve
from orienteer.sampling.rng import Purpose, generator
from orienteer.store.intensity import BODY_ABOVE, CEILING, FLOOR, LIMIT, to_unit

TRUNCATE = 2.5
"""Standard deviations of a blur after which it is cut off."""


def apply_appearance(voxels: NDArray[np.float32], appearance: Appearance, *, spacing: float) -> NDArray[np.float32]:
    """Vary the intensities of a view.

    Args:
        voxels: ``(C, S, S, S)``, normalised.
        appearance: what to do; the neutral appearance returns ``voxels`` unchanged.
        spacing: mm per voxel, for the blur.
    """
    if appearance == Appearance():
        return voxels
    voxels = apply_curve(voxels, appearance.curve)
    # What lies below the window's floor has no power of gamma; it is put back as it was.
    unit, below = np.clip(to_unit(voxels), 0, None), np.minimum(voxels - FLOOR, 0)
    if appearance.bias:
        basis = _polynomials(voxels.shape[1])
        unit = unit * np.exp(np.tensordot(np.array(appearance.bias, dtype=np.float32), basis, axes=1))
    unit = unit**appearance.gamma
    result = (unit * 2 - 1 + below) * appearance.contrast + appearance.brightness
    if appearance.blur_mm > 0:
        sigma = appearance.blur_mm / spacing
        result = np.stack([gaussian_filter(channel, sigma, mode="nearest", truncate=TRUNCATE) for channel in result])
    if appearance.noise > 0:
        seed, number, view = appearance.noise_address
        random = generator(seed, Purpose.NOISE, number, view)
        result = result + appearance.noise * random.standard_normal(result.shape, dtype=np.float32)
    varied: NDArray[np.float32] = np.clip(result, -LIMIT, LIMIT).astype(np.float32, copy=False)
    return varied


def apply_curve(voxels: NDArray[np.float32], curve: Curve) -> NDArray[np.float32]:
    """Give the body new intensities, as another sequence would.

    Args:
        voxels: of any shape, normalised.
        curve: new values at evenly spaced old ones from the window's floor to its ceiling; none leaves all as it is.
    """
    if not curve:
        return voxels
    body = voxels > BODY_ABOVE
    result = voxels.copy()
    result[body] = np.interp(voxels[body], np.linspace(FLOOR, CEILING, len(curve)), curve)
    return result


@functools.lru_cache(maxsize=4)
def _polynomials(size: int) -> NDArray[np.float32]:
    """``(9, S, S, S)`` first- and second-order terms over [-1, 1]^3."""
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, size, dtype=np.float32)] * 3, indexing="ij")
    return np.stack([x, y, z, x * y, y * z, x * z, x * x, y * y, z * z])
