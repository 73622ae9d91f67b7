"""The contract of a pretext task: features and positions in, loss and observation out.

A task is one file: its settings, its head, the call of its loss, its rows and its card. It may live in this package, in
an installed one (entry point ``orienteer.tasks``) or in any file that Python can import; its tests subclass
``orienteer.testing.task_contract.TaskContract``.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, get_args

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.config import Config
from orienteer.records import Measure, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import vector_names


@dataclass(frozen=True, eq=False)
class EncodedViews:
    """K views of B scans as the backbone sees them, with the truth about where they are.

    Attributes:
        embedding: one vector a view.
        dense: dense features, or None when no task asks for them.
        body: dense cells that hold body rather than background, where ``dense`` is given.
        centres: view centres in mm, in the frame the network sees (after geometric augmentation).
        view_mm: view edge, mm.
        images: the views as they are, normalised intensities.
        plain: the views before augmentation varied their intensities: what a task that restores them restores.
        shown: what the encoder saw: ``images``, or for a task that corrupts them its corrupted copy.
        address: seed and number of each sample, for counted draws; on the CPU.
        followed: what a momentum copy of the encoder makes of the same views, without gradient; None without one, while
            measuring, and of corrupted views.
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
    """What a task's head is built for: the sizes of the features it will get.

    Attributes:
        embedding: E, length of a view's embedding.
        dense_channels: C', channels of dense features.
        views: K.
        view_mm: view edge, mm.
        channels: C, channels of a scan.
        dense_stride: voxels per dense cell; 0 without a decoder.
        view_voxels: view edge in voxels; 0 where it is not known.
    """

    embedding: int
    dense_channels: int
    views: int
    view_mm: float
    channels: int = 1
    dense_stride: int = 2
    view_voxels: int = 0


class TaskOutput(NamedTuple):
    """A scalar loss to minimise and what was seen, detached from the graph."""

    loss: Tensor
    observation: Observation


class TaskSettings(Config):
    """Base of every task's settings."""

    weight: float = 1.0
    """Factor of this task's loss in the sum."""


S = TypeVar("S", bound=TaskSettings)
"""A task's own settings."""


class PretextTask(nn.Module, ABC, Generic[S]):
    """One pretext task: its head's weights and its forward pass. It never logs, draws or keeps state.

    ``class GapTask(PretextTask[GapSettings])`` also says what its settings are. What a task can do beyond learning is
    said by the capabilities it inherits: :class:`PredictsDisplacements`, :class:`RestoresImages`.

    Attributes:
        card: what it is, in words, with its metrics and what its rows are evidence of.
        name: the card's: key in settings, records and reports.
        needs_dense: True when it reads ``EncodedViews.dense``.
        placement: how views must be placed for it (``views.placement``); None when any placement will do.
        settings_type: its settings class, taken from ``PretextTask[...]``.
        settings: its settings.
    """

    card: ClassVar[TaskCard]
    name: ClassVar[str]
    needs_dense: ClassVar[bool] = False
    placement: ClassVar[str | None] = None
    settings_type: ClassVar[type[TaskSettings]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "card" in cls.__dict__:
            cls.name = cls.card.name
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, TaskSettings):
                    cls.settings_type = argument

    def __init__(self, settings: S, interface: Interface) -> None:
        super().__init__()
        self.settings = settings

    def describe(self) -> TaskCard:
        """The card of this very task, where its settings change what its class says."""
        return self.card

    def check(self, *, batch: int) -> None:
        """Refuse a run in which it could learn nothing, before it starts.

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
        """Figures of any rows of this task, of one batch or of many; the first one is the headline."""

    def observe(self, rows: Rows, **more: Measure) -> Observation:
        """The observation of rows; ``more`` are figures that rows cannot give."""
        return Observation(self.name, {**self.measure(rows), **more}, rows)


class PredictsDisplacements(ABC):
    """A task that can say where one view lies as seen from another, so that a model can be asked where things are."""

    @abstractmethod
    def displacements(self, embedding: Float[Tensor, "B K E"]) -> Float[NDArray, "B K K 3"]:
        """Way from view i to view j at ``[b, i, j]``, mm."""

    def uncertainty(self, embedding: Float[Tensor, "B K E"]) -> Float[NDArray, "B K K"] | None:
        """How unsure it is of each of them, on any common scale; None where it does not say."""
        return None


class RestoresImages(ABC):
    """A task that has views corrupted before they are encoded, in a pass of their own, and restores them."""

    @abstractmethod
    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"]:
        """The views to encode instead of the real ones; the first k of the K views, and then it is shown these alone.

        Every random choice is drawn from ``sampling.generator(seed, Purpose.CORRUPTION, number, view)``, so a corrupted
        view can be replayed from its address.
        """

    @abstractmethod
    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """What it makes of ``views.shown``."""


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    """A detached float32 copy on the CPU, for an observation."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array


def vector_columns(prefix: str, vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """``(N, 3)`` mm as three columns ``prefix_r``, ``prefix_a``, ``prefix_s``."""
    return {name: np.ascontiguousarray(vectors[:, n]) for n, name in enumerate(vector_names(prefix))}


def view_columns(samples: int, views: Sequence[int] | Tensor | NDArray[Any]) -> NDArray[np.int8]:
    """The same views for every sample, as a column."""
    values = views.cpu().numpy() if isinstance(views, Tensor) else np.asarray(views)
    return np.tile(values.astype(np.int8), samples)


def sample_column(samples: int, rows: int) -> NDArray[np.int32]:
    """``0 .. B-1``, each as often as a sample has rows."""
    return np.repeat(np.arange(samples, dtype=np.int32), rows)
