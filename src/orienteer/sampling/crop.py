"""From a recipe to voxels: a pure function of the recipe and the store."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from orienteer.sampling.appearance import apply_appearance
from orienteer.sampling.recipe import SampleRecipe, ViewRecipe
from orienteer.store import Store

BODY_ABOVE = -0.95
"""Normalised intensity above which a voxel counts as body, in any channel: just over the window's floor."""


@dataclass(frozen=True, eq=False)
class Sample:
    """K views of one scan, ready for a network.

    Attributes:
        images: ``(K, C, S, S, S)`` float32, normalised intensities.
        plain: ``(K, C, S, S, S)`` float32, the same before intensities were varied: what is restored, and what is body.
        centres: ``(K, 3)`` float32, mm, in the augmented frame.
        recipe: what they were made from.
    """

    images: NDArray[np.float32]
    plain: NDArray[np.float32]
    centres: NDArray[np.float32]
    recipe: SampleRecipe


def crop(recipe: SampleRecipe, store: Store) -> Sample:
    """Cut, normalise and vary the views of ``recipe``. The same recipe gives the same voxels, always.

    Raises:
        StoreError: the scan's array is missing or damaged.
    """
    plain = np.stack([_voxels(recipe, view, store) for view in recipe.views])
    images = np.stack(
        [
            apply_appearance(voxels, view.appearance, spacing=recipe.spacing)
            for voxels, view in zip(plain, recipe.views, strict=True)
        ]
    )
    return Sample(images=images, plain=plain, centres=recipe.target_centres.astype(np.float32), recipe=recipe)


def _voxels(recipe: SampleRecipe, view: ViewRecipe, store: Store) -> NDArray[np.float32]:
    centre = np.array(view.centre_mm) / recipe.spacing
    size = recipe.size
    if recipe.is_grid_aligned:
        low = np.rint(centre - (size - 1) / 2).astype(int)
        return store.normalise(recipe.scan, store.read(recipe.scan, _index(low), (size, size, size)))
    return _resampled(recipe, centre, store)


def _resampled(recipe: SampleRecipe, centre: NDArray[np.float64], store: Store) -> NDArray[np.float32]:
    """Trilinear samples on the turned grid; only the block that the grid touches is read."""
    linear = np.array(recipe.linear)
    size = recipe.size
    reach = np.abs(linear) @ np.full(3, (size - 1) / 2)
    shape = np.array(store.entry(recipe.scan).shape)
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape)
    block = store.normalise(recipe.scan, store.read(recipe.scan, _index(low), _index(high - low)))
    offset = centre - linear @ np.full(3, (size - 1) / 2) - low
    return np.stack(
        [
            affine_transform(channel, linear, offset=offset, output_shape=(size,) * 3, order=1, mode="nearest")
            for channel in block
        ]
    ).astype(np.float32, copy=False)


def _index(values: NDArray[np.int_]) -> tuple[int, int, int]:
    return int(values[0]), int(values[1]), int(values[2])
