"""What the header of a scan says, whatever the format."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Header:
    """A header that was read and understood; a format may add to it what it needs to find the voxels.

    Attributes:
        shape: voxels along each spatial axis; three, or two where the file holds an image.
        dtype: type on disk, such as ``int16``; ``complex`` and ``rgb`` are refused.
        affine: ``(4, 4)`` voxel index to world RAS mm.
        components: values per voxel; not 1 for colour and vectors, which are refused.
        volumes: volumes in the file.
        channels: volumes of these that are read.
        modality: as the header says it (DICOM), else empty.
        findings: what is odd about the header.
    """

    shape: tuple[int, ...]
    dtype: str
    affine: NDArray[np.float64]
    components: int = 1
    volumes: int = 1
    channels: int = 1
    modality: str = ""
    findings: tuple[Finding, ...] = ()


def split_shape(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The three spatial axes, and the volumes that all further axes make."""
    return shape[:3], math.prod(shape[3:])


def squeeze_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the axes of length 1 after the third."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
