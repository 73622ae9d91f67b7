"""Where a scan is on disk, and what is known of it once looked at."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.findings import Finding
from orienteer.scans.formats.registry import format_named, without_extension

SEPARATOR = "__"
"""Between folders in an id."""
JOINING = 1
"""Counted up whenever files joined as channels give other voxels; stored scans of them are then read again."""


@dataclass(frozen=True)
class Skipped:
    """A file or folder that is no scan of its own, and why: ``code`` is one of the catalogue's ``skipped-...``."""

    relative: str
    code: str

    @property
    def reason(self) -> str:
        """The code in words."""
        return CATALOGUE[self.code].meaning


@dataclass(frozen=True)
class Source:
    """One scan on disk.

    Attributes:
        paths: one file, or the slices of one DICOM series in the order of their position.
        format: name of its format in the registry.
        relative: posix path below ``root``; a DICOM series is its folder, with a short hash of the series if
            the folder holds several.
        root: the folder that was searched.
        sparse: labels, which compress further than any scan.
        volumes: what is read of a file that holds several volumes: the ``first`` (time, diffusion, contrast), or
            all of them as ``channels`` (co-registered sequences of one subject), which only a layout can know.
        frames: of each DICOM file, those that belong to the scan; empty where all of them do.
        parts: the files of a scan of several, one a channel; ``paths`` are then all of theirs.
        resample: bring the parts onto the first one's grid, instead of refusing those that lie on another.
        channel_names: names of the channels, where the layout says them.
        subject: who was scanned, if the layout says so.
        split: ``test`` where the layout keeps the scan for testing.
        labels: the file of its labels, where the layout says so.
        structures: of labels, names with their values, where a description says them.
        ignored: of labels, values of voxels that nobody has looked at.
        faults: what was wrong before any file was opened, such as a channel that is missing.
        series: a digest of what names a DICOM series in every folder; never shown.
        patient: a digest of a DICOM PatientID, which only this process can compare; never shown or written.
    """

    paths: tuple[Path, ...]
    format: str
    relative: str
    root: Path
    sparse: bool = False
    volumes: Literal["first", "channels"] = "first"
    frames: tuple[tuple[int, ...], ...] = ()
    parts: "tuple[Source, ...]" = ()
    resample: bool = False
    channel_names: tuple[str, ...] = ()
    subject: str = ""
    split: str = ""
    labels: "Source | None" = None
    structures: tuple[tuple[str, tuple[int, ...]], ...] = ()
    ignored: tuple[int, ...] = ()
    faults: tuple[Finding, ...] = ()
    series: str = ""
    patient: str = field(default="", repr=False)

    @property
    def id(self) -> str:
        """The relative path without its extension, folders joined by two underscores."""
        return without_extension(self.relative).replace("/", SEPARATOR)

    @property
    def reading(self) -> int:
        """Which way of reading its format is at, and of joining channels where they are files of their own."""
        ways = (format_named(part.format).reading for part in self.parts or (self,))
        return max(ways) + (JOINING if self.parts else 0)

    @property
    def channels(self) -> tuple[int, tuple[str, ...]]:
        """Number of channels and their names; one without a name unless a layout says otherwise."""
        return len(self.channel_names) or 1, self.channel_names


def below_root(path: Path, root: Path) -> str:
    """Posix path below ``root``, printable also where a name is no valid UTF-8."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, eq=False)
class ScanInfo:
    """What looking at a scan told. An unreadable scan has no shape, only findings.

    Attributes:
        source: the scan.
        shape: voxels along each axis of the file; three when usable.
        spacing: ``(3,)`` mm, or empty.
        axes: direction each axis grows towards, e.g. ``LPS``, or empty.
        affine: ``(4, 4)`` voxel index to world RAS mm, or None.
        channels: volumes that are read, or, of an unusable colour scan, values per voxel.
        dtype: type on disk, e.g. ``int16``.
        low: lowest finite intensity (HU for CT); None when voxels were not looked at.
        high: highest finite intensity.
        modality: ``CT``, ``MR`` or ``unknown``; ``PT`` and others only where DICOM says so.
        modality_said: whether the header says it; else it is a guess from the intensities.
        content: SHA-256 of the voxels, or empty.
        labelled: whether its labels can be used.
        seconds: what reading took.
        findings: in the order they were met.
    """

    source: Source
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    axes: str = ""
    affine: NDArray[np.float64] | None = None
    channels: int = 1
    dtype: str = ""
    low: float | None = None
    high: float | None = None
    modality: str = "unknown"
    modality_said: bool = False
    content: str = ""
    labelled: bool = False
    seconds: float = 0.0
    findings: tuple[Finding, ...] = ()

    @property
    def id(self) -> str:
        """The source's id."""
        return self.source.id

    @property
    def usable(self) -> bool:
        """Whether no finding is an error."""
        return not any(finding.level == "error" for finding in self.findings)

    @property
    def extent_mm(self) -> tuple[float, ...]:
        """Length of the volume along each axis, mm; empty when unknown."""
        return tuple(n * mm for n, mm in zip(self.shape, self.spacing, strict=False))

    def with_findings(self, *more: Finding) -> Self:
        """The same scan with more findings at the end."""
        return replace(self, findings=(*self.findings, *more))
