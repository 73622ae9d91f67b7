"""Voxels that the scanner marks as outside its field of view: their value is no measurement, and is read as air."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from orienteer.scans.findings import Finding, finding

if TYPE_CHECKING:
    from orienteer.scans.dicom.header import Frame

AIR_HU = -1000

Mask = NDArray[np.bool_]


def padding_of(data: Dataset) -> tuple[int, int] | None:
    """Lowest and highest stored value of padding, with the sign of the voxels; None where there is none."""
    first = data.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    limit = data.get("PixelPaddingRangeLimit")
    bits, signed = int(data.get("BitsAllocated") or 16), bool(data.get("PixelRepresentation"))
    # Its own representation is often another one than the voxels'.
    ends = [value % (1 << bits) for value in (first, limit if isinstance(limit, int) else first)]
    low, high = sorted(value - (1 << bits) if signed and value >> (bits - 1) else value for value in ends)
    return low, high


def named_padding(frames: Iterable["Frame"], modality: str, *, turned: bool) -> list[tuple[int, int]]:
    """The paddings of a series that must be filled: 0 is dark as it is where values have no unit.

    Args:
        frames: of the series.
        modality: of the series.
        turned: whether the highest value is the darkest.
    """
    frames = tuple(frames)
    named = {frame.padding for frame in frames if frame.padding is not None}
    dark = modality != "CT" and not turned and all(frame.scaling.rises for frame in frames)
    return [] if dark and named == {(0, 0)} else sorted(named)


def about_padding(frames: Iterable["Frame"], modality: str, *, turned: bool) -> list[Finding]:
    """What is said of a series whose headers name padding."""
    if not (named := named_padding(frames, modality, turned=turned)):
        return []
    ranges = ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in named[:3])
    return [finding("dicom-padding", f"stored values of {ranges} are padding (PixelPaddingValue), read as background")]


def fill_padding(slices: Sequence[NDArray], padded: Sequence[Mask | None], modality: str, *, turned: bool) -> None:
    """Give padded voxels, in place, the value of air; not where other voxels reach as far, as the value is data there.

    Args:
        slices: rescaled.
        padded: which voxels of each slice hold the padding; None for none.
        modality: CT has -1000 HU for air, all others the darkest value that occurs.
        turned: whether the highest value is the darkest.
    """
    pairs = list(zip(slices, padded, strict=True))
    if all(mask is None for mask in padded):
        return
    others = [one if mask is None else one[~mask] for one, mask in pairs]
    ends = [(float(values.min()), float(values.max())) for values in others if values.size]
    if not ends:
        return
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    air = high if turned else low
    if modality == "CT" and low < 0:
        air = AIR_HU
    for one, mask in pairs:
        if mask is not None:
            one[mask & ((one < low) | (one > high))] = air
