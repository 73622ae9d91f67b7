"""A few samples with slices and a coarse copy of their scans, so that the report can draw views without the store."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from orienteer.atomic import write_bytes, write_text
from orienteer.sampling import SampleRecipe
from orienteer.store import Store
from orienteer.store.intensity import grey_levels

MOST_CELLS, LEAST_MM = 48, 4.0
"""Cells along the longest edge of the coarse copy, and how fine they may be: enough to turn, too few to read."""


def write_examples(folder: Path, recipes: tuple[SampleRecipe, ...], store: Store, *, count: int) -> None:
    """Write ``sample_NNN.json`` and ``.safetensors`` for ``count`` samples, of different scans where there are.

    Args:
        folder: ``examples`` of an evaluation.
        recipes: all samples.
        store: of their scans.
        count: number of samples to keep.
    """
    for number in chosen_samples(recipes, count):
        recipe = recipes[number]
        centre = recipe.centres.mean(0)
        planes = _planes(recipe, centre, store)
        planes["coarse"], cells = _coarse(recipe.scan, store)
        spacing = recipe.spacing
        shape = store.entry(recipe.scan).shape
        document = {
            "sample": number,
            "scan": recipe.scan,
            "extent_mm": [n * spacing for n in shape],
            "spacing_mm": spacing,
            "centres_mm": recipe.centres.tolist(),
            "view_mm": recipe.view_mm,
            "planes": [{"axis": axis, "at_mm": float(centre[axis])} for axis in range(3)],
            "coarse_mm": cells,
        }
        write_bytes(folder / f"sample_{number:03d}.safetensors", save(planes))
        write_text(folder / f"sample_{number:03d}.json", json.dumps(document, indent=2) + "\n")


def chosen_samples(recipes: tuple[SampleRecipe, ...], count: int) -> list[int]:
    """Numbers of ``count`` samples, of different scans where there are."""
    scans = sorted({recipe.scan for recipe in recipes})
    chosen: list[int] = []
    for turn in range(count):
        scan = scans[turn % len(scans)]
        of_scan = [n for n, recipe in enumerate(recipes) if recipe.scan == scan and n not in chosen]
        if of_scan:
            chosen.append(of_scan[0])
    return sorted(chosen)


def _planes(recipe: SampleRecipe, centre: NDArray[np.float64], store: Store) -> dict[str, NDArray[np.uint8]]:
    """Three slices through ``centre``, window mapped to 0..255."""
    shape = store.entry(recipe.scan).shape
    planes = {}
    for axis in range(3):
        low, size = [0, 0, 0], list(shape)
        low[axis] = int(np.clip(round(centre[axis] / recipe.spacing), 0, shape[axis] - 1))
        size[axis] = 1
        slab = store.normalise(recipe.scan, store.read(recipe.scan, low, size))[0]
        planes[f"plane_{axis}"] = np.ascontiguousarray(grey_levels(slab).astype(np.uint8).squeeze(axis))
    return planes


def _coarse(scan: str, store: Store) -> tuple[NDArray[np.uint8], list[float]]:
    """The whole scan in a few cells, window mapped to 0..255, and the distance of its cells along R, A, S in mm."""
    from scipy.ndimage import gaussian_filter, zoom

    entry = store.entry(scan)
    cell = max(LEAST_MM, max(entry.shape) * entry.spacing / MOST_CELLS)
    step = max(1, int(cell / entry.spacing))
    voxels = store.normalise(scan, store.read(scan)[:, ::step, ::step, ::step])
    smooth = gaussian_filter(grey_levels(voxels[0]), 0.5 * cell / (step * entry.spacing))
    coarse = zoom(smooth, step * entry.spacing / cell, order=1)
    reach = (np.array(smooth.shape) - 1) * step * entry.spacing
    return coarse.round().astype(np.uint8), (reach / np.maximum(np.array(coarse.shape) - 1, 1)).tolist()
