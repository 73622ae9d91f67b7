"""The contract of a pretext task: features and positions in, loss and observation out.

To add a task: a folder here with ``settings.py`` and ``task.py``, one line in ``registry.py``, one test class that
subclasses ``orienteer.testing.task_contract.TaskContract``, one docs page.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.config import Config
from orienteer.records.records import Measure, Observation, Rows


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


class PretextTask(nn.Module, ABC):
    """One pretext task: its head's weights and its forward pass. It never logs, draws or keeps state.

    Attributes:
        name: key in settings, records and reports.
        needs_dense: True when it reads ``EncodedViews.dense``.
        placement: how views must be placed for it (``views.placement``); None when any placement will do.
        about_space: True when its answers are places, so that the honesty probes can catch it cheating.
        settings_type: its settings class.
        settings: its settings.
    """

    name: ClassVar[str]
    needs_dense: ClassVar[bool] = False
    placement: ClassVar[str | None] = None
    about_space: ClassVar[bool] = True
    settings_type: ClassVar[type[TaskSettings]]

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__()
        self.settings = settings

    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"] | None:
        """The views this task wants encoded instead of the real ones (a pass of its own); None for the real ones.

        It may give fewer: the first k of the K views, and then it is shown these alone.

        Every random choice is drawn from ``views.generator(seed, Purpose.CORRUPTION, number, view)``, so a corrupted
        view can be replayed from its address.
        """
        return None

    def restore(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"] | None:
        """For a task that answers with images: what it makes of ``views.shown``; None for every other task."""
        return None

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


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    """A detached float32 copy on the CPU, for an observation."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array


AXES = ("r", "a", "s")
"""Suffixes of vector columns: right, anterior, superior."""


def vector_columns(prefix: str, vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """``(N, 3)`` mm as three columns ``prefix_r``, ``prefix_a``, ``prefix_s``."""
    return {f"{prefix}_{axis}": np.ascontiguousarray(vectors[:, n]) for n, axis in enumerate(AXES)}
