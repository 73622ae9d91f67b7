"""What a store says about itself: a versioned JSON manifest, no patient data from headers."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from orienteer import __version__
from orienteer.config import Config
from orienteer.scans.findings import Finding
from orienteer.store.convention import WINDOW, Convention, Name, Range, convention_of

SCHEMA = 1
"""Raised when a store written by an older Orienteer can no longer be read."""

FOREGROUND_CELL = 4
"""Edge of a cell of the coarse foreground grid, voxels, where a store does not say otherwise."""

NO_PATH = r"^[^/\x00]+$"
"""Ids end up in file names, and must not lead to another folder."""

HEX = r"^[0-9a-f]+$"

Kind = Literal["image", "foreground", "labels"]

Names = Literal["pseudonyms", "kept"]
"""What scans and people are called: pseudonyms, or as the user's files and table call them."""


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


class Parameters(Config):
    """What the voxels of a store depend on besides the scans. Another value means another store."""

    method: int = 1
    """Counted up whenever the same scan would give other voxels, so that old entries are made again."""
    spacing: float
    """mm."""
    foreground_cell: int = FOREGROUND_CELL
    """Voxels along each side of one cell of the coarse foreground grid."""
    window_percentiles: tuple[float, float] = WINDOW.percentiles
    intensities: Name = "window"
    """The convention by which windows are chosen and networks see them."""
    intensity_range: tuple[float, float] | None = None
    """The fixed ends of ``range``."""

    @classmethod
    def of(cls, spacing: float, convention: Convention) -> Self:
        """Those of a new store."""
        ends = (convention.low, convention.high) if isinstance(convention, Range) else None
        return cls(spacing=spacing, intensities=convention.name, intensity_range=ends)

    @property
    def convention(self) -> Convention:
        """How windows are chosen, and in which units a network sees them.

        Raises:
            ConfigError: a range without ends.
        """
        return convention_of(self.intensity_range or self.intensities, self.window_percentiles)

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A store by percentiles is written as it was before there was a choice."""
        written: dict[str, Any] = write(self)
        kept = ("intensities", "intensity_range") if self.intensities == "window" else ()
        return {name: value for name, value in written.items() if name not in kept}


class Manifest(Config):
    """``STORE/manifest.json``."""

    schema_version: int = SCHEMA
    orienteer_version: str
    names: Names = "kept"
    spacing: float
    parameters: Parameters | None = None
    content: str = ""
    """SHA-256 over every scan's id, person, split and voxels: two stores with one value train the same."""
    channels: int = 0
    """Of every scan; 0 in a store of an earlier version, whose scans say it themselves."""
    channel_names: tuple[str, ...] = ()
    """In order, where the scans' layout says them; also of a single channel where all scans agree."""
    scans: tuple[ScanEntry, ...]

    @property
    def foreground_cell(self) -> int:
        """Voxels along each side of one cell of the coarse foreground grid."""
        return self.parameters.foreground_cell if self.parameters else FOREGROUND_CELL

    @property
    def convention(self) -> Convention:
        """How its windows were chosen, and in which units a network sees them."""
        return self.parameters.convention if self.parameters else WINDOW

    @property
    def kind(self) -> tuple[int, tuple[str, ...]]:
        """Number and names of the channels of every scan."""
        return self.channels or (self.scans[0].channels if self.scans else 1), self.channel_names

    @classmethod
    def of(cls, scans: Iterable[ScanEntry], parameters: Parameters, names: Names) -> Self:
        """The manifest of these scans, in the order of their ids."""
        ordered = tuple(sorted(scans, key=lambda entry: entry.id))
        facts: list[Any] = [(entry.id, entry.person, entry.split, entry.content) for entry in ordered]
        # The same voxels under another convention are other data.
        facts += [str(parameters.convention)] if parameters.convention != WINDOW else []
        return cls(
            orienteer_version=__version__,
            names=names,
            spacing=parameters.spacing,
            parameters=parameters,
            content=hashlib.sha256(json.dumps(facts).encode()).hexdigest(),
            channels=ordered[0].channels if ordered else 1,
            channel_names=_shared([entry.channel_names for entry in ordered]),
            scans=ordered,
        )


def _shared(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all scans have for their channels, as the first one writes them; else none."""
    agreed = {tuple(name.casefold() for name in each) for each in names}
    return names[0] if len(agreed) == 1 else ()
