"""Honesty probes: how much skill is left when the anatomy is removed from the views?

A model that learned anatomy fails without it. A model that still knows the position uses something else: the
brightness of the crop, its border, a mark in the voxels.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from orienteer.errors import ConfigError
from orienteer.records.card import ProbeCard
from orienteer.sampling import Purpose, generator
from orienteer.store.intensity import FLOOR

if TYPE_CHECKING:
    from torch import Tensor

# Torch is imported when a probe is made: what they are is told without it.
Corruption = Callable[["Tensor", tuple[int, ...]], "Tensor"]
"""Changes images ``(B, K, C, S, S, S)``, given the B sample numbers; the truth stays what it was."""

BORDER = 2
"""Width of the shell that the border probes keep or paint over, voxels."""


def constant(images: "Tensor", numbers: tuple[int, ...]) -> "Tensor":
    """Every view becomes its own mean: only its brightness is left."""
    return images.mean(dim=(-3, -2, -1), keepdim=True).expand_as(images).contiguous()


def shuffled(images: "Tensor", numbers: tuple[int, ...]) -> "Tensor":
    """The voxels of every view are shuffled: the histogram stays, the anatomy goes."""
    import torch

    flat = images.flatten(-3)
    result = torch.empty_like(flat)
    for sample, number in enumerate(numbers):
        for view in range(images.shape[1]):
            order = generator(0, Purpose.PROBE, number, view).permutation(flat.shape[-1])
            result[sample, view] = flat[sample, view][..., torch.from_numpy(order).to(flat.device)]
    return result.view_as(images)


def border(images: "Tensor", numbers: tuple[int, ...]) -> "Tensor":
    """Only the outermost shell of every view is kept; the inside becomes background."""
    import torch

    inside = torch.zeros(images.shape[-3:], dtype=torch.bool, device=images.device)
    inside[BORDER:-BORDER, BORDER:-BORDER, BORDER:-BORDER] = True
    return torch.where(inside, torch.full_like(images, FLOOR), images)


def interior(images: "Tensor", numbers: tuple[int, ...]) -> "Tensor":
    """The shell is painted over with the voxels just inside it: what was written there is gone, anatomy is not."""
    from torch.nn import functional

    batch = images.flatten(0, 1)
    core = batch[..., BORDER:-BORDER, BORDER:-BORDER, BORDER:-BORDER]
    return functional.pad(core, (BORDER,) * 6, mode="replicate").view_as(images)


class Probe(NamedTuple):
    """A probe: what it is, and what it does to the images."""

    card: ProbeCard
    corrupt: Corruption


PROBES = {
    probe.card.name: probe
    for probe in (
        Probe(
            ProbeCard(
                name="constant",
                title="constant views",
                meaning="every view replaced by its own mean",
                look="nothing to see, so near chance is right",
                leaves="no anatomy",
            ),
            constant,
        ),
        Probe(
            ProbeCard(
                name="shuffled",
                title="voxels shuffled",
                meaning="the voxels of every view shuffled",
                look="the same grey values in random order, no anatomy left: near chance is right",
                leaves="no anatomy",
            ),
            shuffled,
        ),
        Probe(
            ProbeCard(
                name="border",
                title="only the border kept",
                meaning="only the border of every view kept",
                look="the shell is anatomy too, so some skill stays",
                leaves="the border",
            ),
            border,
        ),
        Probe(
            ProbeCard(
                name="interior",
                title="border painted over",
                meaning="the border of every view painted over",
                look="the anatomy inside is still there: painting over the border should cost little",
                leaves="the inside",
            ),
            interior,
        ),
    )
}
"""By name, in the order in which they are run. A new probe is one entry here."""


def probe_of(name: str) -> Probe:
    """A probe by name.

    Raises:
        ConfigError: there is no such probe.
    """
    if name not in PROBES:
        raise ConfigError(f"there is no probe {name!r}", cure=f"choose from {', '.join(PROBES)}")
    return PROBES[name]
