"""The top of the page: verdict, key figures, table of evaluations."""

import pytest

from orienteer.report.cards import (
    Card,
    cards_of,
    closes_by_algebra,
    evaluation_rows,
    people,
    verdict_of,
)
from orienteer.report.measures import duration, shown, title_of
from orienteer.report.read import EvaluationRecords, RunRecords

ALL = ("gap", "adjacency", "route", "position")


def _cards(evaluation: EvaluationRecords, *, trained: tuple[str, ...] = ALL, algebra: bool = False) -> dict[str, Card]:
    return {card.title: card for card in cards_of(evaluation, trained=trained, closes_by_algebra=algebra)}


def test_verdict_of__keeps_the_sentence_and_its_evidence(lead: EvaluationRecords) -> None:
    verdict = verdict_of(lead)
    assert verdict.label == "learning" and verdict.headline == "It is learning anatomy."
    assert verdict.sentence == lead.record["verdict"]["sentence"] and len(verdict.evidence) == 3


def test_verdict_of__does_not_say_the_verdict_twice() -> None:
    recorded = {"label": "stuck", "sentence": "Stuck: on people it has not seen", "evidence": []}
    assert verdict_of(EvaluationRecords("val", {"verdict": recorded})).sentence == "On people it has not seen"


def test_cards_of__adjacency_comes_with_the_rank_of_its_embedding() -> None:
    measures = {"embedding_rank": {"value": 4.6, "unit": "rank"}}
    record = {"figures": {"adjacency_accuracy": 0.9}, "observations": {"adjacency": {"measures": measures}}}
    assert "4.6" in _cards(EvaluationRecords("val", record))["Adjacency accuracy"].note


def test_verdict_of__none_before_an_evaluation() -> None:
    verdict = verdict_of(None)
    assert verdict.label == "none" and "evaluation has not run" in verdict.sentence


def test_verdict_of__a_label_it_does_not_know_is_no_verdict() -> None:
    assert verdict_of(EvaluationRecords("val", {"verdict": {"label": "brilliant"}})).label == "none"


def test_cards_of__show_value_unit_and_chance(lead: EvaluationRecords) -> None:
    cards = _cards(lead)
    assert cards["Gap error"].value == f"{lead.figures['gap_error_mm']:.1f} mm"
    assert cards["Gap error"].chance == f"{lead.figures['gap_chance_mm']:.1f} mm"
    assert cards["Direction error"].chance == "90.0°"
    assert cards["Adjacency accuracy"].chance == "50.0 %"
    skill = cards["Gap error"].skill
    assert skill == pytest.approx(1 - lead.figures["gap_error_mm"] / lead.figures["gap_chance_mm"])
    low, high = lead.figures["gap_error_interval_mm"]
    assert cards["Gap error"].interval == f"95 % interval {low:.1f} to {high:.1f} mm"


def test_cards_of__skill_of_a_fraction_runs_up_to_one() -> None:
    evaluation = EvaluationRecords("val", {"figures": {"adjacency_accuracy": 0.9}})
    assert _cards(evaluation)["Adjacency accuracy"].skill == pytest.approx(0.8)


def test_cards_of__adjacency_of_small_scans_shows_all_pairs_and_says_so() -> None:
    measures = {"adjacency_accuracy_all": {"value": 0.8, "unit": "fraction", "chance": 0.5, "better": "higher"}}
    record = {"figures": {"adjacency_accuracy": None}, "observations": {"adjacency": {"measures": measures}}}
    card = _cards(EvaluationRecords("val", record))["Adjacency accuracy, all pairs"]
    assert (card.value, card.chance) == ("80.0 %", "50.0 %") and card.skill == pytest.approx(0.6)
    assert "in scans this small no two differ by 30 mm" in card.meaning


def test_cards_of__closure_has_no_chance_and_no_meter(lead: EvaluationRecords) -> None:
    card = _cards(lead)["Route closure"]
    assert card.chance is None and card.skill is None and "Standing still" in card.note


def test_cards_of__an_algebraic_closure_is_called_so(lead: EvaluationRecords) -> None:
    assert "Zero by construction" in _cards(lead, algebra=True)["Route closure"].note


def test_cards_of__an_untrained_task_is_said_to_be_untrained() -> None:
    cards = _cards(
        EvaluationRecords("val", {"figures": {"gap_error_mm": 5.0, "route_arrival_mm": None}}),
        trained=("gap",),
    )
    assert (
        cards["Route arrival"].value is None
        and cards["Route arrival"].note == "Directions and routes: not trained in this run."
    )
    assert "Position error" not in cards


def test_closes_by_algebra__follows_the_recorded_form(records: RunRecords, lead: EvaluationRecords) -> None:
    assert not closes_by_algebra(records, lead)
    figures = EvaluationRecords("val", {"figures": {"forms": {"route": "difference"}}})
    assert closes_by_algebra(records, figures)


def test_people__names_split_persons_and_scans(lead: EvaluationRecords) -> None:
    assert people(lead) == "8 test people, 8 scans, 64 samples"
    assert people(EvaluationRecords("clinic", {"split": "clinic"})) == "people of “clinic”"


def test_people__of_another_store_go_by_the_name_of_the_evaluation() -> None:
    # Its split says who was held out of nothing that this run knows.
    record = {"split": "test", "seen": "unknown", "persons": 4}
    assert people(EvaluationRecords("clinic", record)) == "4 people of “clinic”"
    assert people(EvaluationRecords("test", record)) == "4 people of “test”"


def test_evaluation_rows__mark_the_one_the_page_is_about(records: RunRecords) -> None:
    rows = evaluation_rows(records)
    assert [(row["name"], row["lead"]) for row in rows] == [("test", True), ("val", False)]
    assert rows[0]["values"][0] == f"{records.evaluations[0].figures['gap_error_mm']:.1f} mm"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.44, "mm", "5.4 mm"),
        (0.921, "fraction", "92.1 %"),
        (7.26, "deg", "7.3°"),
        (143.2, "mm", "143 mm"),
        (3, "1", "3.0"),
    ],
)
def test_shown__has_unit_and_a_sensible_precision(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.2, "4 s"), (59.6, "1 min 00 s"), (580.2, "9 min 40 s"), (11_100, "3 h 05 min")]
)
def test_duration__reads_like_speech(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_title_of__unknown_measures_get_readable_names() -> None:
    assert title_of("left_right_swap_mm") == "Left right swap" and title_of("gap_error_mm") == "Gap error"
