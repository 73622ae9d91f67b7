"""What a store says about itself: a versioned JSON manifest, no patient data from headers."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer

from orienteer import __version__
from orienteer.config import Config
from orienteer.store.columns import Scans
from orienteer.store.convention import WINDOW, Convention, Name, Range, convention_of
from orienteer.store.entry import ArrayFile, Intensity, Kind, ScanEntry

__all__ = ["ArrayFile", "Intensity", "Kind", "Manifest", "Names", "Parameters", "ScanEntry"]

SCHEMA = 2
"""What is written; raised whenever an older Orienteer could not read it."""

FOREGROUND_CELL = 4
"""Edge of a cell of the coarse foreground grid, voxels, where a store does not say otherwise."""

Names = Literal["pseudonyms", "kept"]
"""What scans and people are called: pseudonyms, or as the user's files and table call them."""


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
    """``STORE/manifest.json``, and the scans of the Arrow file that belongs to it."""

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
    scans: Scans

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
        rows = Scans.of(scans)
        facts: list[Any] = list(zip(*map(rows.column, ("id", "person", "split", "content")), strict=True))
        # The same voxels under another convention are other data.
        facts += [str(parameters.convention)] if parameters.convention != WINDOW else []
        return cls(
            orienteer_version=__version__,
            names=names,
            spacing=parameters.spacing,
            parameters=parameters,
            content=hashlib.sha256(json.dumps(facts).encode()).hexdigest(),
            channels=rows[0].channels if rows else 1,
            channel_names=_shared(rows.column("channel_names")),
            scans=rows,
        )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values; ``scans`` may be any entries."""
        given = dict(update or {})
        if "scans" in given and not isinstance(given["scans"], Scans):
            given["scans"] = Scans.of(given["scans"])
        return super().model_copy(update=given, deep=deep)


def _shared(names: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all scans have for their channels, as the first one writes them; else none."""
    agreed = {tuple(name.casefold() for name in each) for each in names}
    return names[0] if len(agreed) == 1 else ()
