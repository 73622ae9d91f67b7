"""Views whose features encode their position, for testing a pretext task without a network or scan."""

import dataclasses
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.testing.toy_places import TOY_PLACES

CELLS = 6
"""Dense cells along each edge of a toy view."""


def toy_views(
    interface: Interface, *, samples: int, seed: int, dense: bool = True, placement: str = "free"
) -> EncodedViews:
    """Views at random positions, with features that are a fixed smooth code of the position.

    Args:
        interface: sizes of the features.
        samples: B.
        seed: of the positions; the code of a position never changes.
        dense: with dense features, whose first slab of cells (index 0 of the last axis) is background.
        placement: arrangement of the views of a sample, as in ``views.placement``.
    """
    random = torch.Generator().manual_seed(seed)
    centres = TOY_PLACES[placement](random, samples, interface)
    field = body = None
    if dense:
        cells = centres[:, :, None, None, None, :] + _grid(interface.view_mm)
        field = _code(cells, interface.dense_channels).movedim(-1, 2).contiguous()
        body = torch.ones(samples, interface.views, CELLS, CELLS, CELLS, dtype=torch.bool)
        body[..., 0] = False
    images = _images(centres, interface)
    return EncodedViews(
        embedding=_code(centres, interface.embedding),
        dense=field,
        body=body,
        centres=centres,
        view_mm=interface.view_mm,
        images=images,
        plain=images,
        shown=images,
        address=torch.stack([torch.full((samples,), seed), torch.arange(samples)], dim=1),
    )


def bare_views(
    embedding: Float[Tensor, "B K E"],
    centres: Float[Tensor, "B K 3"],
    *,
    dense: Float[Tensor, "B K C s s s"] | None = None,
    body: Bool[Tensor, "B K s s s"] | None = None,
    view_mm: float = 72.0,
) -> EncodedViews:
    """Views with the given features and empty images."""
    images = torch.zeros(*embedding.shape[:2], 1, 4, 4, 4)
    address = torch.stack([torch.zeros(len(images), dtype=torch.long), torch.arange(len(images))], dim=1)
    return EncodedViews(embedding, dense, body, centres, view_mm, images, images, images, address)


def chosen(views: EncodedViews, index: Any) -> EncodedViews:
    """The samples that ``index`` selects, or samples and views with a pair of indices."""
    return dataclasses.replace(
        views,
        embedding=views.embedding[index],
        dense=None if views.dense is None else views.dense[index],
        body=None if views.body is None else views.body[index],
        centres=views.centres[index],
        images=views.images[index],
        plain=views.plain[index],
        shown=views.shown[index],
        address=views.address[index[0] if isinstance(index, tuple) else index],
    )


def _images(centres: Float[Tensor, "B K 3"], interface: Interface) -> Float[Tensor, "B K C S S S"]:
    """Voxels whose intensity is a wave of the dense code, so that it can be predicted from the features."""
    edge = CELLS * max(1, interface.dense_stride)
    voxels = centres[:, :, None, None, None, :] + _grid(interface.view_mm, edge)
    code = _code(voxels, max(interface.dense_channels, 2 * interface.channels))
    return code[..., -interface.channels :].movedim(-1, 2).contiguous()


def _grid(view_mm: float, cells: int = CELLS) -> Float[Tensor, "s s s 3"]:
    """Cell centres as offsets from the view's centre, mm, axes in R, A, S order."""
    line = ((torch.arange(cells) + 0.5) / cells - 0.5) * view_mm
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1)


def _code(places: Float[Tensor, "*n 3"], channels: int) -> Float[Tensor, "*n channels"]:
    """Half of the channels are linear in the position, half are waves much longer than a view."""
    fixed = torch.Generator().manual_seed(7)
    linear = channels // 2
    straight = places @ torch.randn(3, linear, generator=fixed) / 50
    phase = torch.rand(channels - linear, generator=fixed) * 6.28
    waves = torch.sin(places @ torch.randn(3, channels - linear, generator=fixed) / 60 + phase)
    return torch.cat([straight, waves], dim=-1)
