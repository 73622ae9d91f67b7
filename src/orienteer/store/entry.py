"""What a store says about one scan."""

from typing import Annotated, Literal

from pydantic import Field

from orienteer.config import Config
from orienteer.scans.findings import Finding

NO_PATH = r"^[^/\x00]+$"
"""Ids end up in file names, and must not lead to another folder."""

HEX = r"^[0-9a-f]+$"

Kind = Literal["image", "foreground", "labels"]


class Intensity(Config):
    """How stored int16 values become intensities, and how those are scaled for a network.

    ``intensity = stored * slope + intercept`` (HU for CT, scanner units for MR); the window ``[low, high]``, which the
    store's convention chooses, is mapped to ``[-1, 1]``.
    """

    slope: float
    intercept: float
    low: float
    """By percentiles: where the background is one constant value (skull-stripped MR), that value, so that it is -1."""
    high: float


class ArrayFile(Config):
    """One array of a scan as it was written."""

    bytes: int
    """Length of the file: a cut one is noticed when it is opened."""
    sha256: str
    """Of the voxels, before compression."""


class ScanEntry(Config):
    """One scan of the store. Voxel axes run R, A, S; positions in mm are ``index * spacing`` along them."""

    id: Annotated[str, Field(pattern=NO_PATH)]
    """A pseudonym, unless the store keeps names; so is ``person``."""
    person: str
    split: str
    channels: int
    channel_names: tuple[str, ...] = ()
    """In order, where the scan's layout says them."""
    shape: tuple[int, int, int]
    """Spatial shape in voxels."""
    spacing: float
    """mm per voxel, the same on every axis."""
    voxel_mm: tuple[float, float, float] | None = None
    """Voxel size of the scan before resampling, along R, A, S, mm; stores of earlier versions lack it."""
    affine: tuple[tuple[float, float, float, float], ...]
    """(4, 4) voxel index to world RAS mm; keeps the rotation of an oblique scan."""
    intensity: tuple[Intensity, ...]
    """One per channel."""
    foreground_low: tuple[int, int, int]
    """First voxel of the foreground box."""
    foreground_high: tuple[int, int, int]
    """One past the last voxel of the foreground box."""
    labelled: bool = False
    structures: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Names of label values, where the scan's data set says them."""
    ignored: tuple[int, ...] = ()
    """Label values that take no part in loss and scores; the stored labels are -1 there."""
    table: dict[str, str] = Field(default_factory=dict)
    """Further columns of the user's table (age, sex, ...) that tell nobody's name, as text."""
    content: Annotated[str, Field(pattern=HEX)]
    """SHA-256 over all arrays' voxels; the first 20 digits name their folder."""
    arrays: dict[Kind, ArrayFile] = Field(default_factory=dict)
    """``image``, ``foreground`` and, where given, ``labels``."""
    findings: tuple[Finding, ...] = ()
    """Of a store with pseudonyms they have the catalogue's words, which name nobody, and no cure."""

    @property
    def voxels(self) -> str:
        """SHA-256 of the image: scans with one value have the same voxels."""
        return self.arrays["image"].sha256
