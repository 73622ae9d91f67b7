"""The verdict of a run that still trains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from orienteer.evaluation.measure import measure
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.evaluation.so_far import NAME, judge_so_far
from orienteer.records.evaluation import EvaluationRecord
from orienteer.report.cards import verdict_of
from orienteer.report.evaluated import read_evaluated
from orienteer.sampling import Sampler
from tests.evaluation.conftest import Oracle
from tests.evaluation.test_assess import Make, anatomy, brightness, nothing, outermost

SETTINGS = EvaluationSettings(per_scan=2, batch=8)
CPU = torch.device("cpu")


def judged(model: Any, sampler: Sampler, folder: Path, step: int) -> EvaluationRecord:
    samples = SETTINGS.per_scan * len(sampler.ids)
    seen = measure(model, sampler, samples, batch=8, device=CPU)
    return judge_so_far(
        model, sampler, seen.observations, SETTINGS, samples=samples, among=len(sampler.ids), step=step,
        folder=folder / NAME, device=CPU,
    )  # fmt: skip


@pytest.mark.parametrize(("key", "label"), [(anatomy, "learning"), (outermost, "cheating"), (brightness, "cheating")])
def test_so_far__judges_as_the_end_would(
    oracle: Make, sampler: Sampler, tmp_path: Path, key: Callable[[torch.Tensor], bytes], label: str
) -> None:
    record = judged(oracle(key), sampler, tmp_path, step=25)
    assert (record.verdict.label, record.step, record.agreeing) == (label, 25, 1)
    assert record.so_far.startswith(f"so far: {label} (provisional); 1 of 1 task better than chance")


def test_so_far__a_verdict_is_provisional_until_it_holds_twice(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    knowing, saying_nothing = oracle(anatomy), Oracle(nothing, {})
    firmness = [
        judged(model, sampler, tmp_path, step).agreeing
        for step, model in ((25, saying_nothing), (50, knowing), (100, knowing), (200, saying_nothing))
    ]
    assert firmness == [1, 1, 2, 1]
    assert judged(saying_nothing, sampler, tmp_path, step=100).agreeing == 1, "went back to an earlier checkpoint"


def test_so_far__where_nothing_was_learned_nothing_is_probed_and_the_task_is_named(
    sampler: Sampler, tmp_path: Path
) -> None:
    record = judged(Oracle(nothing, {}), sampler, tmp_path, step=25)
    assert record.verdict.label == "stuck" and not record.probes
    assert "0 of 1 task better than chance, not yet Gap matrix" in record.so_far


def test_so_far__the_report_opens_it_and_says_how_firm_it_is(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    problems: list[str] = []
    for step, words in ((25, "provisional at step 25"), (50, "as of step 50")):
        judged(oracle(anatomy), sampler, tmp_path, step)
        evaluated = read_evaluated(tmp_path / NAME, problems)
        assert evaluated is not None and evaluated.rows("gap") is not None
        assert words in verdict_of(evaluated).headline
    assert not problems
