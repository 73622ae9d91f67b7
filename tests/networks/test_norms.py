"""The quicker instance normalisation is torch's."""

import pytest
import torch
from torch import nn

from orienteer.networks.norms import InstanceNorm, quicken_norms


@pytest.mark.parametrize("shape", [(3, 4, 6, 6, 6), (1, 4, 2, 3, 5), (2, 4, 1, 1, 2)])
def test_quicken_norms__gives_the_same_numbers_and_gradients(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    plain, quick = nn.InstanceNorm3d(4, affine=True), nn.InstanceNorm3d(4, affine=True)
    with torch.no_grad():
        plain.weight.normal_()
        plain.bias.normal_()
    quick.load_state_dict(plain.state_dict())
    assert type(quicken_norms(nn.Sequential(quick))[0]) is InstanceNorm
    images = 3 * torch.randn(shape) + 5
    got = []
    for norm in (plain, quick):
        given = images.clone().requires_grad_()
        nn.functional.leaky_relu(norm(given), 0.1, inplace=True).square().sum().backward()
        got.append((norm(images), given.grad, norm.weight.grad, norm.bias.grad))
    for one, other in zip(*got, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-3)


def test_quicken_norms__leaves_what_counts_otherwise() -> None:
    """Without weights, with running statistics, or a class of somebody's own."""

    class Own(nn.InstanceNorm3d):
        pass

    norms = nn.Sequential(nn.InstanceNorm3d(4), nn.InstanceNorm3d(4, affine=True, track_running_stats=True), Own(4))
    before = [type(norm) for norm in norms]
    assert [type(norm) for norm in quicken_norms(norms)] == before


def test_instance_norm__of_one_voxel_is_an_error_in_training() -> None:
    """It would be zero whatever is seen."""
    norm = quicken_norms(nn.Sequential(nn.InstanceNorm3d(4, affine=True)))
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        norm(torch.randn(2, 4, 1, 1, 1))
