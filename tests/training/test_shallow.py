"""Gradients of maps that are shallower than the kernel are true in bfloat16 on a CPU as well."""

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from orienteer.training.devices import build_fabric, resolve
from orienteer.training.settings import DeviceSettings
from orienteer.training.shallow import ShallowConv3d, mind_shallow_maps


def fabric(precision: str) -> Fabric:
    return build_fabric(resolve(DeviceSettings(accelerator="cpu", precision=precision)))


def gradient(fabric: Fabric, conv: nn.Conv3d, maps: torch.Tensor) -> torch.Tensor:
    """Of the weights, with memory around that holds anything but zeros."""
    soil = [torch.full((count,), 1e30) for count in (10_000, 100_000, conv.weight.numel(), 1_000_000)]
    del soil
    conv.zero_grad()
    result = fabric.setup(conv)(maps)
    steer = torch.randn(result.shape, generator=torch.Generator().manual_seed(1))
    fabric.backward((result.float() * steer).sum())
    return conv.weight.grad.clone()


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 2, 2), {"kernel_size": 3, "padding": 1}),
        ((2, 4, 4), {"kernel_size": 3, "padding": 1}),
        ((4, 2, 2), {"kernel_size": 3, "padding": 1}),
        ((1, 1, 1), {"kernel_size": 3, "padding": 1}),
        ((2, 2, 2), {"kernel_size": 3, "padding": 1, "stride": 2}),
        ((3, 3, 3), {"kernel_size": 5, "padding": 2}),
        ((4, 4, 4), {"kernel_size": 5, "padding": 2}),
        ((3, 3, 3), {"kernel_size": 3, "padding": 2, "dilation": 2}),
        ((4, 4, 4), {"kernel_size": 3, "padding": 2, "dilation": 2}),
    ],
)
def test_bfloat16__weights_gradient_is_that_of_float32_but_for_rounding(shape: tuple[int, ...], options: dict) -> None:
    torch.manual_seed(0)
    conv, maps = nn.Conv3d(32, 32, **options), torch.randn(8, 32, *shape)
    true = gradient(fabric("32-true"), conv, maps)
    for _ in range(5):
        rounded = gradient(fabric("bf16-mixed"), conv, maps)
        assert torch.allclose(rounded, true, atol=0.02 * float(true.abs().max()), rtol=0)


@pytest.mark.parametrize(("depth", "aside"), [(2, True), (3, False)])
def test_shallow__only_maps_shallower_than_the_kernel_leave_bfloat16(depth: int, aside: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv3d(4, 4, 3, padding=1)
    maps = torch.randn(2, 4, depth, 3, 3)
    exact = conv(maps).detach()
    with torch.autocast("cpu", torch.bfloat16):
        plain = conv(maps)
        mind_shallow_maps(conv)
        minded = conv(maps)
    assert minded.dtype == plain.dtype == torch.bfloat16
    assert torch.equal(minded, exact.bfloat16() if aside else plain)
    assert torch.equal(conv(maps), exact)


def test_shallow__names_weights_and_other_layers_stay() -> None:
    model = nn.Sequential(nn.Conv3d(1, 2, 3), nn.Conv2d(1, 2, 3), nn.ConvTranspose3d(2, 1, 2))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    mind_shallow_maps(model)
    assert [type(layer) for layer in model] == [ShallowConv3d, nn.Conv2d, nn.ConvTranspose3d]
    assert before.keys() == model.state_dict().keys()
    assert all(torch.equal(model.state_dict()[name], weight) for name, weight in before.items())


def test_build_fabric__in_float32_layers_are_left_alone() -> None:
    assert type(fabric("32-true").setup(nn.Conv3d(1, 1, 3)).module) is nn.Conv3d
