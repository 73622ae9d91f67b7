"""Backbone, teacher and tasks as one module: a batch of views in, a loss and observations out."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from orienteer.networks.backbone import Backbone
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import CorruptsViews, EncodedViews, Interface, PretextTask
from orienteer.pretext.registry import chosen_tasks
from orienteer.pretext.teacher import TeacherSettings
from orienteer.records import Observation
from orienteer.records.card import TaskCard
from orienteer.store.convention import WINDOW, Convention
from orienteer.store.intensity import BODY_ABOVE


class Seen:
    """Hides what makes observations from wrappers of the forward pass, which descend into every collection."""

    __slots__ = ("observers",)

    def __init__(self, *observers: Callable[[], Observation]) -> None:
        self.observers = observers


class ModelOutput(NamedTuple):
    """The weighted sum of the tasks' losses, and what makes their observations."""

    loss: Tensor
    seen: Seen

    @property
    def observations(self) -> tuple[Observation, ...]:
        """One observation per task; made when they are asked for."""
        with torch.no_grad():
            return tuple(observe() for observe in self.seen.observers)


class SpatialModel(nn.Module):
    """The whole pretraining model.

    Args:
        network: settings of the backbone.
        tasks: task name to its settings; at least one.
        teacher: settings of the momentum copy.
        in_channels: channels of a scan.
        views: K.
        view: view edge in voxels.
        spacing: mm per voxel.
        convention: the units of intensity that the encoder sees; all else is in window units.

    Raises:
        ConfigError: no task, an unknown task, or settings that do not fit.
    """

    def __init__(
        self,
        network: NetworkSettings,
        tasks: Mapping[str, Mapping[str, Any]],
        teacher: TeacherSettings,
        *,
        in_channels: int,
        views: int,
        view: int,
        spacing: float,
        convention: Convention = WINDOW,
    ) -> None:
        super().__init__()
        chosen = chosen_tasks(tasks)
        dense = any(task.kind.needs_dense for task in chosen.values())
        self.backbone = Backbone(network, in_channels=in_channels, view=view, dense=dense, convention=convention)
        interface = Interface(
            embedding=self.backbone.embedding,
            dense_channels=self.backbone.dense_channels,
            views=views,
            view_mm=view * spacing,
            channels=in_channels,
            dense_stride=self.backbone.dense_stride,
            view_voxels=view,
        )
        self.tasks = nn.ModuleDict({name: task.build(interface) for name, task in chosen.items()})
        self.momentum = teacher.momentum
        self.teacher = copy.deepcopy(self.backbone).requires_grad_(False) if teacher.enabled else None

    def forward(
        self,
        images: Float[Tensor, "B K C S S S"],
        centres: Float[Tensor, "B K 3"],
        view_mm: float,
        address: Int[Tensor, "B 2"],
        plain: Float[Tensor, "B K C S S S"] | None = None,
        anatomy: Float[Tensor, "B K C S S S"] | None = None,
    ) -> ModelOutput:
        """Encode all views for all tasks; views corrupted by a task are encoded for that task alone.

        ``plain`` are the views before intensity augmentation, ``images`` by default. ``anatomy`` separates body from
        air, ``plain`` by default; an honesty probe removes the anatomy from everything else.
        """
        whole: EncodedViews | None = None
        loss = images.new_zeros(())
        observers = []
        for name in self.tasks:
            task = self.task(name)
            if isinstance(task, CorruptsViews):
                shown = task.corrupt(images, address)
                views = self.encode(images, centres, view_mm, address, plain, anatomy, shown=shown)
            else:
                views = whole = whole or self.encode(images, centres, view_mm, address, plain, anatomy)
            # Heads predict mm: bfloat16 could represent 100 mm only to within 0.4 mm.
            with torch.autocast(images.device.type, enabled=False):
                output = task(views)
            loss = loss + task.settings.weight * output.loss
            observers.append(output.observe)
        return ModelOutput(loss, Seen(*observers))

    def encode(
        self,
        images: Float[Tensor, "B K C S S S"],
        centres: Float[Tensor, "B K 3"],
        view_mm: float,
        address: Int[Tensor, "B 2"],
        plain: Float[Tensor, "B K C S S S"] | None = None,
        anatomy: Float[Tensor, "B K C S S S"] | None = None,
        *,
        shown: Float[Tensor, "B k C S S S"] | None = None,
    ) -> EncodedViews:
        """Features of all views, or of ``shown``, the first k corrupted; in training also the teacher's."""
        batch = images.shape[0]
        encoded = images if shown is None else shown
        plain = images if plain is None else plain
        anatomy = plain if anatomy is None else anatomy
        images, plain, anatomy, centres = (each[:, : encoded.shape[1]] for each in (images, plain, anatomy, centres))
        features = self.backbone(encoded.flatten(0, 1))
        followed = None
        if self.teacher is not None and self.training and shown is None:
            with torch.no_grad():
                followed = _split(self.teacher.pooled(self.teacher.encoder(encoded.flatten(0, 1))), batch)
        dense = None if features.dense is None else _split(features.dense, batch)
        return EncodedViews(
            embedding=_split(features.embedding, batch),
            dense=None if dense is None else dense.float(),
            body=None if dense is None else _cells(anatomy, dense.shape[-1]),
            followed=followed,
            centres=centres,
            view_mm=view_mm,
            images=images,
            plain=plain,
            shown=encoded,
            address=address,
        )

    def task(self, name: str) -> PretextTask[Any]:
        """One of the tasks, by name."""
        return cast(PretextTask[Any], self.tasks[name])

    @property
    def cards(self) -> tuple[TaskCard, ...]:
        """The cards of its tasks, in order."""
        return tuple(self.task(name).describe() for name in self.tasks)

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Update the teacher's moving average of the backbone; does nothing without a teacher."""
        if self.teacher is None:
            return
        for slow, fast in zip(self.teacher.parameters(), self.backbone.parameters(), strict=True):
            slow.lerp_(fast, 1 - self.momentum)
        for kept, current in zip(self.teacher.buffers(), self.backbone.buffers(), strict=True):
            kept.copy_(current)


def _cells(anatomy: Tensor, cells: int) -> Tensor:
    """Dense cells with more than half of their voxels in the body, before intensity augmentation brightens air."""
    body = (anatomy > BODY_ABOVE).any(dim=2)
    pooled = functional.adaptive_avg_pool3d(body.flatten(0, 1)[:, None].float(), cells)
    return _split(pooled[:, 0] > 0.5, len(body))


def _split(stacked: Tensor, batch: int) -> Tensor:
    """``(B * K, ...)`` as ``(B, K, ...)``."""
    return stacked.reshape(batch, -1, *stacked.shape[1:])
