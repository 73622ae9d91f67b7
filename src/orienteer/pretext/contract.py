"""The contract of a pretext task: features and positions in, loss and observation out.

A task is one file with its settings, head, loss, rows and card. It may live in this package, in an installed one (entry
point ``orienteer.tasks``) or in any module that Python can import. Its tests subclass
``orienteer.testing.task_contract.TaskContract``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.config import Config
from orienteer.records import Measure, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import vector_names


@dataclass(frozen=True, eq=False)
class EncodedViews:
    """K views of B scans as the backbone encodes them, with their true positions.

    Attributes:
        embedding: one vector per view.
        dense: dense features, or None when no task needs them.
        body: dense cells that hold body rather than background, where ``dense`` is given.
        centres: view centres in mm, in the network's frame (after geometric augmentation).
        view_mm: view edge, mm.
        images: the views, normalised intensities.
        plain: the views before intensity augmentation: the target of tasks that restore images.
        shown: the encoder's input: ``images``, or their corrupted copy for a task that corrupts them.
        address: seed and number of each sample, for counter-based draws; on the CPU.
        followed: the teacher's embedding of the same views, without gradient; None without a teacher, in evaluation
            mode, and for corrupted views.
    """

    embedding: Float[Tensor, "B K E"]
    dense: Float[Tensor, "B K C s s s"] | None
    body: Bool[Tensor, "B K s s s"] | None
    centres: Float[Tensor, "B K 3"]
    view_mm: float
    images: Float[Tensor, "B K C S S S"]
    plain: Float[Tensor, "B K C S S S"]
    shown: Float[Tensor, "B K C S S S"]
    address: Int[Tensor, "B 2"]
    followed: Float[Tensor, "B K E"] | None = None


@dataclass(frozen=True)
class Interface:
    """The sizes of the features that a task's head gets.

    Attributes:
        embedding: E, length of a view's embedding.
        dense_channels: C', channels of dense features.
        views: K.
        view_mm: view edge, mm.
        channels: C, channels of a scan.
        dense_stride: voxels per dense cell; 0 without a decoder.
        view_voxels: view edge in voxels; 0 where unknown.
    """

    embedding: int
    dense_channels: int
    views: int
    view_mm: float
    channels: int = 1
    dense_stride: int = 2
    view_voxels: int = 0


class TaskOutput(NamedTuple):
    """A scalar loss to minimise, and what makes the observation: most steps are not looked at, and never pay for it.

    Attributes:
        loss: in the graph.
        observe: makes the observation from tensors of this forward pass; it runs no network.
    """

    loss: Tensor
    observe: Callable[[], Observation]

    @property
    def observation(self) -> Observation:
        """The observation, detached from the graph; made anew each time."""
        with torch.no_grad():
            return self.observe()


class TaskSettings(Config):
    """Base of every task's settings."""

    weight: float = 1.0
    """Factor of this task's loss in the sum."""


S = TypeVar("S", bound=TaskSettings)
"""A task's own settings."""


class PretextTask(nn.Module, ABC, Generic[S]):
    """One pretext task: a head and its forward pass. It never logs, draws random numbers or keeps state.

    ``class DistanceTask(PretextTask[DistanceSettings])`` also declares its settings. Further capabilities are
    inherited: ``PredictsPositions``, ``TellsMirrored``, ``RestoresImages``.

    Attributes:
        card: its description, its metrics, and what its rows are evidence of.
        name: that of the card: key in settings, records and reports.
        needs_dense: True when it reads ``EncodedViews.dense``.
        placement: the ``views.placement`` it needs; None for any.
        settings_type: its settings class, taken from ``PretextTask[...]``.
        settings: its settings.

    Examples:
        >>> from orienteer.pretext.registry import TASKS
        >>> issubclass(TASKS["gap"], PretextTask), TASKS["gap"].card.judged.title
        (True, 'Gap error')
    """

    card: ClassVar[TaskCard]
    name: ClassVar[str]
    needs_dense: ClassVar[bool] = False
    placement: ClassVar[str | None] = None
    settings_type: ClassVar[type[TaskSettings]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(card := cls.__dict__.get("card"), TaskCard):
            cls.name = card.name
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, TaskSettings):
                    cls.settings_type = argument

    def __init__(self, settings: S, interface: Interface) -> None:
        super().__init__()
        self.settings = settings

    def describe(self) -> TaskCard:
        """The card of this instance, where settings change that of the class."""
        return self.card

    def check(self, *, batch: int) -> None:
        """Refuse, before it starts, a run in which the task cannot learn anything.

        Args:
            batch: scans per step and process.

        Raises:
            ConfigError: naming the setting to change.
        """
        return

    @abstractmethod
    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation of one batch. Every row of the observation has a ``sample`` column (0..B-1)."""

    @staticmethod
    @abstractmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Measures of rows of this task, of one batch or many; the first one is the headline."""

    def observe(self, rows: Rows, **more: Measure) -> Observation:
        """The observation of rows; ``more`` are measures that cannot be computed from rows."""
        return Observation(self.name, {**self.measure(rows), **more}, rows)


class PredictsPositions(ABC):
    """A task that predicts a position for every dense cell, so that its model can locate single voxels."""

    @abstractmethod
    def positions(self, dense: Float[Tensor, "N C s s s"]) -> Float[Tensor, "N 3 s s s"]:
        """Position of every cell in the run's own frame, mm along R, A, S, up to one shift for a whole scan."""


class TellsMirrored(ABC):
    """A task that tells a view from its mirror image, so that its model can doubt a header's left and right."""

    @abstractmethod
    def mirrored(self, embedding: Float[Tensor, "N E"], twin: Float[Tensor, "N E"]) -> Float[Tensor, "N"]:
        """Log-odds that upright views, rather than their twins (the same, mirrored along R), are the mirrored ones.

        A scan's is the mean over many of its views.
        """


class CorruptsViews(ABC):
    """A task that changes views and has them encoded in a separate pass, for itself alone."""

    @abstractmethod
    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"]:
        """The corrupted views to encode: the first k of the K views, the only ones the task gets.

        Every random choice is drawn from ``sampling.generator(seed, Purpose.CORRUPTION, number, view)``, so a corrupted
        view can be replayed from its address.
        """


class RestoresImages(CorruptsViews):
    """A task that restores the views it corrupts."""

    @abstractmethod
    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """The restored ``views.shown``."""


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    """A detached float32 copy on the CPU, for an observation."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array


def vector_columns(prefix: str, vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """``(N, 3)`` mm as three columns ``prefix_r``, ``prefix_a``, ``prefix_s``."""
    return {name: np.ascontiguousarray(vectors[:, n]) for n, name in enumerate(vector_names(prefix))}


def view_columns(samples: int, views: Sequence[int] | Tensor | NDArray[Any]) -> NDArray[np.int8]:
    """A column with the same view numbers for every sample."""
    values = views.cpu().numpy() if isinstance(views, Tensor) else np.asarray(views)
    return np.tile(values.astype(np.int8), samples)


def sample_column(samples: int, rows: int) -> NDArray[np.int32]:
    """A column of ``0 .. B-1``, each repeated ``rows`` times."""
    return np.repeat(np.arange(samples, dtype=np.int32), rows)
