"""Cheating is found for any task about space, ours or not: what decides is its card, not its name.

A report once said "It is cheating" of a task it did not know by name, and below "there is no place to cheat about".
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.evaluation.assess import assess
from orienteer.evaluation.probes import PROBES
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.networks.backbone import Features
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import TASKS, task_type
from orienteer.pretext.teacher import TeacherSettings
from orienteer.records.evaluation import EvaluationRecord
from orienteer.sampling import Sampler, ViewSettings, crop
from orienteer.store import Store
from orienteer.testing.phantom import phantom, store_of
from tests.evaluation.test_assess import anatomy, brightness, nothing, outermost
from tests.pretext.outside_task import DistanceTask

SETTINGS = EvaluationSettings(final_per_scan=2, batch=8, examples=0)
HERE = f"{__name__}:"
KEPT = {"anatomy": "the inside", "outermost": "the border", "brightness": "no anatomy"}
"""What a probe must leave for a model to keep its skill, by what it reads."""


class Blurred(DistanceTask):
    """The same task, which says that its answers are no places."""

    card = DistanceTask.card.model_copy(update={"name": "blurred", "spatial": False})


class Reads(nn.Module):
    """Stands in for a backbone: a view's embedding is its position, found by the key that it reads; else zero."""

    def __init__(self, key: Callable[[Tensor], bytes], known: dict[bytes, np.ndarray]) -> None:
        super().__init__()
        self.key, self.known = key, known

    def forward(self, images: Tensor) -> Features:
        nowhere = np.zeros(3)
        places = np.array([self.known.get(self.key(image), nowhere) for image in images])
        return Features(embedding=torch.from_numpy(places).float(), dense=None)


class Length(nn.Module):
    """Stands in for the head: squares of differences in mm become a length."""

    def forward(self, squares: Tensor) -> Tensor:
        return squares.sum(-1, keepdim=True).sqrt() / 50


def model_of(tasks: dict, *, views: int = 3) -> SpatialModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpatialModel(
            NetworkSettings(size="tiny"), tasks, TeacherSettings(), in_channels=1, views=views, view=16, spacing=3.0
        )


def reader(sampler: Sampler, name: str, path: str, key: Callable[[Tensor], bytes]) -> SpatialModel:
    """A model with one task, named by import path, that knows positions from one thing only."""
    model = model_of({name: {"class": path}})
    known = {}
    for number in range(SETTINGS.final_per_scan * len(sampler.ids)):
        sample = crop(sampler.draw(number), sampler.store)
        known |= {key(torch.from_numpy(view)): c for view, c in zip(sample.images, sample.centres, strict=True)}
    model.backbone = Reads(key, known)  # type: ignore[assignment]
    model.task(name).head = Length()
    return model


def judged(model: SpatialModel, sampler: Sampler, folder: Path) -> EvaluationRecord:
    """The record as it lies on disk."""
    assess(model, sampler, SETTINGS, folder=folder, split="val", step=7, device=torch.device("cpu"))
    return EvaluationRecord.read(folder)


@pytest.mark.parametrize(
    ("key", "label"),
    [(anatomy, "learning"), (outermost, "cheating"), (brightness, "cheating"), (nothing, "stuck")],
)
def test_honesty__of_an_outside_task_about_space(sampler: Sampler, tmp_path: Path, key: Callable, label: str) -> None:
    """The right verdict, with every probe in the record in the task's own metric."""
    record = judged(reader(sampler, "distance", "tests.pretext.outside_task:DistanceTask", key), sampler, tmp_path)
    verdict = record.verdict
    assert (verdict.label, verdict.task, verdict.metric) == (label, "distance", "separation_error_mm"), verdict.evidence
    assert [probe.card.name for probe in record.probes] == list(PROBES)
    assert {probe.measured.unit for probe in record.probes} == {"mm"}
    assert len(verdict.evidence) == 1 + len(PROBES)
    if label == "cheating":
        keeps = {probe.card.leaves for probe in record.probes if (probe.measured.skill or 0) > 0.9}
        assert KEPT[key.__name__] in keeps
        (probe,) = (p for p in record.probes if p.card.meaning in verdict.sentence)
        assert "keeps" in verdict.sentence and probe.measured.value is not None


@pytest.mark.parametrize("key", [brightness, outermost])
def test_honesty__of_an_outside_task_that_is_not_about_space_is_not_asked(
    sampler: Sampler, tmp_path: Path, key: Callable
) -> None:
    """The very model that cheats above: where no position is asked for, there is none to cheat about."""
    record = judged(reader(sampler, "blurred", f"{HERE}Blurred", key), sampler, tmp_path)
    assert (record.verdict.label, record.verdict.task, record.probes) == ("learning", "blurred", ())
    assert len(record.verdict.evidence) == 1


def test_honesty__an_outside_task_about_space_goes_before_one_that_restores(sampler: Sampler, tmp_path: Path) -> None:
    tasks = {"masked": {"views": 1}, "distance": {"class": "tests.pretext.outside_task:DistanceTask"}}
    record = judged(model_of(tasks), sampler, tmp_path)
    assert record.verdict.task == "distance" and len(record.probes) == len(PROBES)
    assert [task.card.name for task in record.tasks] == ["masked", "distance"]


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three bodies that have room for any placement of views."""
    scans = {f"b{n}": phantom(n, shape=(64, 60, 62))[0].array[0] for n in range(3)}
    return Store.open(store_of(tmp_path_factory.mktemp("bodies"), scans))


@pytest.mark.parametrize("name", TASKS)
def test_honesty__every_task_is_probed_exactly_if_it_is_about_space(name: str, bodies: Store, tmp_path: Path) -> None:
    """All ten, as they come: an untrained model is never called a cheat, and what is recorded fits the card."""
    placement = task_type(name).placement or "free"
    count = 10 if placement == "grid" else 3
    views = ViewSettings(size=16, count=count, placement=placement)
    sampler = Sampler(bodies, bodies.ids(), views, seed=1, augment=False)
    record = judged(model_of({name: {}}, views=count), sampler, tmp_path)
    assert (len(record.probes) > 0) == task_type(name).card.spatial
    assert record.verdict.task == name and record.verdict.label != "cheating", record.verdict
    assert record.judged is not None and record.judged[2].value is not None
    assert {probe.measured.unit for probe in record.probes} <= {record.judged[1].unit}
