"""``finetune.json``: what one fine-tuning learned, of which scans, from which weights."""

from typing import ClassVar

from pydantic import Field

from orienteer.finetune.goal import Goal
from orienteer.finetune.settings import Kind
from orienteer.folders import Folder
from orienteer.records.run import Environment, TrainingRecord
from orienteer.store import Parameters


class FinetuneRecord(TrainingRecord):
    """The record of one seed."""

    file: ClassVar[str] = Folder.SEED.marker
    made_by: ClassVar[str] = "orienteer finetune"

    orienteer_version: str = ""
    environment: Environment = Environment()
    kind: Kind
    goal: Goal
    """What is learned, and of which scans."""
    categories: dict[str, dict[str, int]] = Field(default_factory=dict)
    """By split, how many subjects each category has; of ``train``, those learned from. Empty but for classification."""
    channels: int
    channel_names: tuple[str, ...] = ()
    spacing_mm: float
    parameters: Parameters
    """How a scan is brought onto the network's grid."""
    fingerprint: str
    """Of the store with its labels."""
    answers_sha256: str | None = None
    """Of the column that is learned; None where labels are, and in records of earlier versions."""
    pretrained: bool
    loaded: str | None = None
    """What was taken from the run, in words."""
    loaded_sha256: str | None = None
    """Of the values taken; records of earlier versions lack it."""
    atlas_sha256: str | None = None
    """Of the run whose positions the atlas has; None without one, and in records of earlier versions."""
    atlas_coarse: int = 0
    """Labelled and scored scans that the atlas saw on the store's grid only, although `atlas.finer` is on."""
    atlas_without: int = 0
    """Scored scans too thin for the atlas: the network answered alone."""
    split: str | None = None
    """Subjects scored; None until it is finished, as what follows."""
    steps: int | None = None
    seconds: float | None = None
    """Wall time of training with all restarts."""
    peak_memory_mb: float | None = None
    """Largest memory of the process that finished it; None where the system does not say."""
