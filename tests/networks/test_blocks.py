"""Our blocks are MONAI's, bit for bit: names, initial weights, results."""

from collections.abc import Callable

import pytest
import torch
from monai.networks import blocks as monai
from monai.networks.utils import pixelshuffle
from torch import nn

from orienteer.networks.blocks import Convolution, ResidualUnit, UpSample, spread

NORM = ("instance", {"affine": True})
ACT = ("LeakyReLU", {"negative_slope": 0.1, "inplace": True})


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: Convolution(4, 6), lambda: monai.Convolution(3, 4, 6, norm=NORM, act="LEAKYRELU")),
        (lambda: ResidualUnit(4, 6, 2, 0.1), lambda: monai.ResidualUnit(3, 4, 6, subunits=2, norm=NORM, act=ACT)),
        (lambda: ResidualUnit(4, 4, 1, 0.1), lambda: monai.ResidualUnit(3, 4, 4, subunits=1, norm=NORM, act=ACT)),
        (lambda: UpSample(4, 6), lambda: monai.UpSample(3, 4, 6, mode="nontrainable", align_corners=False)),
        (lambda: UpSample(4, 4), lambda: monai.UpSample(3, 4, 4, mode="nontrainable", align_corners=False)),
    ],
)
def test_blocks__are_those_of_monai(ours: Callable[[], nn.Module], theirs: Callable[[], nn.Module]) -> None:
    images, results, states = torch.randn(2, 4, 8, 6, 4), [], []
    for build in (ours, theirs):
        torch.manual_seed(0)
        block = build()
        states.append(block.state_dict())
        results.append(block(images.clone()))
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(mine, other) for mine, other in zip(states[0].values(), states[1].values(), strict=True))
    assert torch.equal(*results)


def test_spread__is_a_pixel_shuffle() -> None:
    cells = torch.randn(2, 16, 3, 4, 5)
    assert torch.equal(spread(cells, 2), pixelshuffle(cells, 3, 2))
