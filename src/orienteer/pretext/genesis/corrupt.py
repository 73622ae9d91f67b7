"""The four distortions of Models Genesis. Everything random is drawn here, in NumPy, from one generator a view.

What is drawn is exact and small enough to be carried to any device: a curve's table, an order of voxels, a painted
region and its noise.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from numpy import ndarray
from torch import Tensor

from orienteer.pretext.genesis.settings import GenesisSettings

KNOTS = 257
"""Points of a curve's table, evenly over the window; straight between them."""
BOXES = 5
"""Most boxes that are painted, or kept."""
KEPT, PAINTED = (3 / 7, 4 / 7), (1 / 6, 1 / 3)
"""Edges of boxes that are kept, and of boxes that are painted, as shares of the view's."""
ANOTHER = 0.95
"""Probability of a further box, as published."""


@dataclass(frozen=True, eq=False)
class Distortion:
    """What is done to one view; None where nothing is.

    Attributes:
        order: for every voxel, flat, the one whose value it takes.
        curve: the intensities that ``KNOTS`` points of [-1, 1] go to.
        painted: where noise is shown instead.
        noise: over the whole view, the same in every channel.
    """

    order: Int[ndarray, "n"] | None
    curve: Float32[ndarray, "knots"] | None
    painted: Bool[ndarray, "S S S"] | None
    noise: Float32[ndarray, "S S S"] | None


def draw(random: np.random.Generator, size: int, settings: GenesisSettings) -> Distortion:
    """Draw what happens to a view of ``size``^3 voxels: shuffling, then the curve, then paint, as published."""
    shuffles, curves, paints = random.random(3) < (settings.shuffle, settings.intensity, settings.paint)
    order = local_order(random, size, settings.shuffle_edge) if shuffles else None
    curve = bezier_curve(random, invert=bool(random.random() < settings.invert)) if curves else None
    painted = noise = None
    if paints:
        outer = random.random() < settings.outer
        region = boxes(random, size, KEPT if outer else PAINTED)
        painted = ~region if outer else region
        noise = random.uniform(-1, 1, (size,) * 3).astype(np.float32)
    return Distortion(order, curve, painted, noise)


def apply(image: Float[Tensor, "C S S S"], distortion: Distortion) -> Float[Tensor, "C S S S"]:
    """The distorted view, on the image's device."""
    if distortion.order is not None:
        order = torch.from_numpy(distortion.order).to(image.device)
        image = image.flatten(1)[:, order].view_as(image)
    if distortion.curve is not None:
        image = through(image, torch.from_numpy(distortion.curve).to(image.device))
    if distortion.painted is not None and distortion.noise is not None:
        painted = torch.from_numpy(distortion.painted).to(image.device)
        image = torch.where(painted, torch.from_numpy(distortion.noise).to(image), image)
    return image


def bezier_curve(random: np.random.Generator, *, invert: bool) -> Float32[ndarray, "knots"]:
    """A cubic Bézier curve from one corner of the window to the other with two random control points.

    With both of them inside the window it never turns back, in either coordinate, so it is a function, and monotone.
    """
    control = random.random((2, 2))
    t = np.linspace(0, 1, 4 * KNOTS)
    x, y = (3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 for a, b in control.T)
    curve = 2 * np.interp(np.linspace(0, 1, KNOTS), x, y) - 1
    return np.asarray(-curve if invert else curve, dtype=np.float32)


def through(image: Tensor, curve: Float[Tensor, "knots"]) -> Tensor:
    """Intensities through a curve's table. Beyond the window the curve goes on with slope 1, up or down."""
    inside = image.clamp(-1, 1)
    place = (inside + 1) * ((KNOTS - 1) / 2)
    low = place.floor().clamp(0, KNOTS - 2).long()
    value = torch.lerp(curve[low], curve[low + 1], (place - low).to(curve.dtype))
    return value + (image - inside) * torch.sign(curve[-1] - curve[0])


def local_order(random: np.random.Generator, size: int, largest: int) -> Int[ndarray, "n"]:
    """An order of voxels that moves each within its own small block.

    Blocks have edges of 2 to ``largest`` voxels, drawn for each axis, and lie side by side from a drawn corner, so that
    (as with the many overlapping ones of the paper) nearly every voxel is in one; those cut by a face stay as they are.
    """
    edges = random.integers(2, min(largest, size // 2) + 1, size=3)
    corner = [int(random.integers(0, edge)) for edge in edges]
    counts = [(size - low) // int(edge) for low, edge in zip(corner, edges, strict=True)]
    order = np.arange(size**3).reshape(size, size, size)
    inside = tuple(slice(low, low + n * int(e)) for low, n, e in zip(corner, counts, edges, strict=True))
    tiled = order[inside].reshape([int(v) for pair in zip(counts, edges, strict=True) for v in pair])
    blocks = tiled.transpose(0, 2, 4, 1, 3, 5)
    mixed = random.permuted(blocks.reshape(-1, int(np.prod(edges))), axis=1).reshape(blocks.shape)
    order[inside] = mixed.transpose(0, 3, 1, 4, 2, 5).reshape(order[inside].shape)
    return order.ravel()


def boxes(random: np.random.Generator, size: int, share: tuple[float, float]) -> Bool[ndarray, "S S S"]:
    """True in up to ``BOXES`` boxes, at least one, whose edges are ``share`` of the view's and that keep off its faces.

    They may overlap; they keep away from the border by 3 voxels in 64.
    """
    mask = np.zeros((size,) * 3, dtype=bool)
    margin = max(1, round(size * 3 / 64))
    low, high = (max(1, round(part * size)) for part in share)
    for _ in range(BOXES):
        edges = random.integers(low, high + 1, size=3)
        corner = [int(random.integers(margin, size - int(edge) - margin + 1)) for edge in edges]
        mask[tuple(slice(start, start + int(edge)) for start, edge in zip(corner, edges, strict=True))] = True
        if random.random() >= ANOTHER:
            break
    return mask
