"""Where a crop of one scan lies in another: views of a coarse grid vote, and where they agree, there it is.

The model was taught how far apart two views *of one scan* are. Here it is asked the same of a crop of one subject and
views of another: view g votes for the crop's position ``c_g + displacement(g, crop)``.
"""

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.evaluation.look import recipe_at
from orienteer.localize.density import densest, density
from orienteer.localize.landmarks import Warps
from orienteer.localize.located import Located
from orienteer.pretext.contract import PredictsDisplacements
from orienteer.pretext.model import SpatialModel
from orienteer.sampling import crop
from orienteer.sampling.region import Region
from orienteer.store import Store

MOST_VIEWS = 128
"""Views of the target that vote."""
MOST_CELLS = 48
"""Cells of the density along the longest axis."""
KEPT = 32
"""Targets whose encoded views are kept between questions, a few kilobytes each."""
BATCH = 16
"""Views encoded together."""


class Voters(NamedTuple):
    """The views of a target that vote; worth keeping, since encoding them is the slow part.

    Attributes:
        centres_mm: ``(N, 3)``.
        embedding: ``(N, E)``.
    """

    centres_mm: NDArray[np.float64]
    embedding: Float[Tensor, "N E"]


class Locator:
    """One model that is asked where crops of a store's scans lie in its other scans.

    Args:
        model: in evaluation mode.
        store: of the spacing and channels the model learned from.
        size: view edge, voxels.
        min_foreground: share of a voting view that must be body.
        targets: where targets are looked up instead, under the same ids; nothing is then known of the truth.
        warps: what labels say about scans of this store, to be shared with other locators.
        step: optimiser steps of the model, to be told with every answer.

    Examples:
        >>> import orienteer as ori
        >>> here, there, *_ = store.ids()
        >>> found = ori.Run.open("run").locator(store).locate(here, [40, 50, 45], there)
        >>> found.peak_mm.shape, float(found.heat.max())
        ((3,), 1.0)
    """

    def __init__(
        self,
        model: SpatialModel,
        store: Store,
        *,
        size: int,
        min_foreground: float,
        targets: Store | None = None,
        warps: Warps | None = None,
        step: int | None = None,
    ) -> None:
        self.model, self.size, self.min_foreground, self.step = model, size, min_foreground, step
        self.store, self.targets = store, targets or store
        self.warps = None if targets else warps or Warps(store)
        self.voters = lru_cache(KEPT)(self._voters)
        tasks = (model.task(name) for name in model.tasks)
        self._task = next((task for task in tasks if isinstance(task, PredictsDisplacements)), None)

    @property
    def able(self) -> bool:
        """Whether the model learned a task that predicts displacements."""
        return self._task is not None

    @torch.no_grad()
    def locate(self, scan: str, centre_mm: Sequence[float] | NDArray, target: str) -> Located:
        """Where in the target the model believes a crop to lie.

        A pure function of its arguments, whatever was asked before.

        Args:
            scan: id of the scan the crop is cut out of.
            centre_mm: ``(3,)`` the crop's centre: voxel index times spacing along R, A, S; moved onto the grid and
                into the scan.
            target: id of another scan, or the same one.

        Raises:
            ConfigError: the model was taught nothing that says where, or the position is no position.
            StoreError: no such scan, or a damaged array.
        """
        if self._task is None:
            raise ConfigError(
                "no task of this run predicts the way from one view to another, so it cannot say where a crop lies",
                cure="train with the default tasks",
            )
        entry = self.targets.entry(target)
        centre = recipe_at(self.store, scan, np.asarray(centre_mm, dtype=float)[None], self.size).centres[0]
        votes, weights = self._votes(
            self._task, self.voters(target), self._embed(self.store, scan, centre[None])[0], scan
        )
        width = self.size * entry.spacing / 12
        # At least two voxels to a cell, and never so many cells that the page has to wait for them.
        stride = max(2, int(np.ceil(max(entry.shape) / MOST_CELLS)))
        cells = [
            np.asarray((np.arange(0, n - stride + 1, stride) + (stride - 1) / 2) * entry.spacing, dtype=np.float64)
            for n in entry.shape
        ]
        true, known = self._truth(scan, centre, target)
        return Located(
            scan=scan,
            centre_mm=centre,
            target=target,
            heat=density(votes, weights, cells, width),
            grid_mm=stride * entry.spacing,
            origin_mm=np.array([line[0] for line in cells]),
            peak_mm=densest(votes, weights, width),
            votes_mm=votes,
            true_mm=true,
            from_labels=known,
            middle_mm=(np.array(entry.foreground_low) + np.array(entry.foreground_high) - 1) / 2 * entry.spacing,
            step=self.step,
        )

    def _voters(self, target: str) -> Voters:
        """Views of a coarse grid, half a view apart, where there is body."""
        centres = self._grid(target)
        return Voters(centres, self._embed(self.targets, target, centres))

    def _grid(self, target: str) -> NDArray[np.float64]:
        region = Region.of(self.targets, target, self.size, linear=np.eye(3), min_foreground=self.min_foreground)
        low, high = region.centre_range()
        stride = self.size / 2
        while True:
            lines = [
                first + np.unique(np.rint(np.linspace(0, last - first, int(np.ceil((last - first) / stride)) + 1)))
                for first, last in zip(low, high, strict=True)
            ]
            centres = np.array(list(itertools.product(*lines)))
            on_body = np.array([region.body(centre) >= self.min_foreground for centre in centres])
            chosen = centres[on_body] if on_body.any() else centres
            if len(chosen) <= MOST_VIEWS:
                return np.asarray(chosen * self.targets.entry(target).spacing)
            stride *= 1.25

    @torch.no_grad()
    def _embed(self, store: Store, scan: str, centres_mm: NDArray[np.float64]) -> Float[Tensor, "N E"]:
        """Embeddings of views, a few at a time so that memory stays small."""
        device, parts = next(self.model.parameters()).device, []
        for some in np.split(centres_mm, range(BATCH, len(centres_mm), BATCH)):
            images = crop(recipe_at(store, scan, some, self.size), store).images
            parts.append(self.model.backbone(torch.from_numpy(images).to(device)).embedding.float())
        return torch.cat(parts)

    def _votes(
        self, task: PredictsDisplacements, voters: Voters, crop_embedding: Float[Tensor, " E"], scan: str
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each view votes for ``(N, 3)`` mm, and the weight of its vote ``(N,)``."""
        pairs = torch.stack([voters.embedding, crop_embedding.expand_as(voters.embedding)], dim=1)
        steps = task.displacements(pairs)
        # From the view to the crop, and from the crop back to the view: two estimates of one displacement.
        way = (steps[:, 0, 1] - steps[:, 1, 0]) / 2
        # Errors grow with distance, so near views weigh more.
        weights = np.exp(-np.linalg.norm(way, axis=1) / (self.size * self.store.entry(scan).spacing))
        scale = task.uncertainty(pairs)
        if scale is not None:
            weights = weights / ((scale[:, 0, 1] + scale[:, 1, 0]) / 2)
        return voters.centres_mm + way, weights / weights.sum()

    def _truth(
        self, scan: str, centre: NDArray[np.float64], target: str
    ) -> tuple[NDArray[np.float64] | None, str | None]:
        if self.warps is None:
            return None, None
        if scan == target:
            return centre, "it was cut out of this very scan"
        warp = self.warps.between(scan, target)
        if warp is None:
            return None, None
        return warp(centre), (
            f"moved there by {warp.structures} structures labelled in both scans; "
            f"a structure left out is placed to within {warp.left_out_mm:.1f} mm (median)"
        )
