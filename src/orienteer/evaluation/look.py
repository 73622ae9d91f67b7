"""Asking a model about views that a person chose: everything its tasks observed, and nothing computed a second time.

The rows and measures are those the tasks hand to training and evaluation; here they are only laid out by view.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.evaluation.measure import Corruption
from orienteer.evaluation.probes import PROBES
from orienteer.geometry.chunks import ChunkPair, chunk_pair
from orienteer.pretext.adjacency.settings import AdjacencySettings
from orienteer.pretext.model import SpatialModel
from orienteer.records import Observation
from orienteer.records.measures import angles_deg, vectors
from orienteer.sampling import SampleRecipe, ViewRecipe, crop
from orienteer.sampling.dataset import Views
from orienteer.sampling.loader import collate
from orienteer.store import Store

SHOWN = ("gap", "adjacency", "route", "position")
"""The tasks whose answers are places; any number of views will do for them, wherever they lie."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a model says of K views of one scan. All in mm, axes R, A, S, in the scan's own frame.

    Attributes:
        recipe: the views as they were cut: on the store's grid, inside the scan.
        observations: per trained task of :data:`SHOWN`, its own rows (one sample) and measures.
        chunk_mm: edge of a chunk; 0 where adjacency was not trained.
        probe: what was done to the views before the model saw them, or None.
        probe_view: to which view alone; None for all.
        step: optimiser steps the model had seen; None where it was not told.
    """

    recipe: SampleRecipe
    observations: dict[str, Observation]
    chunk_mm: float
    probe: str | None = None
    probe_view: int | None = None
    step: int | None = None
    _matrices: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @property
    def centres_mm(self) -> NDArray[np.float64]:
        """``(K, 3)`` centres of the views, mm."""
        return self.recipe.centres

    def gap(self, column: str) -> NDArray[np.float64] | None:
        """``(K, K, 3)`` mm of ``true``, ``pred`` or ``scale``; NaN on the diagonal, None where there is no such."""
        seen = self.observations.get("gap")
        if seen is None or f"{column}_r" not in seen.rows:
            return None
        if column not in self._matrices:
            views = len(self.centres_mm)
            matrix = np.full((views, views, 3), np.nan)
            matrix[seen.rows["view_i"], seen.rows["view_j"]] = vectors(seen.rows, column)
            self._matrices[column] = matrix
        return self._matrices[column]

    @property
    def gap_error_mm(self) -> NDArray[np.float64] | None:
        """``(K, K)`` length of predicted minus true gap, mm; NaN on the diagonal."""
        predicted, true = self.gap("pred"), self.gap("true")
        return None if predicted is None or true is None else np.asarray(np.linalg.norm(predicted - true, axis=-1))

    def chunks(self, i: int, j: int) -> ChunkPair:
        """Centres of the adjacent and the distant chunks of views i and j, mm."""
        centres, edge = self.centres_mm, np.ones(3)
        return chunk_pair(centres[i], centres[j], edge * self.recipe.view_mm, edge * self.chunk_mm)

    def waypoints(self, path: Sequence[int]) -> NDArray[np.float64] | None:
        """``(len(path), 3)`` where the predicted steps of ``path`` lead, from the true centre of its first view, mm."""
        seen = self.observations.get("route")
        if seen is None:
            return None
        single = seen.rows["kind"] == "step"
        steps = dict(zip(seen.rows["path"][single], vectors(seen.rows, "pred")[single], strict=True))
        hops = [steps[f"{a}-{b}"] for a, b in pairwise(path)]
        return np.cumsum([self.centres_mm[path[0]], *hops], axis=0)

    def direction_error_deg(self) -> NDArray[np.float64] | None:
        """``(K, K)`` angle between predicted and true step, degrees; NaN where two centres coincide."""
        seen = self.observations.get("route")
        if seen is None:
            return None
        single = seen.rows["kind"] == "step"
        true, predicted = vectors(seen.rows, "true")[single], vectors(seen.rows, "pred")[single]
        ends = np.array([[int(view) for view in path.split("-")] for path in seen.rows["path"][single]])
        long = np.linalg.norm(true, axis=1) > 1e-6
        matrix = np.full((len(self.centres_mm),) * 2, np.nan)
        matrix[ends[long, 0], ends[long, 1]] = angles_deg(predicted, true)
        return matrix


def recipe_at(store: Store, scan: str, centres_mm: Sequence[Sequence[float]] | NDArray, size: int) -> SampleRecipe:
    """Views of ``size`` voxels around the given places, moved onto the store's grid and into the scan.

    Args:
        store: where the scan is.
        scan: its id.
        centres_mm: ``(K, 3)`` mm, voxel index times spacing along R, A, S.
        size: view edge in voxels.

    Raises:
        ConfigError: places that are no numbers, or a scan too small for a view.
        StoreError: no such scan.
    """
    entry = store.entry(scan)
    centres = np.asarray(centres_mm, dtype=np.float64)
    if centres.ndim != 2 or centres.shape[1] != 3 or not len(centres) or not np.isfinite(centres).all():
        raise ConfigError("a view's place is three finite numbers", cure="give centres as (K, 3) mm")
    last = np.array(entry.shape) - size
    if (last < 0).any():
        raise ConfigError(
            f"{scan} has {' x '.join(map(str, entry.shape))} voxels, a view {size} along each side",
            cure="choose a scan that can hold a view",
        )
    low = np.clip(np.rint(centres / entry.spacing - (size - 1) / 2), 0, last)
    placed = (low + (size - 1) / 2) * entry.spacing
    views = tuple(ViewRecipe((float(r), float(a), float(s))) for r, a, s in placed)
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return SampleRecipe(scan=scan, number=0, size=size, spacing=entry.spacing, linear=identity, views=views)


def corruption(probe: str | None, view: int | None, views: int) -> Corruption | None:
    """The change of the images that an honesty probe makes, of one view only where ``view`` is given.

    Raises:
        ConfigError: no such probe, or no such view.
    """
    if probe is None:
        return None
    if probe not in PROBES:
        raise ConfigError(f"there is no probe {probe!r}", cure=f"choose from {', '.join(PROBES)}")
    if view is None:
        return PROBES[probe]
    if not 0 <= view < views:
        raise ConfigError(f"there is no view {view}", cure=f"views are counted from 0 to {views - 1}")

    def one(images: torch.Tensor, numbers: tuple[int, ...]) -> torch.Tensor:
        changed = images.clone()
        changed[:, view] = PROBES[probe](images, numbers)[:, view]
        return changed

    return one


@torch.no_grad()
def look(model: SpatialModel, store: Store, recipe: SampleRecipe, *, corrupt: Corruption | None = None) -> Look:
    """Let the model answer about the views of ``recipe``.

    A pure function of its arguments: the same model, scan and views give the same numbers, whoever asks.

    Args:
        model: in evaluation mode.
        store: where the scan is.
        recipe: the views.
        corrupt: an honesty probe's change of the images; the truth stays what it was.

    Raises:
        ConfigError: a single view, which has no other to be seen from.
        StoreError: the scan's array is missing or damaged.
    """
    if len(recipe.views) < 2:
        raise ConfigError("one view alone has no gap", cure="give at least two views")
    device = next(model.parameters()).device
    batch = collate([Views.of(crop(recipe, store))])
    images = batch.images if corrupt is None else corrupt(batch.images, batch.numbers)
    anatomy = batch.plain.to(device)
    views = model.encode(images.to(device), batch.centres.to(device), batch.view_mm, batch.address, anatomy=anatomy)
    seen = {name: model.task(name)(views).observation for name in SHOWN if name in model.tasks}
    adjacency = model.task("adjacency").settings if "adjacency" in model.tasks else None
    chunk = adjacency.chunk if isinstance(adjacency, AdjacencySettings) else 0.0
    return Look(recipe, seen, chunk_mm=recipe.view_mm * chunk)
