"""Intensities: what is kept of them in 16 bits, and the window that is shown of them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int16
from numpy import ndarray
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.store.convention import WINDOW, Convention
from orienteer.store.manifest import Intensity

FLOOR, CEILING = -1.0, 1.0
"""The ends of a scan's window in window units; outside a scan is the floor."""
LIMIT = 1.5
"""Values outside the window are kept up to +-LIMIT, so that bone or contrast just outside it can be told apart."""
BODY_ABOVE = -0.95
"""Normalised intensity above which a voxel counts as body, in any channel: just above the window's floor."""
MARGIN = 4.0
"""Widths of the window kept on either side when 16 bits cannot hold the range: far more than a network sees."""
CONSTANT_SHARE = 0.05
"""Share of voxels at exactly the lowest value from which that value is taken for an empty background."""


def quantise(
    image: Float32[ndarray, "d h w"],
    foreground: Bool[ndarray, "d h w"],
    *,
    whole: bool,
    empty: float | None,
    convention: Convention = WINDOW,
) -> tuple[Int16[ndarray, "d h w"], Intensity]:
    """Choose the window and the 16-bit scale of one channel.

    Args:
        image: intensities after resampling.
        foreground: where the body is.
        whole: the source held whole numbers (HU, most MR), which keep slope 1 wherever that loses nothing.
        empty: the value of a background that is one constant, or None.
        convention: where the window lies.

    Raises:
        ScanError: the foreground has a single value, or lies outside a fixed range.
    """
    low, high = convention.ends(image[foreground], empty)
    if not high > low:
        raise ScanError(
            f"the body's intensities are all near {high:g}",
            code="constant",
            cure="leave it out, or export it again",
        )
    floor = max(float(image.min()), low - MARGIN * (high - low))
    ceiling = min(float(image.max()), high + MARGIN * (high - low))
    # Whole numbers stay what they are if they fit and are fine enough: 256 steps of the window at least.
    if whole and floor >= -32768 and ceiling <= 32767 and high - low >= 256:
        slope, intercept = 1.0, 0.0
        floor, ceiling = max(float(image.min()), -32768.0), min(float(image.max()), 32767.0)
    else:
        reach = max(abs(floor), abs(ceiling))
        # Zero stays zero unless the values sit far away from it, where that would waste most of the 16 bits.
        intercept = 0.0 if ceiling - floor >= reach / 4 else (floor + ceiling) / 2
        slope = max(abs(floor - intercept), abs(ceiling - intercept)) / 32767
    # In double precision: values far from zero would lose their steps, and the last one could wrap around.
    steps = np.rint((np.clip(image.astype(np.float64), floor, ceiling) - intercept) / slope)
    stored = np.clip(steps, -32768, 32767).astype(np.int16)
    return stored, Intensity(slope=slope, intercept=intercept, low=low, high=high)


def normalise(
    voxels: Int16[ndarray, "c d h w"] | Float32[ndarray, "c d h w"], intensity: Sequence[Intensity]
) -> Float32[ndarray, "c d h w"]:
    """Map each channel's window to [FLOOR, CEILING] and clip at +-LIMIT; float32."""
    scale, shift = np.empty((2, len(intensity), 1, 1, 1), dtype=np.float32)
    for channel, window in enumerate(intensity):
        span = window.high - window.low
        scale[channel] = 2 * window.slope / span
        shift[channel] = 2 * (window.intercept - window.low) / span - 1
    scaled = voxels.astype(np.float32)
    scaled *= scale
    scaled += shift
    return np.clip(scaled, -LIMIT, LIMIT, out=scaled)


def windowed(image: Float32[ndarray, "c d h w"], intensity: Sequence[Intensity]) -> Float32[ndarray, "c d h w"]:
    """What ``normalise`` makes of stored voxels, of intensities as the scan's file has them."""
    return normalise(image, [each.model_copy(update={"slope": 1.0, "intercept": 0.0}) for each in intensity])


def to_unit(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised intensities with the window mapped to [0, 1]; nothing is clipped."""
    unit: NDArray[np.float32] = (voxels - FLOOR) / (CEILING - FLOOR)
    return unit


def grey_levels(voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalised intensities as grey levels of a picture, 0 to 255, not yet rounded."""
    levels: NDArray[np.float32] = np.clip(to_unit(voxels), 0, 1) * 255
    return levels


def empty_value(array: NDArray) -> float | None:
    """The value of a constant background (skull-stripped MR, masked CT); None where it is air or noise."""
    lowest = array.min()
    return float(lowest) if np.count_nonzero(array == lowest) >= CONSTANT_SHARE * array.size else None
