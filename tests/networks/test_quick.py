"""The quicker layers are torch's: the same numbers, gradients and weights."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from orienteer.networks.quick import Doubling, InstanceNorm, Pointwise, as_torch, quicken


@pytest.mark.parametrize("shape", [(3, 4, 6, 6, 6), (1, 4, 2, 3, 5), (2, 4, 1, 1, 2)])
@pytest.mark.parametrize(
    ("build", "twin"),
    [
        (lambda: nn.InstanceNorm3d(4, affine=True), InstanceNorm),
        (lambda: nn.Conv3d(4, 7, kernel_size=1), Pointwise),
        (lambda: nn.Conv3d(4, 7, kernel_size=1, bias=False), Pointwise),
        (lambda: nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False), Doubling),
        (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), Doubling),
    ],
)
def test_quicken__gives_the_same_numbers_and_gradients(
    build: Callable[[], nn.Module], twin: type, shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    plain, quick = build(), build()
    with torch.no_grad():
        for weights in plain.parameters():
            weights.normal_()
    quick.load_state_dict(plain.state_dict())
    assert type(quicken(nn.Sequential(quick))[0]) is twin
    assert type(as_torch(nn.Sequential(copy.deepcopy(quick)))[0]) is type(plain)
    images = 3 * torch.randn(shape) + 5
    got = []
    for layer in (plain, quick):
        given = images.clone().requires_grad_()
        nn.functional.leaky_relu(layer(given), 0.1, inplace=True).square().sum().backward()
        got.append((layer(images), given.grad, *(weights.grad for weights in layer.parameters())))
    for one, other in zip(*got, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Conv3d(4, 6, kernel_size=1),
        lambda: nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False),
    ],
)
def test_quicken__computes_in_the_precision_of_torchs(build: Callable[[], nn.Module]) -> None:
    plain, images = build(), torch.randn(2, 4, 6, 5, 4)
    quick = quicken(nn.Sequential(copy.deepcopy(plain)))
    for given in (images, images.bfloat16()):
        with torch.autocast("cpu", torch.bfloat16):
            expected, found = plain(given), quick(given)
        assert found.dtype == expected.dtype
        torch.testing.assert_close(found, expected, rtol=0.02, atol=0.03)


LAYERS = [
    lambda: nn.InstanceNorm3d(4, affine=True),
    lambda: nn.Conv3d(4, 7, kernel_size=1),
    lambda: nn.Upsample(scale_factor=2, mode="trilinear"),
]


@pytest.mark.parametrize("build", LAYERS)
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_quicken__maps_with_their_channels_last_lose_no_digit(build: Callable[[], nn.Module], offset: float) -> None:
    torch.manual_seed(0)
    plain, images = build(), (offset + torch.randn(2, 4, 6, 5, 4)).to(memory_format=torch.channels_last_3d)
    exact = copy.deepcopy(plain).double()(images.double())
    torch.testing.assert_close(quicken(nn.Sequential(plain))(images).double(), exact, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", LAYERS)
@pytest.mark.parametrize(
    "images",
    [
        torch.randn(4, 4, 6, 5),  # one image, its channels as many as its slices
        torch.randn(4, 6, 6, 5),
        torch.randn(2, 4, 6),
        torch.randn(0, 4, 6, 6, 6),
        torch.randn(2, 4, 0, 6, 6),
        torch.ones(2, 4, 6, 6, 6, dtype=torch.uint8),
    ],
    ids=["unbatched", "other", "one axis", "no image", "no voxel", "whole numbers"],
)
def test_quicken__what_is_no_batch_of_images_is_torchs_to_answer_or_refuse(
    build: Callable[[], nn.Module], images: torch.Tensor
) -> None:
    plain = build()
    try:
        expected = plain(images)
    except (RuntimeError, ValueError, IndexError) as error:
        with pytest.raises(type(error)):
            quicken(nn.Sequential(plain))(images)
    else:
        torch.testing.assert_close(quicken(nn.Sequential(plain))(images), expected)


def test_quicken__a_graph_of_any_batch_size_can_be_traced() -> None:
    model = quicken(nn.Sequential(*(build() for build in (LAYERS[0], LAYERS[2], LAYERS[1]))))
    images = torch.randn(3, 4, 4, 4, 4)
    traced = torch.export.export(model, (images[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(traced(images), model(images))


def test_quicken__leaves_what_counts_otherwise() -> None:
    """Without weights, with running statistics, in groups, to other sizes, or a class of somebody's own."""

    class Own(nn.InstanceNorm3d):
        pass

    layers = nn.Sequential(
        nn.InstanceNorm3d(4),
        nn.InstanceNorm3d(4, affine=True, track_running_stats=True),
        Own(4),
        nn.Conv3d(4, 4, kernel_size=3, padding=1),
        nn.Conv3d(4, 4, kernel_size=1, padding=1),
        nn.Conv3d(4, 4, kernel_size=1, stride=2),
        nn.Conv3d(4, 4, kernel_size=1, groups=2),
        nn.Upsample(scale_factor=2),
        nn.Upsample(scale_factor=3, mode="trilinear"),
        nn.Upsample(scale_factor=2, mode="trilinear", align_corners=True),
    )
    before = [type(layer) for layer in layers]
    assert [type(layer) for layer in quicken(layers)] == before


def test_instance_norm__of_one_voxel_is_an_error_in_training() -> None:
    """It would be zero whatever is seen."""
    norm = quicken(nn.Sequential(nn.InstanceNorm3d(4, affine=True)))
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        norm(torch.randn(2, 4, 1, 1, 1))
