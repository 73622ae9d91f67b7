"""Which blocks of a view are hidden, and what is shown in their place."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from orienteer.sampling import Purpose, generator

HIDDEN = 0.0
"""What hidden voxels show: the middle of the window. Its floor, -1, is the background, so a hidden block could not be
told from air or from a ventricle at the body's edge; no block of real tissue is exactly 0 throughout."""


def block_mask(
    address: Int[Tensor, "B 2"], views: int, *, size: int, block: int, ratio: float
) -> Bool[Tensor, "B K 1 S S S"]:
    """True where a voxel is hidden: the same share of blocks in every view, drawn from the view's own address.

    Args:
        address: seed and number of each sample.
        views: K.
        size: view edge in voxels, a multiple of ``block``.
        block: block edge in voxels.
        ratio: share of blocks that are hidden; at least one is hidden and one is shown.
    """
    edge = size // block
    hidden = hidden_blocks(edge**3, ratio)
    masks = np.zeros((len(address), views, edge**3), dtype=bool)
    for sample, (seed, number) in enumerate(address.tolist()):
        for view in range(views):
            order = generator(seed, Purpose.CORRUPTION, number, view).permutation(edge**3)
            masks[sample, view, order[:hidden]] = True
    blocks = torch.from_numpy(masks).reshape(len(address), views, 1, edge, edge, edge)
    for axis in (-3, -2, -1):
        blocks = blocks.repeat_interleave(block, dim=axis)
    return blocks


def hidden_blocks(blocks: int, ratio: float) -> int:
    """How many of so many blocks are hidden."""
    return min(max(round(blocks * ratio), 1), blocks - 1)


def hide(images: Float[Tensor, "B K C S S S"], mask: Bool[Tensor, "B K 1 S S S"]) -> Float[Tensor, "B K C S S S"]:
    """The images with hidden voxels painted over in all channels."""
    return images.masked_fill(mask, HIDDEN)
