"""Encoders by name and by import path: shapes, sizes, and errors a user can act on."""

import sys
from itertools import pairwise
from typing import Any

import pytest
import torch

from orienteer.errors import ConfigError, OrienteerError
from orienteer.networks.encoders import NETWORKS, Encoder, build_encoder
from orienteer.networks.settings import NetworkSettings

QUICK = ("tiny", "small")


def encoder(name: str, size: str = "tiny", view: int = 16, channels: int = 1, **options: Any) -> Encoder:
    torch.manual_seed(0)
    return build_encoder(NetworkSettings(name=name, size=size, options=options), channels, view)


@pytest.mark.parametrize("size", QUICK)
@pytest.mark.parametrize("view", [16, 24, 32])
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_encoder__maps_are_what_it_measured(name: str, view: int, size: str) -> None:
    built = encoder(name, size, view, channels=2)
    maps = built(torch.randn(2, 2, view, view, view, generator=torch.Generator().manual_seed(1)))
    assert [m.shape[1] for m in maps] == list(built.channels)
    assert [m.shape[2:] for m in maps] == [(view // stride,) * 3 for stride in built.strides]
    assert list(built.strides) == sorted(built.strides)
    assert all(torch.isfinite(m).all() for m in maps)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_encoder__every_weight_is_reached_from_the_coarsest_map(name: str) -> None:
    """No dead layers: nothing is counted, stored or averaged that never learns."""
    built = encoder(name)
    built(torch.randn(2, 1, 16, 16, 16))[-1].square().sum().backward()
    idle = [key for key, weight in built.named_parameters() if weight.grad is None]
    assert idle == []


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_encoder__samples_do_not_leak_into_each_other(name: str) -> None:
    """What is seen in a view is the same whatever lies beside it in the batch, in training mode too."""
    built = encoder(name).train()
    images = torch.randn(3, 1, 16, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(built(images)[-1][1], built(images[1:2])[-1][0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_encoder__size_is_a_dial(name: str) -> None:
    counts = [sum(p.numel() for p in encoder(name, size).parameters()) for size in QUICK]
    with torch.device("cpu" if name == "swin" else "meta"):
        counts += [sum(p.numel() for p in encoder(name, size).parameters()) for size in ("base", "large")]
    least = 0.99 if name in ("resenc", "plainconv") else 2  # nnU-Net's M and L are one network
    assert all(least < large / small < 13 for small, large in pairwise(counts)), counts


def test_encoder__vit_puts_tokens_back_where_their_patch_was() -> None:
    """A single bright voxel moves the token of its own patch most, axes in order."""
    built = encoder("vit", patch_size=4, num_layers=1)
    images = torch.zeros(2, 1, 16, 16, 16)
    images[1, 0, 1, 6, 15] = 50.0  # patch (0, 1, 3)
    maps = built(images)[0]
    moved = (maps[1] - maps[0]).abs().sum(0)
    assert (moved == moved.max()).nonzero().tolist() == [[0, 1, 3]]


def test_encoder__options_go_over_the_preset() -> None:
    assert encoder("resunet", features=(4, 8, 16, 32)).channels == (4, 8, 16, 32)
    assert encoder("unet", features=[4, 6, 10]).channels == (4, 6, 10)
    assert encoder("swin", depths=(1, 1, 1, 1)).strides == (2, 4, 8, 16)
    assert encoder("vit", hidden_size=48, num_heads=4).channels == (48,)


def test_encoder__a_users_module_by_import_path() -> None:
    one = encoder("tests.networks.own:OneMap", width=7)
    assert (one.channels, one.strides) == ((7,), (4,))
    assert one(torch.zeros(1, 1, 16, 16, 16))[0].shape == (1, 7, 4, 4, 4)
    pyramid = encoder("tests.networks.own:Pyramid", view=24, channels=3)
    assert (pyramid.channels, pyramid.strides) == ((6, 10), (2, 8))


@pytest.mark.parametrize(
    ("name", "options", "message", "cure"),
    [
        ("resnet", {}, "no network is called 'resnet'", "resunet, unet, resenc, plainconv, segresnet, swin, vit"),
        ("resunet", {"filters": 8}, "filters", "network.options"),
        ("unet", {"filters": 8}, "filters", "network.options"),
        ("swin", {"filters": 8}, "filters", "network.options"),
        ("vit", {"filters": 8}, "filters", "network.options"),
        ("vit", {"patch_size": 5}, "patches of 5 voxels", "views.size"),
        ("nowhere.nets:Mine", {}, "cannot import nowhere.nets:Mine", "PYTHONPATH"),
        ("tests.networks.own:Missing", {}, "cannot import tests.networks.own:Missing", "package.module:Class"),
        ("tests.networks.own:NOT_A_CLASS", {}, "not callable", "network.options"),
        ("tests.networks.own:OneMap", {"height": 3}, "height", "network.options"),
        ("tests.networks.own:Classifier", {}, "Classifier must return", "one tensor, or a list"),
    ],
)
def test_encoder__errors_name_the_mistake_and_the_cure(name: str, options: dict, message: str, cure: str) -> None:
    with pytest.raises(ConfigError) as caught:
        encoder(name, **options)
    assert message in caught.value.message
    assert cure in caught.value.cure


@pytest.mark.parametrize(("name", "view"), [("resunet", 8), ("unet", 8), ("swin", 9)])
def test_encoder__a_view_it_cannot_divide_is_an_error(name: str, view: int) -> None:
    with pytest.raises(ConfigError, match=f"views of {view} voxels"):
        encoder(name, view=view)


def test_encoder__measuring_leaves_training_mode_alone() -> None:
    assert encoder("unet").network.training


def test_encoder__names_the_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "einops", None)
    with pytest.raises(OrienteerError, match="einops") as caught:
        encoder("swin")
    assert caught.value.cure == "pip install 'orienteer[swin]'"
