"""A model under shifts: an oracle of geometry holds under all of them, one of contrast only as long as it stays."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.evaluation.assess import assess
from orienteer.evaluation.elsewhere import elsewhere
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.evaluation.shifts import Shift, shifts
from orienteer.pretext.contract import vector_columns
from orienteer.pretext.gap import GapTask
from orienteer.pretext.model import ModelOutput, Seen, SpatialModel
from orienteer.records import Observation
from orienteer.records.evaluation import EvaluationRecord, ShiftResult
from orienteer.records.metric import Metric
from orienteer.sampling import Sampler, crop

CPU = torch.device("cpu")
METRIC: Metric = GapTask.card.judged


class Clock(nn.Module):
    """Answers with the truth, off by 30 mm wherever ``wrong`` says so of a view's voxels."""

    def __init__(self, wrong: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self.wrong = wrong
        self.tasks = {"gap": GapTask}
        self.cards = (GapTask.card,)
        self.shown: list[Tensor] = []
        self.anatomy: list[Tensor] = []

    def task(self, name: str) -> type[GapTask]:
        return self.tasks[name]

    def forward(self, images: Tensor, centres: Tensor, view_mm: float, address: Tensor, *, anatomy: Tensor) -> Any:
        self.shown.append(images)
        self.anatomy.append(anatomy)
        off = torch.tensor([[30.0 * self.wrong(view) for view in sample] for sample in images])
        true = centres[:, 1] - centres[:, 0]
        predicted = true + torch.stack([off[:, 1], off[:, 1] * 0, off[:, 1] * 0], dim=1)
        rows = {
            "sample": np.arange(len(images), dtype=np.int32),
            **vector_columns("true", true.numpy().astype(np.float32)),
            **vector_columns("pred", predicted.numpy().astype(np.float32)),
        }
        return ModelOutput(torch.zeros(()), Seen(lambda: Observation("gap", GapTask.measure(rows), rows)))


def never(view: Tensor) -> bool:
    return False


def measured(model: Any, sampler: Sampler, chosen: tuple[Shift, ...], samples: int = 24) -> dict[str, ShiftResult]:
    found = elsewhere(model, sampler, samples, judged=GapTask.card, metric=METRIC, device=CPU, chosen=chosen)
    return {result.card.name: result for result in found}


def named(*names: str) -> tuple[Shift, ...]:
    return tuple(shift for shift in shifts(3.0) if shift.card.name in names)


def test_elsewhere__who_knows_the_geometry_holds_under_every_shift(sampler: Sampler) -> None:
    found = measured(Clock(never), sampler, shifts(3.0))
    assert set(found) == {shift.card.name for shift in shifts(3.0)}
    for result in found.values():
        assert result.measured.value == pytest.approx(0, abs=1e-3), result.card.title
        assert result.withstood == "holds" and result.cost == pytest.approx(0, abs=1e-3)
        assert result.cost_interval is not None and result.measured.interval is not None


def test_elsewhere__truth_moves_with_tilt_and_size(sampler: Sampler) -> None:
    found = measured(Clock(never), sampler, named("size-85", "size-115", "tilt-20"))
    for name, size in (("size-85", 0.85), ("size-115", 1.15), ("tilt-20", 1.0)):
        assert found[name].measured.chance == pytest.approx(size * (found[name].as_is.chance or 0), rel=1e-5)


def test_elsewhere__who_reads_brightness_is_weaker_where_brightness_changes(sampler: Sampler) -> None:
    model = Clock(never)
    measured(model, sampler, named("noise-0.15"))
    usual = [float(view.mean()) for batch in model.shown[::2] for sample in batch for view in sample]
    low, high = min(usual) - 0.05, max(usual) + 0.05
    reader = Clock(lambda view: not low < float(view.mean()) < high)
    found = measured(reader, sampler, named("inverted", "noise-0.15"))
    assert (found["inverted"].cost or 0) > 1 > abs(found["noise-0.15"].cost or 0)
    assert found["inverted"].as_is.value == found["noise-0.15"].as_is.value, "the same views as they are"


def test_elsewhere__views_are_those_of_the_sampler_and_body_is_told_by_the_scan_as_it_is(sampler: Sampler) -> None:
    model = Clock(never)
    measured(model, sampler, named("inverted"), samples=len(sampler.ids))
    plain, inverted = model.shown[0], model.shown[1]
    np.testing.assert_array_equal(plain[0].numpy(), crop(sampler.draw(0), sampler.store).plain)
    assert not torch.equal(plain, inverted)
    torch.testing.assert_close(model.anatomy[1], plain)


def test_elsewhere__a_part_of_the_field_shows_views_inside_it(sampler: Sampler) -> None:
    found = measured(Clock(never), sampler, named("field-80", "field-60"))
    for result in found.values():
        assert (result.as_is.chance or 0) > 0 and result.samples <= 24
        assert result.measured.chance == pytest.approx(result.as_is.chance or 0)


def test_elsewhere__scans_too_small_for_what_is_left_are_left_out(sampler: Sampler) -> None:
    (shift,) = named("field-60")
    tiny = dataclasses.replace(shift, kept=0.1)
    assert measured(Clock(never), sampler, (tiny,)) == {}


def test_elsewhere__same_answers_whatever_else_is_measured(sampler: Sampler, untrained: SpatialModel) -> None:
    alone = measured(untrained, sampler, named("remapped"))["remapped"]
    among = measured(untrained, sampler, named("inverted", "remapped", "tilt-10"))["remapped"]
    assert alone == among


def test_assess__records_shifts_where_they_were_asked_for(
    untrained: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    settings = EvaluationSettings(final_per_scan=2, final_samples=16, examples=0)
    said: list[float] = []
    assess(
        untrained, sampler, settings, folder=tmp_path / "all", split="all", step=7, device=CPU, shifted=True,
        progress=lambda what, share: said.append(share),
    )  # fmt: skip
    record = EvaluationRecord.read(tmp_path / "all")
    assert {shift.card.name for shift in record.shifts} >= {"inverted", "remapped", "tilt-20", "size-115"}
    assert said == sorted(said) and said[-1] == pytest.approx(1.0)
    plain = assess(untrained, sampler, settings, folder=tmp_path / "plain", split="all", step=7, device=CPU).record
    assert plain.shifts == () and plain.tasks == record.tasks
