"""All settings of a pretraining run in one tree; ``RUN/settings.yaml`` is this, resolved."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field

from orienteer.config import Config, Tree, override
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.registry import DEFAULT_TASKS
from orienteer.pretext.teacher import TeacherSettings
from orienteer.sampling.settings import ViewSettings
from orienteer.training.settings import CheckpointSettings, DeviceSettings, OptimiserSettings


def _default_tasks() -> dict[str, Tree | None]:
    return {name: dict(values) for name, values in DEFAULT_TASKS.items()}


class PretrainSettings(Config):
    """Settings of ``orienteer pretrain``.

    Examples:
        >>> settings = PretrainSettings.read({"views": {"size": 16}}, ["optimiser.steps=500"])
        >>> settings.views.size, settings.optimiser.steps
        (16, 500)
    """

    seed: int = Field(0, ge=0)
    """Every random choice of the run derives from this number."""
    views: ViewSettings = ViewSettings()
    """How views are placed and varied."""
    network: NetworkSettings = NetworkSettings()
    """The backbone that is trained."""
    frozen_encoder: bool = False
    """Keep the encoder as it is, and train pooling, decoder and the tasks' heads alone: what does it know already?"""
    tasks: dict[str, Tree | None] = Field(default_factory=_default_tasks)
    """Pretext tasks that are switched on, each with its settings; ``null`` switches one off. One of your own is
    named by ``class``, its import path: ``{distance: {class: "my_package.distance:DistanceTask"}}``."""
    teacher: TeacherSettings = TeacherSettings()
    """Momentum copy of the backbone."""
    optimiser: OptimiserSettings = OptimiserSettings(name="muon")
    """Optimisation and its schedule."""
    devices: DeviceSettings = DeviceSettings()
    """Where the run computes."""
    evaluation: EvaluationSettings = EvaluationSettings()
    """The views that are measured."""
    checkpoint: CheckpointSettings = CheckpointSettings()
    """What is kept on disk."""

    @classmethod
    def read(cls, values: Mapping[str, Any], assignments: Sequence[str] = (), *, origin: str = "--set") -> Self:
        """Settings from a file's values and ``key=value`` assignments over them.

        ``tasks.position={}`` adds a task to those that are on, ``tasks.route=null`` switches one off, and
        ``tasks={gap: {}}``, or ``tasks`` in the file, says all of them.

        Raises:
            ConfigError: an unknown key, or a value that does not fit.
        """
        return cls.build(override({"tasks": _default_tasks(), **values}, assignments), origin=origin)

    @property
    def active_tasks(self) -> dict[str, Tree]:
        """The tasks that are switched on."""
        return {name: dict(values) for name, values in self.tasks.items() if values is not None}
