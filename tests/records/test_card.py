"""Cards: what a task says about itself, which of its metrics a verdict rests on, and on which task."""

import pytest
from pydantic import ValidationError

from orienteer.records import Measure, Metric
from orienteer.records.card import TaskCard, judged_card, unlisted_metric
from orienteer.records.evidence import Displacements, Numbers, Paths, Points

MM = Metric(name="far_mm", title="Far off", unit="mm")
SHARE = Metric(name="right", title="Right", unit="fraction", better="higher")
ALL = Metric(name="right_all", title="Right of all", unit="fraction", better="higher", stands_in_for="right")


def card(name: str, *metrics: Metric, spatial: bool = True, **more: object) -> TaskCard:
    words = dict.fromkeys(("title", "question", "intro", "source"), "...")
    found = {"name": name, "spatial": spatial, "metrics": metrics or (MM,), "evidence": (), **words, **more}
    return TaskCard.model_validate(found)


def test_card__survives_json() -> None:
    whole = card("a", MM, SHARE, evidence=(Displacements(scale="scale"), Paths(closes=True), Points()))
    assert TaskCard.model_validate_json(whole.model_dump_json()) == whole


def test_card__keys_of_a_later_version_are_passed_over() -> None:
    later = {**card("a").model_dump(), "colour": "red"}
    assert TaskCard.model_validate(later) == card("a")


@pytest.mark.parametrize(
    "wrong", [{"metrics": ()}, {"metrics": (MM, MM)}, {"judged_by": "another"}, {"evidence": ({"kind": "dream"},)}]
)
def test_card__refuses_what_cannot_be_shown(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        card("a", **{"metrics": (MM,), **wrong})


def test_card__columns_are_those_of_its_evidence_once_each() -> None:
    both = card("a", evidence=(Displacements(), Numbers(title="n", unit="mm", true="true_r", pred="guess")))
    assert both.columns == (
        "view_i", "view_j", "true_r", "true_a", "true_s", "pred_r", "pred_a", "pred_s", "guess"
    )  # fmt: skip


def test_card__is_judged_by_its_headline_unless_it_says_otherwise() -> None:
    assert card("a", SHARE, MM).judged == SHARE
    assert card("a", SHARE, MM, judged_by="far_mm").judged == MM


@pytest.mark.parametrize(
    ("measured", "judged"),
    [
        ({"right": 0.9, "right_all": 0.8}, "right"),
        ({"right": float("nan"), "right_all": 0.8}, "right_all"),
        ({"right_all": 0.8}, "right_all"),
        ({"right": float("nan"), "right_all": float("nan")}, "right"),
        ({}, "right"),
    ],
)
def test_judged_in__where_a_metric_has_no_value_another_stands_in(measured: dict, judged: str) -> None:
    """Chunks of a small scan are never 30 mm apart: its accuracy is that of all pairs, and it is no failure."""
    measures = {name: Measure(value, "fraction", 0.5, "higher") for name, value in measured.items()}
    assert card("a", SHARE, ALL, MM).judged_in(measures).name == judged


@pytest.mark.parametrize(
    ("cards", "judged"),
    [
        ([("looks", False, MM), ("ranks", True, SHARE), ("places", True, MM)], "places"),  # mm say most
        ([("looks", False, MM), ("ranks", True, SHARE)], "ranks"),  # a restored image has no place to lose
        ([("ranks", True, SHARE), ("places", True, MM), ("gaps", True, MM)], "places"),  # the first one
        ([("looks", False, SHARE), ("fills", False, MM)], "looks"),
    ],
)
def test_judged_card__is_the_first_about_space_in_mm(cards: list, judged: str) -> None:
    assert judged_card([card(name, metric, spatial=spatial) for name, spatial, metric in cards]).name == judged


def test_metric__of_a_card_or_by_its_name_alone() -> None:
    assert card("a", MM).metric("far_mm") == MM
    assert card("a", MM).metric("tilt_error_deg") == unlisted_metric("tilt_error_deg")
    assert (unlisted_metric("tilt_error_deg").title, unlisted_metric("tilt_error_deg").unit) == ("Tilt error", "deg")
    assert (unlisted_metric("own_rank").title, unlisted_metric("own_rank", "rank").unit) == ("Own rank", "rank")


def test_our_cards__judge_a_model_of_the_default_tasks_by_the_gap_error() -> None:
    from orienteer.pretext.registry import DEFAULT_TASKS, TASKS, task_type

    assert judged_card([task_type(name).card for name in DEFAULT_TASKS]).judged.name == "gap_error_mm"
    judged = {name: judged_card([task_type(each).card for each in ("masked", name)]) for name in TASKS}
    assert {name for name, found in judged.items() if found.name == "masked"} == {"masked", "genesis", "simclr", "pose"}
    assert judged["route"].judged.name == "step_error_mm", "a direction is worth less than mm"
    titles = [metric.title for name in TASKS for metric in task_type(name).card.metrics]
    assert all(title[:1].isupper() and not title.endswith(".") for title in titles)
