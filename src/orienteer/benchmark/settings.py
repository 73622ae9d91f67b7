"""A benchmark's configuration: one file says the data, the arms, the tasks, and what all arms share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from orienteer.config import Config, Tree, load_yaml, override


class DataSettings(Config):
    """Where the scans are; paths are relative to the configuration file."""

    scans: Path
    """Folder of scans."""
    labels: Path | None = None
    """Folder of label files."""
    table: Path | None = None
    """Table of people, splits and columns."""
    spacing: float | None = Field(None, gt=0)
    """mm per voxel of the store; null chooses it from the scans."""
    keep_names: bool = False
    """For public data: records and figures call scans and people as the files and the table do."""


class ArmSettings(Config):
    """One way to start."""

    label: str
    """Name in tables."""
    role: Literal["ours", "baseline", "scratch", "ablation"]
    """What it is compared as; the first ``scratch`` arm is the one of equal budget."""
    pretrain: Tree = Field(default_factory=dict)
    """What differs from the shared pretraining settings; not for ``scratch``."""
    finetune: Tree = Field(default_factory=dict)
    """What differs from the shared fine-tuning settings."""
    from_arm: str | None = None
    """Take this other arm's pretraining runs instead of training own ones."""

    @model_validator(mode="after")
    def _scratch_has_no_pretext(self) -> "ArmSettings":
        if self.role == "scratch" and (self.pretrain or self.from_arm):
            raise ValueError("a scratch arm has no pretraining")
        if self.from_arm and self.pretrain:
            raise ValueError("from_arm takes another arm's runs: leave out pretrain")
        return self


class TaskSettings(Config):
    """One thing the arms are put to."""

    kind: Literal["segment", "classify", "regress", "places"]
    """``places``: frozen features of views, position in mm and left or right; needs no labels."""
    words: str
    """What the figure is, in words."""
    unit: str = ""
    """Unit of the number that is regressed, e.g. ``years``; for tables only."""
    labels: tuple[int, ...] = ()
    """Numbers of labelled training scans; empty takes all of them, once."""
    modes: tuple[Literal["finetuned", "frozen"], ...] = ("finetuned",)
    """``frozen``: a linear read-out of fixed features; for segmentation."""
    arms: tuple[str, ...] = ()
    """The arms that are put to it; empty takes all."""
    settings: Tree = Field(default_factory=dict)
    """What differs from the shared fine-tuning settings: structures, column, patches."""

    @model_validator(mode="after")
    def _modes_fit(self) -> "TaskSettings":
        if "frozen" in self.modes and self.kind in ("classify", "regress"):
            raise ValueError(f"{self.kind} has no frozen mode")
        return self


class BenchmarkSettings(Config):
    """Settings of ``orienteer benchmark``."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name; also of the results folder."""
    title: str
    """Headline of the report."""
    credit: str = ""
    """Whose data it is, for every table and figure."""
    data: DataSettings
    """The scans."""
    split: str = "test"
    """People that are scored. Choose settings with ``val``; look at ``test`` once."""
    pretrain: Tree = Field(default_factory=dict)
    """Pretraining settings that all arms share."""
    finetune: Tree = Field(default_factory=dict)
    """Fine-tuning settings that all arms share."""
    arms: dict[str, ArmSettings] = Field(min_length=1)
    """In the order in which they are shown."""
    tasks: dict[str, TaskSettings] = Field(min_length=1)
    """In the order in which they are shown."""
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1)
    """One fine-tuning each: other labelled scans, other fresh weights; the same for all arms."""
    pretrain_seeds: tuple[int, ...] = Field((0,), min_length=1)
    """Pretraining runs of every arm; fine-tuning seed n starts from the n-th of them, going round."""
    parallel: int | Literal["auto"] = "auto"
    """Jobs at a time; ``auto`` is one per GPU, or one per CPU core. With ``devices.threads: auto`` they share the
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
        for name, task in self.tasks.items():
            if unknown := sorted(set(task.arms) - set(self.arms)):
                raise ValueError(f"tasks.{name}.arms: there is no arm {unknown[0]!r}")
        return self
