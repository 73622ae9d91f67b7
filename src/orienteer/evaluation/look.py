"""A model's answers about views of the user's choice, as its tasks observe them.

The rows and measures are those of training and evaluation; here they are only arranged by view.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.evaluation.probes import Corruption, probe_of
from orienteer.geometry.chunks import ChunkPair, chunk_pair
from orienteer.pretext.contract import CorruptsViews, PretextTask
from orienteer.pretext.model import SpatialModel
from orienteer.records import Observation
from orienteer.records.card import TaskCard
from orienteer.records.evidence import STEP, ChunkPairs, Displacements, Paths, Points, views_of
from orienteer.records.statistics import angles_deg, vectors
from orienteer.sampling import SampleRecipe, ViewRecipe, crop
from orienteer.sampling.dataset import Views
from orienteer.sampling.loader import collate
from orienteer.store import Store

E = TypeVar("E", Displacements, Paths, ChunkPairs, Points)


@dataclass(frozen=True, eq=False)
class Look:
    """A model's answers about K views of one scan. All in mm, axes R, A, S, in the scan's own frame.

    Attributes:
        recipe: the views as cropped: on the store's grid, inside the scan.
        observations: rows (one sample) and measures of every task that can answer about arbitrary views.
        cards: of these tasks.
        images: ``(K, C, S, S, S)`` float32 voxels of the views as the network received them: after the honesty probe.
        probe: the honesty probe applied to the views, or None.
        probe_view: the only view it was applied to; None for all.
        step: optimiser steps of the checkpoint; None where unknown.
    """

    recipe: SampleRecipe
    observations: dict[str, Observation]
    cards: dict[str, TaskCard]
    images: NDArray[np.float32]
    probe: str | None = None
    probe_view: int | None = None
    step: int | None = None

    def evidence(self, kind: type[E]) -> tuple[E, Observation] | None:
        """The first task whose rows are evidence of this kind; None without such a task."""
        for name, card in self.cards.items():
            for evidence in card.evidence:
                if isinstance(evidence, kind):
                    return evidence, self.observations[name]
        return None

    @property
    def centres_mm(self) -> NDArray[np.float64]:
        """``(K, 3)`` centres of the views, mm."""
        return self.recipe.centres

    def gap(self, column: Literal["true", "pred", "scale"]) -> NDArray[np.float64] | None:
        """``(K, K, 3)`` mm of the true or predicted gap or its scale; NaN on the diagonal, None where there is none."""
        found = self.evidence(Displacements)
        prefix = getattr(found[0], column) if found else None
        if found is None or prefix is None:
            return None
        return found[0].matrix(found[1].rows, prefix, len(self.centres_mm))

    @property
    def gap_error_mm(self) -> NDArray[np.float64] | None:
        """``(K, K)`` length of predicted minus true gap, mm; NaN on the diagonal."""
        predicted, true = self.gap("pred"), self.gap("true")
        return None if predicted is None or true is None else np.asarray(np.linalg.norm(predicted - true, axis=-1))

    @property
    def chunk_mm(self) -> float:
        """Edge of a chunk; 0 where no task compares chunks."""
        found = self.evidence(ChunkPairs)
        return self.recipe.view_mm * found[0].chunk if found else 0.0

    def chunks(self, i: int, j: int) -> ChunkPair:
        """Centres of the adjacent and the distant chunks of views i and j, mm."""
        centres, edge = self.centres_mm, np.ones(3)
        return chunk_pair(centres[i], centres[j], edge * self.recipe.view_mm, edge * self.chunk_mm)

    def waypoints(self, path: Sequence[int]) -> NDArray[np.float64] | None:
        """``(len(path), 3)`` mm along the predicted steps of ``path``, from the true centre of its first view."""
        found = self.evidence(Paths)
        if found is None:
            return None
        steps = found[0].steps(found[1].rows)
        return np.cumsum([self.centres_mm[path[0]], *(steps[hop] for hop in pairwise(path))], axis=0)

    def direction_error_deg(self) -> NDArray[np.float64] | None:
        """``(K, K)`` angle between predicted and true step, degrees; NaN where two centres coincide."""
        found = self.evidence(Paths)
        if found is None:
            return None
        rows = found[1].rows
        single = rows["kind"] == STEP
        true, predicted = vectors(rows, found[0].true)[single], vectors(rows, found[0].pred)[single]
        ends = np.array([views_of(path) for path in rows["path"][single]])
        long = np.linalg.norm(true, axis=1) > 1e-6
        matrix = np.full((len(self.centres_mm),) * 2, np.nan)
        matrix[ends[long, 0], ends[long, 1]] = angles_deg(predicted, true)
        return matrix


def recipe_at(store: Store, scan: str, centres_mm: Sequence[Sequence[float]] | NDArray, size: int) -> SampleRecipe:
    """Views of ``size`` voxels around the given centres, moved onto the store's grid and into the scan.

    Args:
        store: of the scan.
        scan: its id.
        centres_mm: ``(K, 3)`` mm, voxel index times spacing along R, A, S.
        size: view edge in voxels.

    Raises:
        ConfigError: centres that are not finite numbers, or a scan too small for a view.
        StoreError: no such scan.
    """
    entry = store.entry(scan)
    centres = np.asarray(centres_mm, dtype=np.float64)
    if centres.ndim != 2 or centres.shape[1] != 3 or not len(centres) or not np.isfinite(centres).all():
        raise ConfigError("a view's centre is three finite numbers", cure="give centres as (K, 3) mm")
    last = np.array(entry.shape) - size
    if (last < 0).any():
        raise ConfigError(
            f"{scan} has {' x '.join(map(str, entry.shape))} voxels, a view {size} along each side",
            cure="choose a scan that can hold a view",
        )
    low = np.clip(np.rint(centres / entry.spacing - (size - 1) / 2), 0, last)
    moved = (low + (size - 1) / 2) * entry.spacing
    views = tuple(ViewRecipe((float(r), float(a), float(s))) for r, a, s in moved)
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return SampleRecipe(scan=scan, number=0, size=size, spacing=entry.spacing, linear=identity, views=views)


def corruption(probe: str | None, view: int | None, views: int) -> Corruption | None:
    """An honesty probe's change of the images; of a single view where ``view`` is given.

    Raises:
        ConfigError: no such probe, or no such view.
    """
    if probe is None:
        return None
    change = probe_of(probe).corrupt
    if view is None:
        return change
    if not 0 <= view < views:
        raise ConfigError(f"there is no view {view}", cure=f"views are counted from 0 to {views - 1}")

    def one(images: torch.Tensor, numbers: tuple[int, ...]) -> torch.Tensor:
        changed = images.clone()
        changed[:, view] = change(images, numbers)[:, view]
        return changed

    return one


@torch.no_grad()
def look(model: SpatialModel, store: Store, recipe: SampleRecipe, *, corrupt: Corruption | None = None) -> Look:
    """Let the model answer about the views of ``recipe``. A pure function: equal arguments give equal numbers.

    Args:
        model: in evaluation mode.
        store: of the scan.
        recipe: the views.
        corrupt: an honesty probe's change of the images; the truth stays what it was.

    Raises:
        ConfigError: fewer than two views.
        StoreError: the scan's array is missing or damaged.
    """
    if len(recipe.views) < 2:
        raise ConfigError("one view alone has no gap", cure="give at least two views")
    device = next(model.parameters()).device
    batch = collate([Views.of(crop(recipe, store))])
    images = batch.images if corrupt is None else corrupt(batch.images, batch.numbers)
    anatomy = batch.plain.to(device)
    views = model.encode(images.to(device), batch.centres.to(device), batch.view_mm, batch.address, anatomy=anatomy)
    asked = [name for name in model.tasks if answers_anywhere(model.task(name))]
    observations = {name: model.task(name)(views).observation for name in asked}
    return Look(recipe, observations, {name: model.task(name).describe() for name in asked}, images[0].numpy())


def answers_anywhere(task: PretextTask[Any]) -> bool:
    """Whether a task answers about positions for any number of views at any positions."""
    return task.card.spatial and task.placement is None and not isinstance(task, CorruptsViews)
