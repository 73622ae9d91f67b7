"""What a store says about itself: a versioned JSON manifest, no patient data from headers."""

from typing import Any

from pydantic import Field

from orienteer.config import Config

SCHEMA = 1
"""Raised when a store written by an older Orienteer can no longer be read."""


class Intensity(Config):
    """How stored int16 values become intensities, and how those are scaled for a network.

    ``intensity = stored * slope + intercept`` (HU for CT, scanner units for MR); the robust window
    ``[low, high]`` holds the foreground's 0.5th to 99.5th percentile and is mapped to ``[-1, 1]``.
    """

    slope: float
    intercept: float
    low: float
    high: float


class ScanEntry(Config):
    """One scan of the store. Voxel axes run R, A, S; positions in mm are ``index * spacing`` along them."""

    id: str
    person: str
    split: str
    channels: int
    shape: tuple[int, int, int]
    """Spatial shape in voxels."""
    spacing: float
    """mm per voxel, the same on every axis."""
    affine: tuple[tuple[float, float, float, float], ...]
    """(4, 4) voxel index to world RAS mm; keeps the rotation of an oblique scan."""
    intensity: tuple[Intensity, ...]
    """One per channel."""
    foreground_low: tuple[int, int, int]
    """First voxel of the foreground box."""
    foreground_high: tuple[int, int, int]
    """One past the last voxel of the foreground box."""
    labelled: bool = False
    table: dict[str, str] = Field(default_factory=dict)
    """The extra columns of the user's table (age, sex, ...), as text."""
    content: str
    """SHA-256 of the stored arrays' voxels."""
    findings: tuple[dict[str, Any], ...] = ()


class Manifest(Config):
    """``STORE/manifest.json``."""

    schema_version: int = SCHEMA
    orienteer_version: str
    spacing: float
    scans: tuple[ScanEntry, ...]
