"""Honesty probes: what is left of the model's skill when the anatomy is taken out of its views?

A model that learned anatomy is lost without it. One that still knows where it is reads its position from something
else: the brightness of the crop, its border, a mark in the voxels.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from orienteer.evaluation.measure import Corruption
from orienteer.sampling import Purpose, generator
from orienteer.store.intensity import FLOOR

BORDER = 2
"""Voxels of the shell that the border probes keep or paint over."""


def constant(images: Tensor, numbers: tuple[int, ...]) -> Tensor:
    """Every view becomes its own mean: only its brightness is left."""
    return images.mean(dim=(-3, -2, -1), keepdim=True).expand_as(images).contiguous()


def shuffled(images: Tensor, numbers: tuple[int, ...]) -> Tensor:
    """The voxels of every view are shuffled: the histogram stays, the anatomy goes."""
    flat = images.flatten(-3)
    result = torch.empty_like(flat)
    for sample, number in enumerate(numbers):
        for view in range(images.shape[1]):
            order = generator(0, Purpose.PROBE, number, view).permutation(flat.shape[-1])
            result[sample, view] = flat[sample, view][..., torch.from_numpy(order).to(flat.device)]
    return result.view_as(images)


def border(images: Tensor, numbers: tuple[int, ...]) -> Tensor:
    """Only the outermost shell of every view is kept; the inside becomes background."""
    inside = torch.zeros(images.shape[-3:], dtype=torch.bool, device=images.device)
    inside[BORDER:-BORDER, BORDER:-BORDER, BORDER:-BORDER] = True
    return torch.where(inside, torch.full_like(images, FLOOR), images)


def interior(images: Tensor, numbers: tuple[int, ...]) -> Tensor:
    """The shell is painted over with the voxels just inside it: what was written there is gone, anatomy is not."""
    batch = images.flatten(0, 1)
    core = batch[..., BORDER:-BORDER, BORDER:-BORDER, BORDER:-BORDER]
    return functional.pad(core, (BORDER,) * 6, mode="replicate").view_as(images)


PROBES: Mapping[str, Corruption] = {
    "constant": constant,
    "shuffled": shuffled,
    "border": border,
    "interior": interior,
}
