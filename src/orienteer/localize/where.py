"""Where does a model believe a crop of one scan to lie in another? Every view of a coarse grid gives its opinion.

The model was taught how far apart two views *of one scan* are. Here it is asked the same of a crop of one person and
views of another: view g says that the crop lies at ``c_g + step(g, crop)``. Where the opinions agree, there it is.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.evaluation.look import recipe_at
from orienteer.localize.landmarks import Warp
from orienteer.pretext.contract import PredictsDisplacements
from orienteer.pretext.model import SpatialModel
from orienteer.sampling import crop
from orienteer.sampling.region import Region
from orienteer.store import Store

MOST_VIEWS = 128
"""Views of the target that are asked."""
MOST_CELLS = 48
"""Cells of the heat map along the longest axis."""
BATCH = 16
FAINT = 1e-4
"""Heat below this is called none: it cannot be seen."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The views of a target that give their opinion; worth keeping, for encoding them is the slow part.

    Attributes:
        scan: the target.
        places_mm: ``(N, 3)`` their centres.
        embedding: ``(N, E)``.
    """

    scan: str
    places_mm: NDArray[np.float64]
    embedding: Float[Tensor, "N E"]


@dataclass(frozen=True, eq=False)
class Where:
    """Where a crop is believed to lie. All in mm, in the target's own frame.

    Attributes:
        scan: where the crop was cut.
        centre_mm: ``(3,)`` its true centre there.
        target: the other scan.
        heat: ``(D, H, W)`` density of the opinions, 1 at its highest cell.
        grid_mm: edge of a cell of ``heat``.
        origin_mm: ``(3,)`` centre of its first cell.
        peak_mm: ``(3,)`` where the opinions are densest: the answer.
        opinions_mm: ``(N, 3)`` what each view of the target said.
        true_mm: ``(3,)`` where the crop belongs, as far as that is known.
        from_labels: how it is known, in words.
        middle_mm: ``(3,)`` middle of the target's body, the answer of a model that knows nothing.
        step: optimiser steps the model had seen; None where it was not told.
    """

    scan: str
    centre_mm: NDArray[np.float64]
    target: str
    heat: NDArray[np.float64]
    grid_mm: float
    origin_mm: NDArray[np.float64]
    peak_mm: NDArray[np.float64]
    opinions_mm: NDArray[np.float64]
    true_mm: NDArray[np.float64] | None
    from_labels: str | None
    middle_mm: NDArray[np.float64]
    step: int | None = None

    @property
    def error_mm(self) -> float | None:
        """From the answer to the truth."""
        return None if self.true_mm is None else float(np.linalg.norm(self.peak_mm - self.true_mm))

    @property
    def chance_mm(self) -> float | None:
        """The error of an answer that looks at nothing: the middle of the target's body."""
        return None if self.true_mm is None else float(np.linalg.norm(self.middle_mm - self.true_mm))


def can_say_where(model: SpatialModel) -> bool:
    """Whether the model was taught a task that predicts displacements."""
    return _teller(model) is not None


def _teller(model: SpatialModel) -> PredictsDisplacements | None:
    tasks = (model.task(name) for name in model.tasks)
    return next((task for task in tasks if isinstance(task, PredictsDisplacements)), None)


def ask(model: SpatialModel, store: Store, target: str, *, size: int, min_foreground: float) -> Asked:
    """Encode a coarse grid of views of the target, half a view apart, where there is body.

    Args:
        model: in evaluation mode.
        store: where the scan is.
        target: its id.
        size: view edge, voxels.
        min_foreground: share of a view that must be body.
    """
    places = _grid(store, target, size, min_foreground)
    return Asked(target, places, _embed(model, store, target, places, size))


@torch.no_grad()
def where(
    model: SpatialModel,
    store: Store,
    scan: str,
    centre_mm: NDArray[np.float64],
    asked: Asked,
    *,
    size: int,
    warp: Warp | None = None,
) -> Where:
    """Where in the target the model believes a crop to lie.

    Args:
        model: in evaluation mode.
        store: where both scans are.
        scan: where the crop is cut.
        centre_mm: ``(3,)`` the crop's centre; moved onto the grid and into the scan.
        asked: views of the target.
        size: view edge, voxels.
        warp: from ``scan`` to the target, where labels give one.

    Raises:
        ConfigError: the model was taught nothing that says where.
    """
    if not can_say_where(model):
        raise ConfigError(
            "no task of this run predicts the way from one view to another, so it cannot say where a crop lies",
            cure="train with the default tasks",
        )
    centre = recipe_at(store, scan, centre_mm[None], size).centres[0]
    crop_embedding = _embed(model, store, scan, centre[None], size)
    opinions, weights = _opinions(model, asked, crop_embedding[0], view_mm=size * store.entry(scan).spacing)
    entry = store.entry(asked.scan)
    width = size * entry.spacing / 12
    shape = np.array(entry.shape)
    # At least two voxels to a cell, and never so many cells that the page has to wait for them.
    stride = max(2, int(np.ceil(shape.max() / MOST_CELLS)))
    cells = [(np.arange(0, n - stride + 1, stride) + (stride - 1) / 2) * entry.spacing for n in shape]
    heat = _heat(opinions, weights, cells, width)
    true, known = _truth(scan, centre, asked.scan, warp)
    return Where(
        scan=scan,
        centre_mm=centre,
        target=asked.scan,
        heat=heat,
        grid_mm=stride * entry.spacing,
        origin_mm=np.array([line[0] for line in cells]),
        peak_mm=_densest(opinions, weights, width),
        opinions_mm=opinions,
        true_mm=true,
        from_labels=known,
        middle_mm=(np.array(entry.foreground_low) + np.array(entry.foreground_high) - 1) / 2 * entry.spacing,
    )


