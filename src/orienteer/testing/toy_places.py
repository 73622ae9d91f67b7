"""Centres of toy views, one function per placement: like the real placements, but without a scan."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from orienteer.pretext.contract import Interface
from orienteer.sampling.placement import BASE, DIRECTIONS

Place = Callable[[Generator, int, Interface], Float[Tensor, "B K 3"]]


def free(random: Generator, samples: int, interface: Interface) -> Float[Tensor, "B K 3"]:
    """Independent positions in a cube of 150 mm."""
    return (torch.rand(samples, interface.views, 3, generator=random) - 0.5) * 150


def overlapping(random: Generator, samples: int, interface: Interface) -> Float[Tensor, "B K 3"]:
    """At most a fifth of an edge apart along each axis: an overlap of at least 0.8^3, half of the volume."""
    shifts = (torch.rand(samples, interface.views, 3, generator=random) - 0.5) * 0.2 * interface.view_mm
    return (torch.rand(samples, 1, 3, generator=random) - 0.5) * 150 + shifts


def grid(random: Generator, samples: int, interface: Interface) -> Float[Tensor, "B K 3"]:
    """Random crops in a cube, then the base crops that fill it."""
    base = torch.tensor(BASE, dtype=torch.float32).expand(samples, -1, -1)
    crops = torch.rand(samples, interface.views - len(BASE), 3, generator=random) - 0.5
    corner = (torch.rand(samples, 1, 3, generator=random) - 0.5) * 40
    return corner + torch.cat([crops, base], dim=1) * interface.view_mm


def neighbours(random: Generator, samples: int, interface: Interface) -> Float[Tensor, "B K 3"]:
    """A centre, then neighbours in distinct directions, with gaps and jitter."""
    centre = (torch.rand(samples, 1, 3, generator=random) - 0.5) * 100
    order = torch.rand(samples, len(DIRECTIONS), generator=random).argsort(dim=1)[:, : interface.views - 1]
    steps = torch.tensor(DIRECTIONS, dtype=torch.float32)[order]
    jitter = (torch.rand(steps.shape, generator=random) - 0.5) * 0.1
    return torch.cat([centre, centre + (1.1 * steps + jitter) * interface.view_mm], dim=1)


TOY_PLACES: dict[str, Place] = {"free": free, "overlapping": overlapping, "grid": grid, "neighbours": neighbours}
