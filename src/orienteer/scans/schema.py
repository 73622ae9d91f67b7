"""The shape of ``check --json``: docs/reference/check.schema.json is written from these classes."""

from typing import Any, Final, Literal

from orienteer.config import Config
from orienteer.scans.catalogue import Level
from orienteer.scans.layouts.layout import DatasetSummary
from orienteer.scans.people import Reason

RECORD_VERSION: Final = 1


class RecordedFinding(Config):
    """One thing that was found about a scan."""

    code: str
    """Stable; every code is in docs/reference/findings.md."""
    level: Level
    """`error` means the scan is left out."""
    message: str
    """The cause in one line; may name files."""
    cure: str
    """What to do."""


class RecordedScan(Config):
    """One scan, usable or not; what could not be read is null."""

    id: str
    """Path below the folder without extension, `/` as `__`. Not the pseudonym that a store gives."""
    path: str
    """Posix path below the folder that was searched."""
    format: str
    """NIfTI, NRRD, MetaImage or DICOM."""
    files: int
    """Number of files it consists of."""
    usable: bool
    """Whether an ingest would store it."""
    shape: tuple[int, ...]
    """Voxels along each axis of the file."""
    channels: int
    """Values per voxel."""
    channel_names: tuple[str, ...]
    """Where the folder's layout says them."""
    spacing_mm: tuple[float, ...] | None
    """Voxel size along each axis."""
    extent_mm: tuple[float, ...] | None
    """Length along each axis."""
    axes: str | None
    """Direction each axis grows towards, e.g. LPS."""
    affine: tuple[tuple[float, ...], ...] | None
    """4 x 4, voxel index to world RAS mm."""
    dtype: str | None
    """Type on disk."""
    range: tuple[float, float] | None
    """Lowest and highest finite intensity."""
    modality_guess: str
    """CT, MR, another DICOM modality, or unknown."""
    modality_said: bool
    """Whether the header says it; else it is a guess from the intensities."""
    content: str | None
    """SHA-256 of the voxels."""
    labels: str | None
    """Path of its labels, below the folder they were found in; null where it has none that can be used."""
    read_seconds: float
    """What reading took."""
    findings: tuple[RecordedFinding, ...]
    """In the order they were met."""


class RecordedSkip(Config):
    """One file or folder that is no scan of its own."""

    relative: str
    """Posix path below the folder that was searched."""
    code: str
    """One of the catalogue's `skipped-...`."""
    level: Level
    """`warning` where something may have been missed."""
    reason: str
    """The code in words."""
    cure: str
    """What to do."""


class RecordedTotals(Config):
    """How many there are."""

    scans: int
    """Scans found."""
    usable: int
    """Scans an ingest would store."""
    skipped: int
    """Files and folders that were not taken for scans."""
    labelled: int
    """Usable scans whose labels can be used."""


class RecordedLayout(DatasetSummary):
    """What one folder was recognised as."""

    line: str
    """All of it in one line, for a person."""


class RecordedQuestion(Config):
    """Scans that may be of one person, although nothing says so."""

    scans: tuple[str, ...]
    """Their ids."""
    person: str
    """A name for whoever it is, as the table of `check --people` has it."""
    reasons: tuple[Reason, ...]
    """What they share: a StudyInstanceUID or PatientID, a folder, a name up to a word for sequence or visit, or shape
    and affine."""


class RecordedEstimate(Config):
    """What an ingest would take, within a factor of two or so."""

    spacing: float
    """mm per voxel of the store."""
    scans: int
    """Scans that will be stored."""
    voxels: int
    """Stored voxels of all of them."""
    seconds: float
    """Wall-clock time."""
    disk_bytes: int
    """Size of the store."""
    memory_bytes: int
    """Peak while it runs."""
    workers: int
    """Scans at once."""


class RecordedTraining(Config):
    """What `orienteer pretrain` would do by itself with such a store."""

    view_voxels: int
    """Edge of a view."""
    view_mm: float
    """The same in mm."""
    batch: int
    """Scans a step."""
    steps: int
    """Optimiser steps."""
    network: str
    """Its size."""
    precision: str
    """Of the arithmetic; `auto` leaves it to the device."""
    seconds: float | None
    """Wall time on this machine, from timed steps of that network."""
    reasons: tuple[str, ...]
    """Why, a line each."""


class CheckRecord(Config):
    """A check as JSON. Keys are only ever added; `schema_version` rises when one changes its meaning."""

    schema_version: Literal[1]
    """1."""
    totals: RecordedTotals
    """How many there are."""
    estimate: RecordedEstimate | None
    """Null when nothing is usable."""
    training: RecordedTraining | None = None
    """Null when nothing is usable, or no step was timed."""
    axes: dict[str, int]
    """Usable scans by axes."""
    layouts: tuple[RecordedLayout, ...]
    """How the folders are laid out."""
    formats: dict[str, int]
    """Scans by format."""
    findings: dict[str, int]
    """Findings by code."""
    scans: tuple[RecordedScan, ...]
    """Sorted by path."""
    skipped: tuple[RecordedSkip, ...]
    """Sorted by path."""
    notes: tuple[str, ...]
    """What is worth knowing of labels."""
    questions: tuple[RecordedQuestion, ...]
    """Usable scans that may be of one person."""
    seconds: float
    """What the check took."""


def check_schema() -> dict[str, object]:
    """The JSON schema of ``CheckRecord``; it lets keys be added, as later versions may."""
    schema = _open(CheckRecord.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "orienteer check --json"}


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _open(inner) for key, inner in value.items() if (key, inner) != ("additionalProperties", False)}
    return [_open(inner) for inner in value] if isinstance(value, list) else value
