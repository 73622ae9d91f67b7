"""From a recipe to voxels: a pure function of the recipe and the store."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.sampling.appearance import apply_appearance
from orienteer.sampling.cut import Index, cut
from orienteer.sampling.recipe import SampleRecipe
from orienteer.store import Store

Encode = Callable[[NDArray[np.int16]], NDArray[np.uint8]]
"""Label values to class numbers, same shape."""


@dataclass(frozen=True, eq=False)
class Sample:
    """K crops of one scan, ready for a network.

    Attributes:
        images: ``(K, C, S, S, S)`` float32, normalised intensities.
        plain: ``(K, C, S, S, S)`` float32, the same before intensities were varied: what is restored, and what is body.
        centres: ``(K, 3)`` float32, mm, in the augmented frame.
        recipe: what they were made from.
        classes: ``(K, S, S, S)`` uint8 class numbers, cut with the same map; None where none were asked for.
    """

    images: NDArray[np.float32]
    plain: NDArray[np.float32]
    centres: NDArray[np.float32]
    recipe: SampleRecipe
    classes: NDArray[np.uint8] | None = None


def crop(
    recipe: SampleRecipe,
    store: Store,
    *,
    outside: float | None = None,
    encode: Encode | None = None,
    vary: bool = True,
) -> Sample:
    """Cut, normalise and vary the crops of ``recipe``. The same recipe always gives the same voxels.

    Args:
        recipe: where and how.
        store: where the scan is.
        outside: normalised intensity outside the scan; None where no crop leaves it, as views never do.
        encode: also cut the scan's labels, encoded by this; background (0) outside the scan.
        vary: off, intensities are left as they are, ``images`` is ``plain``: they are varied later, on a device.

    Raises:
        StoreError: an array of the scan is missing or damaged, or it has no labels.
    """
    scan, shape = recipe.scan, store.entry(recipe.scan).shape

    def image(low: Index, size: Index) -> NDArray[np.float32]:
        return store.normalise(scan, store.read(scan, low, size))

    plain = np.stack([cut(cube, image, shape, order=1, outside=outside) for cube in recipe.cubes])
    images = plain
    if vary:
        images = np.stack(
            [
                apply_appearance(voxels, view.appearance, spacing=recipe.spacing)
                for voxels, view in zip(plain, recipe.views, strict=True)
            ]
        )
    classes = None
    if encode is not None:

        def labels(low: Index, size: Index) -> NDArray[np.uint8]:
            return encode(store.labels(scan, low, size))[None]

        classes = np.stack([cut(cube, labels, shape, order=0, outside=0)[0] for cube in recipe.cubes])
    return Sample(images, plain, recipe.target_centres.astype(np.float32), recipe, classes)
