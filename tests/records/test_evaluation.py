"""The record of an evaluation: figures under stable names, and files that are refused with what to do."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from orienteer.errors import RunError
from orienteer.records import Measure, Metric
from orienteer.records.card import ProbeCard, TaskCard
from orienteer.records.evaluation import EVALUATION_VERSION, EvaluationRecord, ProbeResult, TaskResult, Value
from orienteer.records.verdict import Probed, judge

METRICS = (
    Metric(name="far_mm", title="Far off", unit="mm", shown="card"),
    Metric(name="right", title="Right", unit="fraction", better="higher", shown="card"),
    Metric(name="right_all", title="Of all", unit="fraction", better="higher", shown="card", stands_in_for="right"),
    Metric(name="detail_mm", title="Detail", unit="mm"),
)
CARD = TaskCard(
    name="mine", title="Mine", question="?", intro="...", source="...", spatial=True, metrics=METRICS, evidence=()
)
GREY = ProbeCard(name="grey", title="grey", meaning="grey views", look="near chance", leaves="no anatomy")


def result(**values: float) -> TaskResult:
    """Far off by so many mm, right in so many cases."""
    measures = {
        name: Value.of(Measure(value, CARD.metric(name).unit, 60.0, CARD.metric(name).better), (1.0, 9.0))
        for name, value in values.items()
    }
    return TaskResult(card=CARD, measures=measures)


def record(**values: float) -> EvaluationRecord:
    task = result(**(values or {"far_mm": 5.0, "right": 0.9, "detail_mm": 1.0}))
    measure = task.measures["far_mm"].measure
    grey = Measure(58.0, "mm", 60.0)
    return EvaluationRecord(
        name="test", split="test", seen="none", step=7, samples=8, scans=2, subjects=2, tasks=(task,),
        probes=(ProbeResult(card=GREY, measured=Value.of(grey)),),
        verdict=judge(measure, [Probed(GREY, grey)], METRICS[0]).model_copy(update={"task": "mine"}),
    )  # fmt: skip


def test_at_chance__names_the_tasks_that_learned_nothing() -> None:
    def other(name: str, value: float, *interval: float) -> TaskResult:
        metric = Metric(name="hits", title="Hits", unit="fraction", better="higher")
        card = CARD.model_copy(update={"name": name, "title": name.title(), "metrics": (metric,)})
        span = (interval[0], interval[1]) if interval else None
        return TaskResult(card=card, measures={"hits": Value.of(Measure(value, "fraction", 0.5, "higher"), span)})

    def said(*tasks: TaskResult) -> str:
        whole = record()
        return whole.model_copy(update={"tasks": (*whole.tasks, *tasks)}).at_chance

    assert record().verdict.label == "learning" and said() == "" == said(
        other("good", 0.6), other("sure", 0.6, 0.55, 0.7)
    )
    assert said(other("below", 0.4), other("good", 0.6), other("wide", 0.6, 0.45, 0.7)) == (
        "Not shown to be better than chance: Below (hits 40.0 %, chance 50.0 %), Wide (hits 60.0 %, chance 50.0 %)."
    )
    assert said(other("unknown", float("nan"))) == ""
    stuck = record(far_mm=59.0)
    assert stuck.verdict.label == "stuck" and stuck.at_chance == ""


def test_figures__are_values_chances_and_intervals_of_key_figures() -> None:
    assert record().figures == {
        "far_mm": 5.0,
        "far_mm_chance": 60.0,
        "far_mm_interval": (1.0, 9.0),
        "right": 0.9,
        "right_chance": 60.0,
        "right_interval": (1.0, 9.0),
    }


def test_figures__what_is_not_finite_is_none_under_its_name() -> None:
    assert record(far_mm=math.nan).figures["far_mm"] is None


def test_key_figures__a_stand_in_is_shown_only_where_it_must() -> None:
    names = [metric.name for metric, _ in result(far_mm=5.0, right=0.9, right_all=0.8).key_figures]
    assert names == ["far_mm", "right"]
    names = [metric.name for metric, _ in result(far_mm=5.0, right=math.nan, right_all=0.8).key_figures]
    assert names == ["far_mm", "right_all"]
    names = [metric.name for metric, _ in result(right=math.nan, right_all=math.nan).key_figures]
    assert names == ["right"], "nothing can stand in"


def test_value__keeps_what_a_measure_says() -> None:
    measure = Measure(0.8, "fraction", 0.5, "higher")
    assert Value.of(measure).measure == measure
    assert Value.of(measure).skill == measure.skill == pytest.approx(0.6)
    lost = Value.of(Measure(math.nan, "mm", math.inf))
    assert (lost.value, lost.chance, lost.skill) == (None, None, None) and math.isnan(lost.measure.value)


def test_record__is_read_as_it_was_written(tmp_path: Path) -> None:
    record().write(tmp_path)
    assert EvaluationRecord.read(tmp_path) == record()
    assert [path.name for path in tmp_path.iterdir()] == ["evaluation.json"]
    document = json.loads((tmp_path / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert document["v"] == EVALUATION_VERSION == 2
    assert record().judged == (CARD, METRICS[0], record().tasks[0].measures["far_mm"])
    assert record().task("mine") == record().tasks[0] and record().task("another") is None


def test_summary__is_what_scripts_get() -> None:
    summary = record().summary()
    json.dumps(summary, allow_nan=False)
    assert summary["far_mm"] == 5.0 and summary["far_mm_interval"] == [1.0, 9.0]
    assert summary["probes"]["grey"]["value"] == 58.0  # type: ignore[index,call-overload]
    assert (summary["verdict"], summary["split"], summary["seen"], summary["step"]) == ("learning", "test", "none", 7)


def test_read__a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"evaluation\.json") as caught:
        EvaluationRecord.read(tmp_path / "val")
    assert "orienteer evaluate RUN STORE --name val --overwrite" in caught.value.cure


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


@pytest.mark.parametrize(
    ("text", "words", "cure"),
    [
        ("{", "is damaged", "measure it again"),
        ("[]", "of version None", "upgrade"),
        ("[" * 100_000, "is damaged", "measure it again"),
        ('{"v": 1, "figures": {}}', "before tasks described themselves", "measure it again"),
        ('{"v": 3}', "of version 3, not 2", "upgrade orienteer"),
        ('{"v": "2"}', "of version 2", "upgrade"),
        ('{"v": 2}', "damaged at name", "measure it again"),
    ],
)
def test_read__what_it_does_not_understand_is_refused_with_a_cure(
    tmp_path: Path, text: str, words: str, cure: str
) -> None:
    (tmp_path / "evaluation.json").write_text(text)
    with pytest.raises(RunError, match=words) as caught:
        EvaluationRecord.read(tmp_path)
    assert cure in caught.value.cure


@pytest.mark.parametrize("key", ["split", "tasks", "verdict"])
def test_read__what_is_missing_is_said(tmp_path: Path, key: str) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps(without(record().model_dump(mode="json"), key)))
    with pytest.raises(RunError, match=f"damaged at {key}"):
        EvaluationRecord.read(tmp_path)


@pytest.mark.parametrize("change", [{"task": "another"}, {"metric": "another"}])
def test_judged__of_a_verdict_that_rests_on_nothing_is_none(change: dict) -> None:
    """An edited record does not fail where somebody draws it."""
    verdict = record().verdict.model_copy(update=change)
    assert record().model_copy(update={"verdict": verdict}).judged is None
