"""The contract suite of pretext tasks: subclass it in a test and name the task's class.

::

    class TestDistance(TaskContract):
        task = DistanceTask
        settings = {"length_mm": 30.0}

It needs no scan and no GPU; the features are those of ``orienteer.testing.toy_views``.
"""

import dataclasses
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from orienteer.errors import ConfigError
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import (
    CorruptsViews,
    EncodedViews,
    Interface,
    PretextTask,
    RestoresImages,
)
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import CLASS
from orienteer.pretext.teacher import TeacherSettings
from orienteer.records import Rows
from orienteer.records.card import TaskCard
from orienteer.records.rows import merge_rows, read_rows, write_rows
from orienteer.testing.toy_views import CELLS, chosen, toy_views

UNITS = {"mm": "_mm", "deg": "_deg", "fraction": "", "rank": "", "1": ""}
"""Units a measure may have, and what its name must then end with."""


class TaskContract:
    """Checks of one pretext task, with one choice of settings.

    Attributes:
        task: its class.
        settings: what differs from its defaults.
        learning_steps: optimiser steps within which its head must learn from toy features.
        view_order_matters: True for a task that treats views differently by their number.
        metric: False for a task that observes nothing in mm.
        mixes_samples: True for a task that compares the samples of a batch with each other.
        view_counts: the K to test.
    """

    task: ClassVar[type[PretextTask[Any]]]
    settings: ClassVar[Mapping[str, Any]] = {}
    learning_steps: ClassVar[int] = 60
    view_order_matters: ClassVar[bool] = False
    metric: ClassVar[bool] = True
    mixes_samples: ClassVar[bool] = False
    view_counts: ClassVar[tuple[int, ...]] = (2, 3, 4, 5)

    def perfect(self, rows: Rows) -> Rows:
        """The rows of a perfect model: ``pred_*`` columns hold the truth. Override for other columns."""
        predicted = [name for name in rows if name.startswith("pred_")]
        assert predicted, f"{self.name} has no pred_* column: override TaskContract.perfect to say what perfect is"
        return {**rows, **{name: rows[name.replace("pred_", "true_", 1)] for name in predicted}}

    def build(self, *, views: int | None = None, view_mm: float = 72.0) -> tuple[PretextTask[Any], Interface]:
        """The task for toy features, with fixed weights."""
        count = views or self._usual_count()
        interface = Interface(
            embedding=24, dense_channels=12, views=count, view_mm=view_mm, view_voxels=2 * CELLS, dense_stride=2
        )
        kind = self.task
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            return kind(kind.settings_type.build(self.settings), interface), interface

    def views(self, interface: Interface, *, samples: int = 4, seed: int = 0) -> EncodedViews:
        """Toy views placed and corrupted as the task needs, with dense features if it needs them."""
        kind = self.task
        views = toy_views(
            interface, samples=samples, seed=seed, dense=kind.needs_dense, placement=kind.placement or "free"
        )
        task = self.build(views=interface.views)[0]
        if not isinstance(task, CorruptsViews):
            return views
        shown = task.corrupt(views.images, views.address)
        return dataclasses.replace(chosen(views, (slice(None), slice(shown.shape[1]))), shown=shown)

    def test_task__card_describes_it(self) -> None:
        """The card names the task and its metrics; rows have the columns that the evidence needs."""
        task, interface = self.build()
        card, observation = task.describe(), task(self.views(interface)).observation
        assert task.name == card.name == observation.task
        assert card.title and card.question and card.intro and card.source, "say what it is, asks and comes from"
        listed = {metric.name: metric for metric in card.metrics}
        assert set(observation.measures) == set(listed), "measures and the card's metrics are not the same"
        assert card.metrics[0].meaning and card.metrics[0].shown == "card", "the headline must say what it means"
        for name, measure in observation.measures.items():
            assert (listed[name].unit, listed[name].better) == (measure.unit, measure.better), f"{name} differs"
        assert card.evidence, "say what the rows are evidence of, so that a report can draw them"
        assert set(card.columns) <= set(observation.rows), f"rows lack {set(card.columns) - set(observation.rows)}"
        assert TaskCard.model_validate_json(card.model_dump_json()) == card

    def test_task__settings_refuse_unknown_keys(self) -> None:
        """A misspelt setting is an error that names it, and ``weight`` is always there."""
        try:
            self.task.settings_type.build({"no_such_setting": 1})
        except ConfigError as error:
            assert "no_such_setting" in str(error) and "weight" in error.cure
        else:
            raise AssertionError(f"the settings of {self.name} accept a key they do not know: subclass TaskSettings")

    def test_task__loss_is_a_finite_scalar_with_gradients(self) -> None:
        """Gradients reach every weight matrix of the head and the features of every view."""
        task, interface = self.build()
        views = self.views(interface)
        features = views.dense if task.needs_dense else views.embedding
        assert features is not None
        features.requires_grad_()
        loss = task(views).loss
        assert loss.shape == () and torch.isfinite(loss), f"loss is {loss}, not a finite scalar"
        loss.backward()
        for name, weight in task.named_parameters():
            assert weight.grad is not None and torch.isfinite(weight.grad).all(), f"{name} has no finite gradient"
            # A bias may cancel (in a difference, in a centred cloud); a matrix must not.
            assert weight.ndim < 2 or weight.grad.abs().max() > 0, f"{name} gets no gradient: it is never trained"
        assert features.grad is not None and torch.isfinite(features.grad).all(), "no gradient reaches the features"
        reached = features.grad.flatten(2).abs().amax(-1) > 0
        assert reached.all(), f"no gradient reaches views {(~reached).nonzero().tolist()} (sample, view)"

    def test_task__observation_is_a_table_of_samples(self) -> None:
        """Columns have equal length, ``sample`` covers 0..B-1, and Parquet can store them all."""
        task, interface = self.build()
        rows = task(self.views(interface)).observation.rows
        assert all(isinstance(column, np.ndarray) and column.ndim == 1 for column in rows.values())
        assert len({len(column) for column in rows.values()}) == 1, {k: len(v) for k, v in rows.items()}
        assert rows["sample"].dtype.kind == "i"
        assert np.unique(rows["sample"]).tolist() == [0, 1, 2, 3], "rows must come from every sample, 0..B-1"
        with tempfile.TemporaryDirectory() as folder:
            write_rows(Path(folder) / "rows.parquet", rows)
            assert_same_rows(read_rows(Path(folder) / "rows.parquet"), rows, tolerance=0)

    def test_task__observation_is_detached_from_the_tensors(self) -> None:
        """The observation does not change when its source tensors are overwritten."""
        task, interface = self.build()
        views = self.views(interface)
        rows = task(views).observation.rows
        before = {name: column.copy() for name, column in rows.items()}
        with torch.no_grad():
            for tensor in (views.embedding, views.dense, views.centres, *task.parameters()):
                if tensor is not None:
                    tensor.fill_(1e6)
        assert_same_rows(rows, before, tolerance=0)

    def test_task__measures_are_finite_and_come_from_the_rows(self) -> None:
        """Measures have known units, come from ``measure(rows)``, and the first one is the headline."""
        task, interface = self.build()
        observation = task(self.views(interface)).observation
        figures = task.measure(observation.rows)
        assert observation.headline[0] == next(iter(figures)), "the observation's first measure is not measure()'s"
        assert observation.headline[1].skill is not None, "the headline needs a chance level to be judged against"
        for name, measure in observation.measures.items():
            assert np.isfinite(measure.value), f"{name} is {measure.value}"
            assert measure.unit in UNITS, f"{name} has the unit {measure.unit!r}, not one of {list(UNITS)}"
            assert name.endswith(UNITS[measure.unit]), f"{name} is in {measure.unit}: say so in its name"
        for name, measure in figures.items():
            assert observation.measures[name] == measure, f"{name} differs from measure(rows)"

    def test_task__is_deterministic_and_keeps_no_state(self) -> None:
        """Equal views give equal outputs, bit for bit; a forward pass changes no weight or buffer."""
        task, interface = self.build()
        before = {name: value.clone() for name, value in task.state_dict().items()}
        outputs = []
        for seed in (1, 2):
            torch.manual_seed(seed)
            outputs.append(task.eval()(self.views(interface)))
        assert torch.equal(outputs[0].loss, outputs[1].loss)
        assert_same_rows(outputs[0].observation.rows, outputs[1].observation.rows, tolerance=0)
        for name, value in task.state_dict().items():
            assert torch.equal(value, before[name]), f"{name} changed in a forward pass"

    def test_task__does_not_know_where_the_scan_lies(self) -> None:
        """Moving a whole scan changes neither loss nor rows: only relative positions are known."""
        task, interface = self.build()
        views = self.views(interface)
        shift = torch.tensor([90.0, -40.0, 25.0]) * torch.arange(1, 5)[:, None, None]
        moved = dataclasses.replace(views, centres=views.centres + shift)
        here, there = task(views), task(moved)
        torch.testing.assert_close(here.loss, there.loss, rtol=1e-3, atol=1e-4)
        assert_same_rows(here.observation.rows, there.observation.rows, tolerance=2e-3)

    def test_task__means_the_same_mm_at_another_spacing(self) -> None:
        """With equal weights and features at twice the spacing, the truth in mm doubles; all else stays the same."""
        task, interface = self.build()
        coarse, coarse_interface = self.build(view_mm=2 * interface.view_mm)
        coarse.load_state_dict(task.state_dict())
        views = self.views(interface)
        doubled = dataclasses.replace(views, centres=views.centres * 2, view_mm=coarse_interface.view_mm)
        rows, scaled = task(views).observation.rows, coarse(doubled).observation.rows
        observed = [name for name in rows if not name.startswith("pred_")]
        metric = {name for name in observed if (name.startswith("true_") and self.metric) or name.endswith("_mm")}
        assert metric or not self.metric, "no column true_* or *_mm: nothing is observed in mm (else: metric = False)"
        expected = {name: column * 2 if name in metric else column for name, column in rows.items()}
        assert_same_rows(scaled, expected, tolerance=2e-3)

    def test_task__samples_do_not_mix(self) -> None:
        """Rows of a sample do not depend on the others in its batch, or at least not on their order."""
        task, interface = self.build()
        views = self.views(interface)
        if self.mixes_samples:
            backwards = task(chosen(views, [3, 2, 1, 0]))
            torch.testing.assert_close(backwards.loss, task(views).loss, rtol=1e-4, atol=1e-5)
            return
        alone = [task(chosen(views, slice(n, n + 1))).observation.rows for n in range(4)]
        assert_same_rows(task(views).observation.rows, merge_rows(alone, [1] * 4), tolerance=1e-3)

    def test_task__works_for_any_number_of_views(self) -> None:
        """Any K gives finite measures, also for one sample."""
        for count in self.view_counts:
            task, interface = self.build(views=count)
            for samples in (1, 3):
                output = task(self.views(interface, samples=samples, seed=5))
                assert torch.isfinite(output.loss), f"K = {count}, B = {samples}: the loss is {output.loss}"
                _, measure = output.observation.headline
                assert np.isfinite(measure.value), f"K = {count}, B = {samples}: no headline figure"

    def test_task__order_of_views_does_not_matter(self) -> None:
        """Views are a set: renumbering them does not change the loss."""
        if self.view_order_matters:
            return
        task, interface = self.build(views=4)
        views = self.views(interface)
        order = [2, 0, 3, 1]
        renumbered = chosen(views, (slice(None), order))
        torch.testing.assert_close(task(renumbered).loss, task(views).loss, rtol=1e-4, atol=1e-5)

    def test_task__survives_half_precision_features(self) -> None:
        """Under bfloat16 autocast, as on a GPU, the loss is close to that of float32."""
        task, interface = self.build()
        views = self.views(interface)
        dense = None if views.dense is None else views.dense.bfloat16()
        half = dataclasses.replace(views, embedding=views.embedding.bfloat16(), dense=dense)
        with torch.autocast("cpu", torch.bfloat16):
            loss = task(half).loss
        assert loss.dtype == torch.float32, f"the loss is {loss.dtype}: compute it in float32"
        torch.testing.assert_close(loss, task(views).loss, rtol=0.1, atol=0.05)

    def test_task__a_perfect_answer_has_no_error(self) -> None:
        """With the truth as prediction, the headline is perfect."""
        task, interface = self.build()
        rows = self.perfect(task(self.views(interface)).observation.rows)
        name, headline = next(iter(task.measure(rows).items()))
        wrong = abs(headline.value - (0.0 if headline.better == "lower" else 1.0))
        # The arc cosine near 1 is accurate only to a tenth of a degree in float32.
        assert wrong <= (0.1 if headline.unit == "deg" else 1e-3), f"{name} of a perfect answer is {headline.value}"

    def test_task__corrupts_from_the_address_alone(self) -> None:
        """Corrupted views can be replayed, the given ones are left alone, and what is restored has their shape."""
        task, interface = self.build()
        if not isinstance(task, CorruptsViews):
            return
        views = self.views(interface)
        images = toy_views(interface, samples=4, seed=0, placement=self.task.placement or "free").images
        before = images.clone()
        shown = task.corrupt(images, views.address)
        torch.manual_seed(99)
        backwards = task.corrupt(images[[3, 2, 1, 0]], views.address[[3, 2, 1, 0]])
        assert torch.equal(backwards[[3, 2, 1, 0]], shown), "corruption depends on more than a view's address"
        assert torch.equal(images, before), "corrupt writes into the views it is given"
        assert not torch.equal(shown, images[:, : shown.shape[1]]), "nothing is corrupted"
        if isinstance(task, RestoresImages):
            assert task.restore(views).shape == views.shown.shape

    def test_task__learns_from_features_that_encode_positions(self) -> None:
        """A few optimiser steps on the head bring loss and headline well beyond chance on held-out views."""
        task, interface = self.build()
        held_out = self.views(interface, samples=32, seed=10_000)
        before = float(task(held_out).loss.detach())
        optimiser = torch.optim.AdamW(task.parameters(), lr=1e-2)
        for step in range(self.learning_steps):
            optimiser.zero_grad()
            task(self.views(interface, samples=16, seed=step)).loss.backward()
            optimiser.step()
        output = task(held_out)
        after, skill = float(output.loss.detach()), output.observation.headline[1].skill
        assert after < before - 0.3 * abs(before), f"the loss went from {before:.3f} to {after:.3f} only"
        assert skill is not None and skill > 0.5, (
            f"{output.observation.headline} is only {skill} of the way from chance to perfect"
        )

    def test_task__its_weight_scales_the_total(self) -> None:
        """In the whole model, ``weight`` multiplies the task's loss alone, and the network is trained."""
        model = self._model(weight=1.0)
        random = torch.Generator().manual_seed(0)
        centres = self.views(self.build()[1]).centres[:2]
        images = torch.randn(*centres.shape[:2], 1, 16, 16, 16, generator=random)
        address = torch.tensor([[0, 0], [0, 1]])
        plain = model(images, centres, 48.0, address)
        heavy = self._model(weight=2.5)(images, centres, 48.0, address)
        torch.testing.assert_close(heavy.loss, 2.5 * plain.loss)
        assert_same_rows(heavy.observations[0].rows, plain.observations[0].rows, tolerance=0)
        plain.loss.backward()
        first = next(model.backbone.parameters())
        assert first.grad is not None and first.grad.abs().max() > 0, "the first layer of the network is not trained"

    def _usual_count(self) -> int:
        return 3 if 3 in self.view_counts else self.view_counts[0]

    @property
    def name(self) -> str:
        """Key in settings and records."""
        return self.task.card.name

    def _model(self, weight: float) -> SpatialModel:
        network = NetworkSettings(name="unet", size="tiny", options={"features": (4, 8, 8)}, embedding=16)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            path = f"{self.task.__module__}:{self.task.__qualname__}"
            tasks = {self.name: {**self.settings, "weight": weight, CLASS: path}}
            count = self._usual_count()
            return SpatialModel(network, tasks, TeacherSettings(), in_channels=1, views=count, view=16, spacing=3.0)


def assert_same_rows(one: Rows, other: Rows, *, tolerance: float) -> None:
    """Assert equal columns, numbers to within ``tolerance`` and everything else exactly.

    Raises:
        AssertionError: naming the first column that differs.
    """
    assert one.keys() == other.keys(), f"columns {sorted(one)} against {sorted(other)}"
    for name, column in one.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(column, other[name], rtol=0, atol=tolerance, err_msg=f"column {name}")
        else:
            np.testing.assert_array_equal(column, other[name], err_msg=f"column {name}")
