"""A benchmark's configuration: one file with the data, the arms, the tasks, and what all arms share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from orienteer.config import Config, Tree, load_yaml, override
from orienteer.errors import ConfigError
from orienteer.store.convention import WINDOW, Convention, convention_of


class DataSettings(Config):
    """Where the scans are; paths are relative to the configuration file."""

    scans: Path
    """Folder of scans."""
    labels: Path | None = None
    """Folder of label files."""
    table: Path | None = None
    """Table of subjects, splits and columns."""
    spacing: float | None = Field(None, gt=0)
    """mm per voxel of the store; null chooses it from the scans."""
    intensities: str | tuple[float, float] | None = None
    """``window``, ``zscore`` or ``LOW,HIGH``, as ``orienteer ingest`` takes it; null is ``window``."""
    keep_names: bool = False
    """For public data: keep the names of files and table for scans and subjects."""

    @property
    def convention(self) -> Convention:
        """How the store chooses windows.

        Raises:
            ConfigError: it names none.
        """
        return WINDOW if self.intensities is None else convention_of(self.intensities)

    @model_validator(mode="after")
    def _known_convention(self) -> Self:
        try:
            self.convention  # noqa: B018  (refused before anything is read)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return self


class ImportSettings(Config):
    """Weights that others trained, in place of a pretraining, as ``orienteer import`` takes them."""

    weights: Path
    """A file of weights, or a folder of ``orienteer export``; relative to the configuration file."""
    contract: Path | None = None
    """How scans were prepared for them, where the weights do not say; relative to the configuration file."""
    view: int | None = Field(None, gt=0)
    """Edge of the views they are shown, voxels; null takes the contract's."""
    assign: tuple[str, ...] = ()
    """What the weights do not tell, as ``key=value``, such as ``network.options.downsample=mergingv2``."""


class ArmSettings(Config):
    """One way to start."""

    label: str
    """Name in tables."""
    role: Literal["ours", "baseline", "scratch", "ablation"]
    """Its role in the comparison; the first ``scratch`` arm is the one of equal budget."""
    pretrain: Tree = Field(default_factory=dict)
    """Changes to the shared pretraining settings; not for ``scratch``."""
    finetune: Tree = Field(default_factory=dict)
    """Changes to the shared fine-tuning settings."""
    from_arm: str | None = None
    """Use the pretraining runs of this other arm."""
    labelled_scans: tuple[int, ...] = ()
    """The tasks' label counts at which this arm is measured; empty for all."""
    imported: ImportSettings | None = None
    """Start from weights that others trained, and pretrain nothing."""

    @model_validator(mode="after")
    def _one_beginning(self) -> "ArmSettings":
        given = [name for name in ("pretrain", "from_arm", "imported") if getattr(self, name)]
        if self.role == "scratch" and given:
            raise ValueError(f"a scratch arm has no pretraining: leave out {given[0]}")
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two ways to begin: leave one out")
        return self


class TaskSettings(Config):
    """A downstream task of the arms."""

    kind: Literal["segment", "classify", "regress", "places"]
    """``places``: frozen features of views, position in mm and left or right; needs no labels."""
    words: str
    """The metric in words."""
    unit: str = ""
    """Unit of the regressed number, e.g. ``years``; for tables only."""
    labelled_scans: tuple[int, ...] = ()
    """Numbers of labelled training scans; empty for one job with all of them."""
    modes: tuple[Literal["finetuned", "frozen"], ...] = ("finetuned",)
    """``frozen``: a linear probe on fixed features; for segmentation."""
    arms: tuple[str, ...] = ()
    """The arms that run it; empty for all."""
    settings: Tree = Field(default_factory=dict)
    """Changes to the shared fine-tuning settings: structures, column, patches."""

    @model_validator(mode="after")
    def _modes_fit(self) -> "TaskSettings":
        if "frozen" in self.modes and self.kind in ("classify", "regress"):
            raise ValueError(f"{self.kind} has no frozen mode")
        return self


class BenchmarkSettings(Config):
    """Settings of ``orienteer benchmark``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name, also of the results folder."""
    title: str
    """Headline of the report."""
    credit: str = ""
    """Credit for the data, shown in every report."""
    data: DataSettings
    """The scans."""
    split: str = "test"
    """Subjects that are scored. Choose settings on ``val``; use ``test`` once."""
    pretrain: Tree = Field(default_factory=dict)
    """Pretraining settings that all arms share."""
    finetune: Tree = Field(default_factory=dict)
    """Fine-tuning settings that all arms share."""
    arms: dict[str, ArmSettings] = Field(min_length=1)
    """Shown in this order."""
    tasks: dict[str, TaskSettings] = Field(min_length=1)
    """Shown in this order."""
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    """One fine-tuning each, with its own labelled scans and fresh weights, the same for all arms."""
    pretrain_seeds: tuple[int, ...] = Field((0,), min_length=1)
    """Pretraining runs of every arm; the n-th fine-tuning seed starts from the n-th of them, in turn."""
    parallel: int | Literal["auto"] = "auto"
    """Jobs at a time; ``auto`` is one per GPU, else one per CPU core. With ``devices.threads: auto`` they share the
    cores."""

    @classmethod
    def load(cls, config: Path, assign: Sequence[str] = ()) -> Self:
        """The settings of a YAML file, with ``key=value`` laid over them.

        Raises:
            ConfigError: the file cannot be read, or a setting is unknown or does not fit.
        """
        return cls.build(override(load_yaml(config), list(assign)), origin=str(config))

    @field_validator("seeds", "pretrain_seeds")
    @classmethod
    def _different(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("seeds must differ")
        return seeds

    @model_validator(mode="after")
    def _arms_exist(self) -> "BenchmarkSettings":
        for name, arm in self.arms.items():
            if arm.from_arm and (arm.from_arm not in self.arms or self.arms[arm.from_arm].role == "scratch"):
                raise ValueError(f"arms.{name}.from_arm: {arm.from_arm!r} is no pretrained arm")
            if arm.from_arm and (theirs := self.arms[arm.from_arm].from_arm):
                own = "itself" if theirs == name else repr(theirs)
                raise ValueError(f"arms.{name}.from_arm: {arm.from_arm!r} has no run of its own, but that of {own}")
        counts = {count for task in self.tasks.values() for count in task.labelled_scans}
        for name, arm in self.arms.items():
            if nowhere := sorted(set(arm.labelled_scans) - counts):
                raise ValueError(f"arms.{name}.labelled_scans: no task has {nowhere[0]} labelled scans")
        for name, task in self.tasks.items():
            if unknown := sorted(set(task.arms) - set(self.arms)):
                raise ValueError(f"tasks.{name}.arms: there is no arm {unknown[0]!r}")
        return self
