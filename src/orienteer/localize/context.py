"""Self-similarity context: how like its surroundings every voxel is, whatever the contrast.

Source: Heinrich et al., "Towards realtime multimodal fusion for image-guided interventions using self-similarities",
MICCAI 2013 (MIND-SSC). Each of twelve pairs of neighbours that lie at a right angle around a voxel is compared; the
pattern of their likeness survives any monotone change of intensities, and most that are not.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from orienteer.localize.interpolate import box_mean_

AROUND = ((0, 1, 1), (1, 1, 0), (1, 0, 1), (1, 1, 2), (2, 1, 1), (1, 2, 1))
"""The six neighbours, as offsets into a box of three voxels."""
PAIRS = tuple(
    (i, j)
    for i in range(6)
    for j in range(i + 1, 6)
    if sum((a - b) ** 2 for a, b in zip(AROUND[i], AROUND[j], strict=True)) == 2
)
"""Those of them that are no opposites."""


def self_similarity(image: Tensor) -> Tensor:
    """``(12, D, H, W)`` in (0, 1] for an image ``(C, D, H, W)``; the mean over channels."""
    found = _of_channel(image[0].float())
    for channel in image[1:]:
        found += _of_channel(channel.float())
    return found.div_(len(image))


def _of_channel(image: Tensor) -> Tensor:
    d, h, w = image.shape
    padded = pad(image[None, None], (1,) * 6, mode="replicate")[0, 0]
    moved = [padded[r : r + d, a : a + h, s : s + w] for r, a, s in AROUND]
    apart = torch.empty(len(PAIRS), d, h, w)
    for here, (i, j) in zip(apart, PAIRS, strict=True):
        box_mean_(torch.sub(moved[i], moved[j], out=here).square_())
    apart -= apart.amin(0)
    variance = apart.mean(0)
    middle = float(variance.mean())
    variance.clamp_(max(1e-3 * middle, 1e-8), max(1e3 * middle, 1e-8))
    return apart.div_(variance).neg_().exp_()
