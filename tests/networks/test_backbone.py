"""Backbone and decoder: embeddings, dense features, and where in the view they lie."""

import pytest
import torch

from orienteer.errors import ConfigError
from orienteer.networks.backbone import Backbone
from orienteer.networks.decoder import Decoder, DecoderKind
from orienteer.networks.encoders import NETWORKS
from orienteer.networks.settings import NetworkSettings


def backbone(name: str = "unet", view: int = 16, *, dense: bool = True, **settings: object) -> Backbone:
    torch.manual_seed(0)
    settings = {"size": "tiny", "embedding": 20, "dense_channels": 6} | settings
    return Backbone(NetworkSettings(name=name, **settings), in_channels=1, view=view, dense=dense)


@pytest.mark.parametrize("view", [16, 24, 32])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_backbone__shapes(name: str, view: int) -> None:
    built = backbone(name, view)
    features = built(torch.randn(2, 1, view, view, view))
    assert features.embedding.shape == (2, 20)
    assert features.dense is not None and features.dense.shape == (2, 6, view // 2, view // 2, view // 2)
    assert (built.dense_stride, built.dense_channels, built.embedding) == (2, 6, 20)


@pytest.mark.parametrize("name", [*sorted(NETWORKS), "tests.networks.own:OneMap", "tests.networks.own:Pyramid"])
def test_backbone__every_weight_is_trained(name: str) -> None:
    built = backbone(name)
    features = built(torch.randn(2, 1, 16, 16, 16))
    (features.embedding.square().sum() + features.dense.square().sum()).backward()
    assert [key for key, weight in built.named_parameters() if weight.grad is None] == []


def test_backbone__without_decoder_there_are_no_dense_features() -> None:
    built = backbone(dense=False)
    assert built.decoder is None and built.dense_stride == 0
    assert built(torch.randn(1, 1, 16, 16, 16)).dense is None


@pytest.mark.parametrize(("stride", "cells"), [(1, 16), (2, 8), (3, 8), (4, 4), (8, 2), (16, 2)])
def test_decoder__stops_at_the_wanted_stride_or_just_below(stride: int, cells: int) -> None:
    """unet's coarsest stride is 8; a dense stride between two levels takes the finer one."""
    built = backbone(dense_stride=stride)
    features = built(torch.randn(1, 1, 16, 16, 16))
    assert features.dense is not None and features.dense.shape[-1] == cells
    assert built.dense_stride == 16 // cells


def test_decoder__uses_the_finer_maps_on_its_way() -> None:
    """The dense map listens to each encoder map it passes, and to no finer one."""
    decoder = Decoder((4, 6, 8, 10), (1, 2, 4, 8), dense_stride=2, dense_channels=5)
    maps = [torch.randn(1, c, n, n, n, requires_grad=True) for c, n in ((4, 16), (6, 8), (8, 4), (10, 2))]
    decoder(maps).square().sum().backward()
    assert [m.grad is not None and bool(m.grad.abs().max() > 0) for m in maps] == [False, True, True, True]


@pytest.mark.parametrize("kind", ["pyramid", "residual", "plain"])
def test_decoder__keeps_what_all_cells_of_a_view_share(kind: DecoderKind) -> None:
    """Views of one texture that differ in the level of their coarsest channels: normalisation alone keeps 1 % of it."""
    widths, strides = (16, 32, 64), (1, 2, 4)
    torch.manual_seed(0)
    decoder = Decoder(widths, strides, dense_stride=1, dense_channels=12, kind=kind)
    maps = [
        torch.randn(1, c, 16 // s, 16 // s, 16 // s).expand(12, -1, -1, -1, -1)
        for c, s in zip(widths, strides, strict=True)
    ]
    maps[-1] = maps[-1] + 2 * torch.randn(12, widths[-1], 1, 1, 1)
    with torch.no_grad():
        dense = decoder(maps)
    level = dense.mean(dim=(2, 3, 4)).std(dim=0)
    assert (level / dense.std(dim=(0, 2, 3, 4))).mean() > 0.05


def test_backbone__pools_in_full_precision() -> None:
    """Views that differ in little must not be rounded to one another."""
    built = backbone("resunet", 16).eval()
    images = torch.randn(2, 1, 16, 16, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = built(images)
    assert found.embedding.dtype == torch.float32
    rounded = found.embedding.bfloat16().float()
    assert (rounded != found.embedding).float().mean() > 0.9


def test_decoder__skips_levels_an_encoder_leaves_out() -> None:
    decoder = Decoder((6, 10), (2, 8), dense_stride=2, dense_channels=5)
    assert decoder.skips == [None, 0]
    assert decoder([torch.randn(1, 6, 8, 8, 8), torch.randn(1, 10, 2, 2, 2)]).shape == (1, 5, 8, 8, 8)


@pytest.mark.parametrize("name", ["resunet", "unet"])
def test_backbone__dense_features_lie_where_the_voxels_are(name: str) -> None:
    """A bright block at one place changes the dense features most there: no axis is swapped or mirrored."""
    built = backbone(name, 32).eval()
    # On noise, so that one bright block hardly moves the statistics that normalisation uses.
    images = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0)).repeat(2, 1, 1, 1, 1)
    images[1, 0, 4:8, 14:18, 24:28] = 3.0
    with torch.no_grad():
        dense = built(images).dense
    assert dense is not None
    moved = (dense[1] - dense[0]).square().sum(0)
    line = torch.arange(16) * 2 + 1.0
    where = [((moved.sum([a for a in range(3) if a != axis]) * line).sum() / moved.sum()).item() for axis in range(3)]
    assert where[0] < 14 < where[1] < 18 < where[2], where  # truly 6, 16 and 26, blurred over the view


def test_backbone__grid_pooling_keeps_where_things_are_and_average_does_not() -> None:
    """Mirroring the coarsest map changes a grid's embedding; an average cannot tell."""
    torch.manual_seed(1)
    coarse = torch.randn(1, 64, 3, 3, 3)
    for pooling, knows in (("grid", True), ("average", False)):
        pool = backbone(view=24, pooling=pooling).pool
        assert torch.allclose(pool(coarse), pool(coarse.flip(2)), atol=1e-5) != knows


def test_backbone__refuses_a_view_its_decoder_cannot_climb_back_to() -> None:
    """20 voxels halve to 10, 5 and 2: said so, instead of quietly giving coarse dense features."""
    with pytest.raises(ConfigError, match="unevenly") as caught:
        backbone("unet", 20)
    assert "multiple of 8" in caught.value.cure
    assert backbone("unet", 20, dense=False)(torch.randn(1, 1, 20, 20, 20)).embedding.shape == (1, 20)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["base", "large"])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_backbone__large_presets_fit_the_default_view(name: str, size: str) -> None:
    """At 16 and 24 voxels every preset reaches the decoder's stride; weights are counted, not filled."""
    for view in (16, 24):
        with torch.device("cpu" if name == "swin" else "meta"):
            built = backbone(name, view, size=size)
            dense = built(torch.zeros(1, 1, view, view, view)).dense
        assert dense is not None and dense.shape == (1, 6, view // 2, view // 2, view // 2)
