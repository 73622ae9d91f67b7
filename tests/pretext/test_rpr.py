"""Relative position regression: its formula and loss by hand."""

import math

import numpy as np
import pytest
import torch

from orienteer.pretext.contract import Interface
from orienteer.pretext.rpr import RprSettings, RprTask
from orienteer.testing.toy_views import bare_views

CENTRES = torch.tensor([[[0.0, 0.0, 0.0], [30.0, -40.0, 0.0], [-10.0, 20.0, 50.0]]])


def task_that_reads_its_answer(range_mm: float) -> RprTask:
    """The embedding's three numbers are p (they must be large and positive, where GELU is the identity)."""
    task = RprTask(
        RprSettings(range_mm=range_mm, hidden=3), Interface(embedding=3, dense_channels=4, views=3, view_mm=72.0)
    )
    with torch.no_grad():
        for layer in (task.head[0], task.head[2]):
            layer.weight.copy_(torch.eye(3))
            layer.bias.zero_()
    return task


def test_rpr__offset_is_range_times_tanh_of_the_difference() -> None:
    embedding = 20 + torch.tensor([[[0.0, 0.0, 0.0], [0.5, -1.0, 0.0], [9.0, 0.0, -9.0]]])
    rows = task_that_reads_its_answer(200.0)(bare_views(embedding, CENTRES)).observation.rows
    assert list(zip(rows["view_i"], rows["view_j"], strict=True)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    predicted = np.stack([rows[f"pred_{axis}"] for axis in "ras"], 1)
    assert predicted[0].tolist() == pytest.approx([200 * math.tanh(0.5), 200 * math.tanh(-1.0), 0.0], abs=1e-2)
    assert predicted[1].tolist() == pytest.approx([200.0, 0.0, -200.0], abs=1e-2)
    assert predicted[2].tolist() == pytest.approx((-predicted[0]).tolist(), abs=1e-2)
    assert np.stack([rows[f"true_{axis}"] for axis in "ras"], 1)[3].tolist() == pytest.approx([-40, 60, 50], abs=1e-3)


def test_rpr__loss_is_the_mean_square_in_units_of_the_range() -> None:
    """All views answer the same place: every offset is 0, and the loss the mean square of the true ones."""
    output = task_that_reads_its_answer(100.0)(bare_views(torch.full((1, 3, 3), 20.0), CENTRES))
    squares = 0.3**2 + 0.4**2 + 0.1**2 + 0.2**2 + 0.5**2 + 0.4**2 + 0.6**2 + 0.5**2
    assert output.loss.item() == pytest.approx(squares / 9, rel=1e-5)
    headline = output.observation.measures["gap_error_mm"]
    assert headline.value == pytest.approx(headline.chance, rel=1e-5)
