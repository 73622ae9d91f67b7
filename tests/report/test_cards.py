"""The top of the page: verdict, key figures, table of evaluations."""

from pathlib import Path

import pytest

from orienteer.records.evaluation import EvaluationRecord, TaskResult, Value
from orienteer.records.metric import Metric
from orienteer.report.cards import FigureCard, cards_of, evaluation_table, people, verdict_of
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import RunRecords, read_run

from .hand_made import ADJACENCY, card
from .run_folder import edited, make_run


def _cards(record: EvaluationRecord) -> dict[str, FigureCard]:
    return {card.title: card for card in cards_of(record)}


def _with(record: EvaluationRecord, *results: TaskResult) -> EvaluationRecord:
    return record.model_copy(update={"tasks": results})


def test_verdict_of__keeps_the_sentence_its_evidence_and_its_rule(lead: Evaluated) -> None:
    verdict = verdict_of(lead)
    assert verdict.label == "learning" and verdict.headline == "It is learning anatomy."
    assert verdict.sentence == lead.record.verdict.sentence and len(verdict.evidence) == 3
    assert verdict.rule == lead.record.verdict.rule.sentences()


def test_verdict_of__none_before_an_evaluation() -> None:
    verdict = verdict_of(None)
    assert verdict.label == "none" and "evaluation has not run" in verdict.sentence


def test_verdict_of__without_probes_nothing_says_that_it_is_anatomy(lead: Evaluated) -> None:
    without = Evaluated(lead.record.model_copy(update={"probes": ()}))
    assert verdict_of(without).headline == "It is learning."


def test_verdict_of__never_green_over_a_task_at_chance(lead: Evaluated) -> None:
    assert verdict_of(lead).tone == "learning"
    chance = Value(value=0.5, unit="fraction", chance=0.5, better="higher")
    record = lead.record.model_copy(
        update={"tasks": (*lead.record.tasks, TaskResult(card=ADJACENCY.card, measures={"adjacency_accuracy": chance}))}
    )
    verdict = verdict_of(Evaluated(record))
    assert (verdict.label, verdict.tone) == ("learning", "partly")
    assert verdict.headline == "It is learning, but not every task." and "Adjacency" in verdict.sentence


def test_cards_of__show_value_unit_chance_and_interval(lead: Evaluated) -> None:
    cards, (metric, value) = _cards(lead.record), lead.record.tasks[0].key_figures[0]
    assert value.value is not None and value.chance is not None and value.interval is not None
    shown = cards["Gap error"]
    assert shown.value == f"{value.value:.1f} mm" and shown.chance == f"{value.chance:.1f} mm"
    assert shown.chance_words == metric.chance == "answering “no gap at all”"
    assert shown.skill == pytest.approx(1 - value.value / value.chance)
    assert shown.interval == f"95 % interval {value.interval[0]:.1f} to {value.interval[1]:.1f} mm"
    assert cards["Direction error"].chance == "90.0°" and cards["Adjacency accuracy"].chance == "50.0 %"
    assert cards["Route closure"].chance is None and cards["Route closure"].skill is None


def test_cards_of__skill_of_a_fraction_runs_up_to_one(lead: Evaluated) -> None:
    value = Value(value=0.9, unit="fraction", chance=0.5, better="higher")
    record = _with(lead.record, TaskResult(card=ADJACENCY.card, measures={"adjacency_accuracy": value}))
    assert _cards(record)["Adjacency accuracy"].skill == pytest.approx(0.8)


def test_cards_of__a_figure_that_could_not_be_measured_has_its_stand_in(lead: Evaluated) -> None:
    all_pairs = Value(value=0.8, unit="fraction", chance=0.5, better="higher")
    none = Value(value=None, unit="fraction", chance=0.5, better="higher")
    measures = {"adjacency_accuracy": none, "adjacency_accuracy_all": all_pairs}
    (shown,) = cards_of(_with(lead.record, TaskResult(card=ADJACENCY.card, measures=measures)))
    assert (shown.title, shown.value, shown.chance) == ("Adjacency accuracy, all pairs", "80.0 %", "50.0 %")
    assert "in scans this small no two differ by 30 mm" in shown.meaning


def test_cards_of__a_title_that_two_tasks_share_names_its_task(lead: Evaluated) -> None:
    metric = Metric(name="error_mm", title="Error", unit="mm", shown="card")
    value = Value(value=3.0, unit="mm")
    results = [TaskResult(card=card(name, metric), measures={"error_mm": value}) for name in ("one", "two")]
    assert [shown.title for shown in cards_of(_with(lead.record, *results))] == ["Error (Task one)", "Error (Task two)"]


def test_people__names_split_subjects_and_scans(lead: Evaluated) -> None:
    assert people(lead.record) == "8 test subjects, 8 scans, 64 samples"
    other = lead.record.model_copy(update={"name": "clinic", "split": "clinic"})
    assert people(other).startswith("8 subjects of “clinic”")


def test_people__of_another_store_go_by_the_name_of_the_evaluation(lead: Evaluated) -> None:
    # Its split says who was held out of nothing that this run knows.
    for name in ("clinic", "test"):
        record = lead.record.model_copy(update={"name": name, "seen": "unknown", "subjects": 4})
        assert people(record).startswith(f"4 subjects of “{name}”")


def test_evaluation_table__marks_the_one_the_page_is_about(records: RunRecords) -> None:
    columns, rows = evaluation_table(records)
    assert columns[:2] == ["Gap error", "Adjacency accuracy"] and len(columns) == 6
    assert [(row["name"], row["lead"]) for row in rows] == [("test", True), ("val", False)]
    value = records.evaluations[0].record.tasks[0].measures["gap_error_mm"].value
    assert rows[0]["values"][0] == f"{value:.1f} mm"


def test_evaluation_table__has_the_figures_of_every_evaluation(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap", "route"))
    path = run / "evaluations" / "val" / "evaluation.json"
    record = EvaluationRecord.read(path.parent)
    edited(path, tasks=[task.model_dump(mode="json") for task in record.tasks[:1]])
    columns, rows = evaluation_table(read_run(run))
    assert columns == ["Gap error", "Direction error", "Route arrival", "Route closure"]
    assert rows[1]["values"][1:] == ["–"] * 3 and "–" not in rows[0]["values"]
