"""Overlap of crops: shares and losses by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.losses.overlap import apart_loss, overlap, overlaps
from orienteer.sampling.placement import BASE

BASES = torch.tensor(BASE, dtype=torch.float32)[None] * 40 + 7


def test_overlaps__by_hand() -> None:
    """A crop 10 mm right of base crop 0 (edge 40 mm) keeps 3/4 there and has 1/4 in the next to the right."""
    crop = BASES[:, :1] + torch.tensor([10.0, 0, 0])
    shared = overlaps(crop, BASES, 40.0)[0, 0]
    # BASE counts the last axis fastest: 4 is the one to the right of 0.
    assert shared.tolist() == pytest.approx([0.75, 0, 0, 0, 0.25, 0, 0, 0])
    assert overlaps(BASES.mean(1, keepdim=True), BASES, 40.0)[0, 0].tolist() == pytest.approx([0.125] * 8)
    assert overlaps(BASES, BASES, 40.0)[0].tolist() == torch.eye(8).tolist()


@given(st.tuples(*[st.floats(-20, 20, width=32)] * 3))
def test_overlaps__of_a_crop_in_the_grid_add_up_to_one(shift: tuple[float, float, float]) -> None:
    crop = BASES.mean(1, keepdim=True) + torch.tensor(shift)
    assert overlaps(crop, BASES, 40.0).sum().item() == pytest.approx(1, abs=1e-4)


def test_overlap__by_hand() -> None:
    true, similarity = torch.tensor([[[0.75, 0.25, 0.0]]]), torch.tensor([[[0.5, 0.5, 0.2]]])
    expected = -(math.log(0.75) + math.log(0.75) + math.log(0.8)) / 3
    assert overlap(similarity, true).item() == pytest.approx(expected, rel=1e-5)
    assert overlap(true, true).item() == 0


def test_overlap__below_zero_is_zero_only_where_nothing_overlaps() -> None:
    true = torch.tensor([[[0.5, 0.0]]])
    similarity = torch.tensor([[[-0.3, -0.3]]], requires_grad=True)
    loss = overlap(similarity, true)
    assert loss.item() == pytest.approx(-math.log(0.2) / 2, rel=1e-5)
    loss.backward()
    assert similarity.grad is not None
    assert similarity.grad[0, 0, 0] < 0, "a crop that overlaps is drawn back"
    assert similarity.grad[0, 0, 1] == 0


def test_overlap__stays_finite_at_the_worst_answer() -> None:
    assert overlap(torch.ones(1, 1, 1), torch.zeros(1, 1, 1)).item() == pytest.approx(-math.log(1e-4), rel=1e-2)


def test_apart_loss__by_hand() -> None:
    """Three unit vectors: two equal (1), two opposite (1), and so on; the mean of absolute cosines."""
    x, y = [1.0, 0.0], [0.0, 1.0]
    assert apart_loss(torch.tensor([[x, x, y]])).item() == pytest.approx(1 / 3)
    assert apart_loss(torch.tensor([[x, [-1.0, 0.0]]])).item() == pytest.approx(1)
    assert apart_loss(torch.tensor([[x, y]])).item() == 0
