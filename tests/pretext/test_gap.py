"""The gap task: its rows, its loss through a head, its scales, by hand."""

import math

import numpy as np
import pytest
import torch

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.gap import GapSettings, GapTask
from orienteer.testing.toy_views import bare_views

INTERFACE = Interface(embedding=8, dense_channels=4, views=3, view_mm=72.0)
CENTRES = torch.tensor([[[0.0, 0.0, 0.0], [30.0, -40.0, 0.0], [-10.0, 20.0, 50.0]]])


def views(centres: torch.Tensor = CENTRES) -> EncodedViews:
    return bare_views(torch.zeros(*centres.shape[:2], 8), centres)


def says(task: GapTask, answer: tuple[float, ...]) -> None:
    """Make a pairwise head answer the same, in length scales, for every pair."""
    with torch.no_grad():
        for parameter in task.head.parameters():
            parameter.zero_()
        task.head.mlp[-1].bias.copy_(torch.tensor(answer))


def test_gap__rows_are_ordered_pairs_in_mm() -> None:
    task = GapTask(GapSettings(length_mm=40.0), INTERFACE)
    says(task, (0.5, -0.25, 1.0))
    rows = task(views()).observation.rows
    assert list(zip(rows["view_i"], rows["view_j"], strict=True)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert np.stack([rows[f"true_{axis}"] for axis in "ras"], 1)[3].tolist() == pytest.approx([-40, 60, 50])
    assert np.stack([rows[f"pred_{axis}"] for axis in "ras"], 1).tolist() == [[20.0, -10.0, 40.0]] * 6


def test_gap__loss_by_hand() -> None:
    """Two views 100 mm apart along R, answer zero: per axis (|2| - 0.05) / 3, and the distance as a whole."""
    centres = torch.tensor([[[0.0, 0.0, 0.0], [100.0, 0.0, 0.0]]])
    for weight in (0.0, 0.5):
        task = GapTask(GapSettings(distance_weight=weight), INTERFACE)
        says(task, (0.0, 0.0, 0.0))
        expected = (2 - 0.05) / 3 + weight * (2 - 0.05)
        assert task(views(centres)).loss.item() == pytest.approx(expected, abs=1e-3)


def test_gap__small_errors_count_squared() -> None:
    """Below beta = 0.1 length scales the loss is e^2 / (2 beta)."""
    centres = torch.tensor([[[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]])  # 0.04 length scales
    task = GapTask(GapSettings(distance_weight=0.0), INTERFACE)
    says(task, (0.0, 0.0, 0.0))
    assert task(views(centres)).loss.item() == pytest.approx(0.04**2 / 0.2 / 3, rel=1e-4)


def test_gap__coinciding_centres_keep_the_gradient_finite() -> None:
    task = GapTask(GapSettings(form="difference"), INTERFACE)
    task(views(torch.zeros(1, 3, 3))).loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in task.parameters())


def test_gap__scales_are_in_mm_and_clamped() -> None:
    task = GapTask(GapSettings(uncertainty=True, length_mm=40.0), INTERFACE)
    assert task.scale_head is not None
    with torch.no_grad():
        for parameter in task.scale_head.parameters():
            parameter.zero_()
        task.scale_head.mlp[-1].bias.copy_(torch.tensor([math.log(0.5), 50.0, -50.0]))
    rows = task(views()).observation.rows
    expected = [40 * 0.5, 40 * math.exp(3), 40 * math.exp(-5)]
    assert [rows[f"scale_{axis}"][0] for axis in "ras"] == pytest.approx(expected, rel=1e-5)


def test_gap__coverage_of_honest_scales() -> None:
    """Errors drawn from the Laplace distribution that is declared fall into its intervals as often as they should."""
    random = np.random.default_rng(0)
    error = random.laplace(0, 7.0, size=(20_000, 3)).astype(np.float32)
    rows = {f"true_{a}": np.zeros(20_000, np.float32) for a in "ras"}
    rows |= {f"pred_{a}": error[:, n] for n, a in enumerate("ras")}
    rows |= {f"scale_{a}": np.full(20_000, 7.0, np.float32) for a in "ras"}
    measures = GapTask.measure(rows)
    assert measures["coverage_50"].value == pytest.approx(0.5, abs=0.01)
    assert measures["coverage_90"].value == pytest.approx(0.9, abs=0.01)


def test_gap__uncertainty_settles_on_the_size_of_its_errors() -> None:
    """A head that can say nothing about the gap learns to be as unsure as it is wrong."""
    torch.manual_seed(0)
    task = GapTask(GapSettings(uncertainty=True, distance_weight=0.0), INTERFACE)
    says(task, (0.0, 0.0, 0.0))
    task.head.requires_grad_(False)
    centres = (torch.rand(64, 3, 3) - 0.5) * 120
    optimiser = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=2e-2)
    for _ in range(60):
        optimiser.zero_grad()
        task(views(centres)).loss.backward()
        optimiser.step()
    rows = task(views(centres)).observation.rows
    for axis in "ras":
        assert rows[f"scale_{axis}"].mean() == pytest.approx(np.abs(rows[f"true_{axis}"]).mean(), rel=0.05)
