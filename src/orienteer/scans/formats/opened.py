"""What every format's reader hands over: the header understood, and a way to get the voxels."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, refusal

MAX_VOXELS = 2**31
"""8 GiB as float32; a header that asks for more is taken for nonsense before anything is allocated."""

MAX_DEFLATE = 1032
"""No gzip or zlib stream expands by more than this factor, so a larger claim is a lie or a cut file."""

MAX_SCAN_INFLATION = 250
"""No scan compresses that far (brains without skull reach 30); only labels, nearly all zero, do."""

FREE_BYTES = 1 << 26
"""64 MiB, up to which nobody asks how far something inflates."""

FREE_LABEL_BYTES = 1 << 30

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Opened:
    """A scan whose header was read.

    Attributes:
        shape: voxels along each spatial axis; three, or two where the file holds an image.
        dtype: type on disk.
        affine: ``(4, 4)`` voxel index to world RAS mm.
        voxels: reads the array ``(C, X, Y, Z)`` in rescaled intensities, axes as the affine's columns.
        components: values per voxel; not 1 for colour and vectors, which are refused.
        volumes: volumes in the file.
        channels: volumes of these that ``voxels`` reads.
        modality: what the header says (DICOM), else empty.
        findings: what the header gave away.
    """

    shape: tuple[int, ...]
    dtype: str
    affine: NDArray[np.float64]
    voxels: Callable[[], NDArray]
    components: int = 1
    volumes: int = 1
    channels: int = 1
    modality: str = ""
    findings: tuple[Finding, ...] = field(default=())


def guard_size(
    path: Path, shape: tuple[int, ...], itemsize: int, *, available: int, packed: bool, sparse: bool = False
) -> None:
    """Refuse a header that promises more than the file can hold, before memory is asked for.

    Args:
        path: the file, for the message.
        shape: as the header says, all axes.
        itemsize: bytes per value.
        available: bytes in the file for voxels.
        packed: whether these bytes are compressed.
        sparse: whether they are labels.

    Raises:
        ScanError: ``too-large``, ``truncated`` or ``inflates-too-far``.
    """
    # Python's integers, because numpy's would wrap around on an absurd header.
    count = 1
    for n in shape:
        if n < 1:
            raise refusal("unreadable", f"{path.name}: the header gives an axis of {n} voxels")
        count *= n
    if count > MAX_VOXELS:
        raise refusal("too-large", f"{path.name}: the header asks for {'x'.join(map(str, shape))} voxels")
    needed = count * itemsize
    if needed > available * (MAX_DEFLATE if packed else 1):
        raise refusal(
            "truncated",
            f"{path.name}: {needed:,} bytes of voxels announced, {available:,} bytes in the file",
        )
    if packed and needed > max(FREE_LABEL_BYTES if sparse else FREE_BYTES, MAX_SCAN_INFLATION * available):
        raise refusal("inflates-too-far", f"{path.name}: {available:,} bytes that grow to {needed:,}")


def split_shape(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The three spatial axes, and the volumes that all further axes make."""
    return shape[:3], math.prod(shape[3:])


def squeeze_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the axes of length 1 after the third."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
