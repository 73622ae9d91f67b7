"""Numbers, classes and spreads: evidence of tasks that do not answer with places in mm."""

from itertools import product
from typing import get_args

import numpy as np
import pytest

from orienteer.records.card import TaskCard
from orienteer.records.evidence import Classes, Evidence, Numbers, Spread
from orienteer.records.observation import Rows
from orienteer.report.draw import DRAWERS
from orienteer.report.draw.classes import confusion
from orienteer.report.theme import Figure

from ..hand_made import TASKS

FEW = Classes(title="Side", true="side", pred="told", names=("left", "right", "middle"))
NUMBERS = Numbers(title="Overlap", unit="fraction", true="overlap", pred="guess")
SPREAD = Spread(title="Error of a view", unit="fraction", model="error", others={"mean": "the mean"})


def drawn(evidence: Evidence, **columns: list[float]) -> Figure:
    rows: Rows = {name: np.array(values) for name, values in columns.items()}
    count = len(next(iter(rows.values())))
    rows = dict(rows) | {"sample": np.arange(count), "scan": np.array(["<s>"] * count)}
    ((figure,),) = (part.figures for part in DRAWERS[type(evidence)].draw(evidence, rows, "task"))
    return figure


def test_drawers__there_is_one_for_every_kind_of_evidence() -> None:
    assert set(DRAWERS) == set(get_args(get_args(Evidence)[0]))
    used = {type(evidence) for task in TASKS.values() for evidence in task.card.evidence}
    assert used == set(DRAWERS), "each kind is drawn in the tests of the page"
    assert TaskCard.model_fields["evidence"].annotation == tuple[Evidence, ...]


def test_numbers__show_the_error_beside_that_of_the_best_constant() -> None:
    figure = drawn(NUMBERS, overlap=[0.0, 0.5, 1.0], guess=[0.1, 0.5, 0.8])
    assert "off by 10.0 %" in figure.title and "is off by 33.3 %" in figure.title
    line, points = figure.data
    assert points["x"] == [0.0, 50.0, 100.0] and points["y"] == pytest.approx([10.0, 50.0, 80.0])
    assert line["x"] == line["y"] == [0.0, 100.0] and points["text"][0] == "&lt;s&gt;"


def test_numbers__that_are_not_finite_leave_holes_and_a_dash() -> None:
    figure = drawn(NUMBERS, overlap=[0.0, 0.5], guess=[np.nan, 0.5])
    assert figure.data[1]["y"] == [None, 50.0] and "off by – on average" in figure.title


def test_confusion__counts_truth_by_answer_and_passes_over_unknown_classes() -> None:
    rows = {"side": np.array([0, 0, 1, 2, 7]), "told": np.array([0, 1, 1, -1, 0])}
    assert confusion(FEW, rows).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_classes__few_keep_their_order_and_carry_numbers() -> None:
    figure = drawn(FEW, side=[0, 0, 0, 1], told=[0, 0, 1, 1])
    (heat,) = figure.data
    assert "75.0 % right" in figure.title and "most frequent class would be right in 75.0 %" in figure.title
    assert heat["y"] == ["left", "right", "middle"] and heat["texttemplate"]
    assert heat["z"] == [[66.7, 33.3, None], [None, 100.0, None], [None, None, None]]


def test_classes__twenty_six_are_sorted_and_need_no_numbers() -> None:
    names = tuple("".join(p) for p in product("-0+", repeat=3) if p != ("0", "0", "0"))
    many = FEW.model_copy(update={"names": names})
    truth = list(range(26)) * 2
    told = [*range(26), *[0] * 26]  # the second half of the answers is always the first class
    (heat,) = drawn(many, side=truth, told=told).data
    assert heat["y"][0] == names[0] and sorted(heat["y"]) == sorted(names) and not heat["texttemplate"]
    assert heat["z"][0][0] == 100.0 and heat["z"][1][:2] == [50.0, 50.0]


def test_spread__boxes_hold_half_of_the_rows_and_whiskers_nine_of_ten() -> None:
    figure = drawn(SPREAD, error=np.linspace(0, 1, 101).tolist(), mean=[1.0] * 101)
    own, other = figure.data
    assert (own["lowerfence"], own["q1"], own["median"], own["q3"], own["upperfence"]) == ([5], [25], [50], [75], [95])
    assert own["name"] == "this model" and other["name"] == "the mean" and own["line"] != other["line"]
    assert "50.0 % in the middle" in figure.title


def test_spread__of_nothing_finite_has_no_box() -> None:
    figure = drawn(SPREAD, error=[np.nan], mean=[0.5])
    assert [box["name"] for box in figure.data] == ["the mean"] and "– in the middle" in figure.title
