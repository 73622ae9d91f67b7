"""The record of a training folder: what was trained, on what, with what. Nothing from any scan's header.

``RunRecord`` is ``run.json`` of a pretraining run; a fine-tuning's record shares the base.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, ValidationError

from orienteer.atomic import write_json
from orienteer.errors import RunError
from orienteer.folders import SETTINGS, Folder
from orienteer.records.card import TaskCard
from orienteer.records.metric import Record
from orienteer.store.convention import Name
from orienteer.store.manifest import Parameters

VERSION = 1
"""Of the record in every training folder. Keys may be added under one version; a changed meaning raises it."""


class NewerRecordError(RunError):
    """A record that this version cannot be trusted to understand, not even in part."""


class TrainingRecord(Record):
    """A record that is written when training starts and completed when it ends.

    Attributes:
        file: its name in the training folder.
        made_by: the command that makes such a folder.
    """

    file: ClassVar[str]
    made_by: ClassVar[str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record of a training folder.

        Raises:
            RunError: it is missing, damaged or newer than this Orienteer.
        """
        path = folder / cls.file
        remake = f"give a folder made by `{cls.made_by}`"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"cannot read {path}: {error}", cure=remake) from None
        if not isinstance(document, Mapping):
            raise RunError(f"cannot read {path}: not a JSON object", cure=remake)
        version = document.get("schema_version", 0)
        if not isinstance(version, int) or version > VERSION:
            raise NewerRecordError(f"{path} was written by a newer Orienteer", cure="upgrade orienteer")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            again = f"repeat it with this version: {cls.made_by} ... --config {folder / SETTINGS}"
            raise RunError(f"{path} is damaged or too old: {where}: {first['msg']}", cure=again) from None

    def write(self, folder: Path) -> None:
        """Write the record, whole or not at all; a key that was never set is not written."""
        document = self.model_dump(mode="json", include=self.model_fields_set)
        write_json(folder / self.file, {"schema_version": VERSION, **document})


class Environment(Record):
    """Versions, the machine, and the devices as they were resolved."""

    python: str = ""
    torch: str = ""
    monai: str = ""
    platform: str = ""
    processor: str = ""
    device: str = ""
    """Name of the GPU, or ``CPU``."""
    devices: int = 1
    """Processes, one a device."""
    nodes: int = 1
    """Machines that they were on."""
    precision: str = ""
    threads: int | None = None
    workers: int | None = None


class TrainingData(Record):
    """What a run learned from."""

    spacing_mm: float
    intensities: Name = "window"
    """The convention of the store's intensities."""
    intensity_range: tuple[float, float] | None = None
    """The fixed ends of ``range``, in the scans' own units."""
    channels: int
    channel_names: tuple[str, ...] = ()
    """In order, where the store knows them."""
    scans: dict[str, int] = Field(default_factory=dict)
    """Number of scans in each split."""
    persons: dict[str, int] = Field(default_factory=dict)
    """Number of subjects in each split."""
    view_voxels: int | None = None
    view_mm: float | None = None
    views_per_sample: int | None = None
    fingerprint: str = ""
    """Of the store; any copy of the same data has the same one."""
    simulated: bool = False
    """True where every scan is a simulation."""

    @property
    def parameters(self) -> Parameters:
        """How a scan is brought before the network."""
        return Parameters(spacing=self.spacing_mm, intensities=self.intensities, intensity_range=self.intensity_range)


class NetworkRecord(Record):
    """The backbone that was trained."""

    name: str
    size: str
    parameters: int
    dense: bool
    """Whether a decoder was trained."""


class Imported(Record):
    """Weights that another program trained."""

    origin: str
    """What they were, e.g. ``a checkpoint of nnssl``."""
    sha256: str
    """Of the file they were read from."""
    licence: str = ""
    """As their contract gives it."""


class Extension(Record):
    """More steps for a run that had been started with fewer."""

    at_step: int
    """Steps done by then."""
    steps_before: int
    """The total until then."""
    steps: int
    """The total from then on."""
    learning_rate_before: float
    """Of the last step before."""
    learning_rate: float
    """Of the first step after, by the schedule of the new total."""
    date: str
    """Date and time, UTC."""


class RunRecord(TrainingRecord):
    """``run.json`` of a pretraining run."""

    file: ClassVar[str] = Folder.RUN.marker
    made_by: ClassVar[str] = "orienteer pretrain"

    orienteer_version: str = ""
    environment: Environment = Environment()
    data: TrainingData
    network: NetworkRecord | None = None
    tasks: tuple[str, ...] = ()
    cards: tuple[TaskCard, ...] = ()
    """What these tasks say about themselves; runs of before they did have none."""
    left_out: tuple[str, ...] = ()
    """Training and validation scans that are too small for the views."""
    imported: Imported | None = None
    """Where its encoder came from, if not from this training."""
    extensions: tuple[Extension, ...] = ()
    """Each time it was given more steps, in order."""
    started: str | None = None
    """Date and time, UTC."""
    finished: str | None = None
    """Date and time, UTC; None while it trains."""
    seconds: float | None = None
    """Wall time with all restarts."""
    steps: int | None = None

    @property
    def extended_at(self) -> int | None:
        """The step it was extended at and trains on from; None unless such an extension is still unfinished."""
        return self.extensions[-1].at_step if self.extensions and self.finished is None else None

    @property
    def awaits_data(self) -> bool:
        """Whether it is imported weights whose heads have not been trained on any store yet."""
        return self.imported is not None and not self.data.fingerprint