def _grid(store: Store, target: str, size: int, min_foreground: float) -> NDArray[np.float64]:
    entry = store.entry(target)
    region = Region.of(store, target, size, linear=np.eye(3), min_foreground=min_foreground)
    low, high = region.centre_range()
    stride = size / 2
    while True:
        lines = [
            first + np.unique(np.rint(np.linspace(0, last - first, int(np.ceil((last - first) / stride)) + 1)))
            for first, last in zip(low, high, strict=True)
        ]
        centres = np.array(list(itertools.product(*lines)))
        on_body = np.array([region.body(centre) >= min_foreground for centre in centres])
        chosen = centres[on_body] if on_body.any() else centres
        if len(chosen) <= MOST_VIEWS:
            return np.asarray(chosen * entry.spacing)
        stride *= 1.25


@torch.no_grad()
def _embed(model: SpatialModel, store: Store, scan: str, places: NDArray[np.float64], size: int) -> Tensor:
    """``(N, E)`` embeddings of views at ``(N, 3)`` places, a few at a time so that memory stays small."""
    device, parts = next(model.parameters()).device, []
    for start in range(0, len(places), BATCH):
        some = places[start : start + BATCH]
        images = crop(recipe_at(store, scan, some, size), store).images
        parts.append(model.backbone(torch.from_numpy(images).to(device)).embedding.float())
    return torch.cat(parts)


def _opinions(
    model: SpatialModel, asked: Asked, crop_embedding: Tensor, *, view_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each view of the target says ``(N, 3)`` mm, and how much its word weighs ``(N,)``."""
    pairs = torch.stack([asked.embedding, crop_embedding.expand_as(asked.embedding)], dim=1)
    task = _teller(model)
    assert task is not None
    steps = task.displacements(pairs)
    # From the view to the crop, and from the crop back to the view: both say the same thing.
    way = (steps[:, 0, 1] - steps[:, 1, 0]) / 2
    # Who lies near sees better: errors grow with distance.
    weights = np.exp(-np.linalg.norm(way, axis=1) / view_mm)
    scale = task.uncertainty(pairs)
    if scale is not None:
        weights = weights / ((scale[:, 0, 1] + scale[:, 1, 0]) / 2)
    return asked.places_mm + way, weights / weights.sum()


def _heat(
    opinions: NDArray[np.float64], weights: NDArray[np.float64], cells: list[NDArray[np.float64]], width: float
) -> NDArray[np.float64]:
    """Density of the opinions, each blurred by a Gaussian of ``width`` mm; highest cell 1."""
    # A Gaussian is a product over the axes, so no array of opinions times cells is needed.
    r, a, s = (
        np.exp(-((line[None] - opinions[:, axis, None]) ** 2) / (2 * width**2)) for axis, line in enumerate(cells)
    )
    density: NDArray[np.float64] = np.einsum("n,nr,na,ns->ras", weights, r, a, s, optimize=True)
    # An opinion may lie far outside the scan; a map without any heat stays empty.
    density /= max(float(density.max()), np.finfo(float).tiny)
    density[density < FAINT] = 0.0
    return density


def _densest(opinions: NDArray[np.float64], weights: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """The highest point of the same density, found from the opinion that has most company (mean shift)."""

    def pull(place: NDArray[np.float64]) -> NDArray[np.float64]:
        away = ((opinions - place) ** 2).sum(-1) / (2 * width**2)
        # Relative to the nearest opinion, so that nothing underflows.
        return np.asarray(weights * np.exp(-(away - away.min())))

    crowd = ((opinions[:, None] - opinions[None]) ** 2).sum(-1) / (2 * width**2)
    place: NDArray[np.float64] = opinions[int((np.exp(-crowd) @ weights).argmax())]
    for _ in range(200):
        near = pull(place)
        moved: NDArray[np.float64] = near @ opinions / near.sum()
        if np.linalg.norm(moved - place) < 1e-6:
            return moved
        place = moved
    return place


def _truth(
    scan: str, centre: NDArray[np.float64], target: str, warp: Warp | None
) -> tuple[NDArray[np.float64] | None, str | None]:
    if scan == target:
        return centre, "it was cut out of this very scan"
    if warp is None:
        return None, None
    return warp(centre), (
        f"moved there by {warp.structures} structures labelled in both scans; "
        f"a structure left out is placed to within {warp.left_out_mm:.1f} mm (median)"
    )
