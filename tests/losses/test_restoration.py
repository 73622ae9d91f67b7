"""Restoring what was hidden, and the smooth interpolation that it is held against."""

import numpy as np
import pytest
import torch

from orienteer.losses.restoration import interpolated, mean_where


def test_interpolated__weighs_by_distance_and_does_not_peek() -> None:
    """On a line shown at 0 and 4 with values 0 and 1: halfway 0.5, and nearer ends get nearer values."""
    images = torch.full((1, 1, 1, 5, 5, 5), 7.0)  # what is hidden must not matter
    shown = torch.zeros(1, 1, 1, 5, 5, 5, dtype=torch.bool)
    shown[..., 0] = shown[..., 4] = True
    images[..., 0], images[..., 4] = 0.0, 1.0
    line = interpolated(images, shown, width=1.5)[0, 0, 0, 2, 2]
    weight = np.exp(-0.5 * (np.arange(5) / 1.5) ** 2)
    assert line.tolist() == pytest.approx([weight[4 - n] / (weight[n] + weight[4 - n]) for n in range(5)], abs=1e-5)


def test_interpolated__far_from_everything_is_the_mean() -> None:
    images = torch.zeros(1, 1, 1, 32, 32, 32)
    images[..., 0, 0, 0] = 0.4
    shown = images > 0
    filled = interpolated(images, shown, width=0.5)
    assert filled[..., -1, -1, -1].item() == pytest.approx(0.4)


def test_mean_where__by_hand() -> None:
    images = torch.tensor([1.0, 3.0, 8.0]).reshape(1, 1, 1, 1, 1, 3).repeat(1, 2, 1, 1, 1, 1)
    where = torch.tensor([[True, True, False], [False, False, False]]).reshape(1, 2, 1, 1, 1, 3)
    assert mean_where(images, where).flatten().tolist() == [2.0, 4.0]  # with nothing shown: of all
