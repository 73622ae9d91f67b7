"""Stable figures, their interval by person, and which figure a verdict rests on."""

import math

import numpy as np
import pytest
from orienteer.evaluation.figures import STABLE, gap_interval, headline, stable_figures

from orienteer.records import Measure, Observation
from orienteer.records.statistics import adjacency_measures, gap_measures


def gap(errors: dict[str, list[float]]) -> Observation:
    """Gaps of 50 mm to the right, predicted with the given errors, by scan."""
    scans = [scan for scan, values in errors.items() for _ in values]
    wrong = np.array([value for values in errors.values() for value in values], dtype=np.float32)
    rows = {f"{kind}_{axis}": np.zeros(len(wrong), np.float32) for kind in ("true", "pred") for axis in "ras"}
    rows |= {"true_r": np.full(len(wrong), 50, np.float32), "scan": np.array(scans)}
    rows["pred_r"] = rows["true_r"] + wrong
    return Observation("gap", gap_measures(rows), rows)


def test_gap_interval__of_equal_errors_is_a_point() -> None:
    observation = gap({"a": [4.0] * 5, "b": [4.0] * 9, "c": [4.0]})
    assert gap_interval(observation, {"a": "A", "b": "B", "c": "C"}) == pytest.approx([4.0, 4.0])


def test_gap_interval__resamples_people_not_rows() -> None:
    # Three people, one of whom differs: who is drawn decides, however many rows there are.
    observation = gap({"a": [2.0] * 1000, "b": [2.0] * 1000, "c": [8.0] * 1000})
    assert gap_interval(observation, {"a": "A", "b": "B", "c": "C"}) == pytest.approx([2.0, 8.0])


@pytest.mark.parametrize("owners", ["AAA", "AAB"])
def test_gap_interval__below_three_people_there_is_none(owners: str) -> None:
    # Three scans of one person say nothing of how people differ; an interval of no width would claim certainty.
    observation = gap({"a": [2.0] * 10, "b": [5.0] * 10, "c": [8.0] * 10})
    assert gap_interval(observation, dict(zip("abc", owners, strict=True))) is None


def test_gap_interval__weighs_people_by_their_rows() -> None:
    observation = gap({"a": [10.0] * 90, **{name: [0.0] * 10 for name in "bcde"}})
    low, high = gap_interval(observation, {name: name.upper() for name in "abcde"}) or (0.0, 0.0)
    # "a" is drawn 0 to 5 times, three times or more in 5.8 % and four or more in 0.7 % of the draws.
    assert low == 0.0
    assert high == pytest.approx(3 * 90 * 10 / (3 * 90 + 2 * 10))


def test_gap_interval__matches_the_normal_approximation_for_many_people() -> None:
    rng = np.random.default_rng(0)
    people = {f"p{n}": rng.normal(10, 3) for n in range(200)}
    observation = gap({name: [error] * 4 for name, error in people.items()})
    values = np.array(list(people.values()))
    half = 1.96 * np.abs(values).std() / np.sqrt(200)
    low, high = gap_interval(observation, {name: name for name in people}) or (0.0, 0.0)
    assert low == pytest.approx(np.abs(values).mean() - half, abs=0.08)
    assert high == pytest.approx(np.abs(values).mean() + half, abs=0.08)


def test_gap_interval__is_the_same_every_time() -> None:
    observation = gap({name: [float(n)] for n, name in enumerate("abcdefgh")})
    owners = {name: name for name in "abcdefgh"}
    assert gap_interval(observation, owners) == gap_interval(observation, owners)


ROUTE = Observation(
    "route",
    {
        "direction_error_deg": Measure(7.0, "deg", 90.0),
        "step_error_mm": Measure(5.0, "mm", 60.0),
        "route_arrival_mm": Measure(6.0, "mm", 60.0),
        "route_closure_mm": Measure(2.0, "mm", None),
    },
)
ADJACENCY = Observation(
    "adjacency",
    {
        "adjacency_accuracy": Measure(0.9, "fraction", 0.5, "higher"),
        "embedding_rank": Measure(12.0, "rank", None, "higher"),
    },
)
POSITION = Observation("position", {"position_error_mm": Measure(4.0, "mm", 30.0)})


def test_stable_figures__keys_and_values() -> None:
    tasks = {"gap": gap({"a": [3.0, 5.0]}), "route": ROUTE, "adjacency": ADJACENCY, "position": POSITION}
    assert stable_figures(tasks, {"a": "A"}) == {
        "gap_error_mm": pytest.approx(4.0),
        "gap_chance_mm": pytest.approx(50.0),
        "gap_error_interval_mm": None,
        "direction_error_deg": 7.0,
        "route_arrival_mm": 6.0,
        "route_closure_mm": 2.0,
        "adjacency_accuracy": 0.9,
        "adjacency_rank": 12.0,
        "position_error_mm": 4.0,
    }


def test_stable_figures__task_not_trained_is_none_under_the_same_keys() -> None:
    figures = stable_figures({"adjacency": ADJACENCY}, {})
    assert figures.keys() == {*STABLE, "gap_chance_mm", "gap_error_interval_mm"}
    assert {key for key, value in figures.items() if value is not None} == {"adjacency_accuracy", "adjacency_rank"}


def test_stable_figures__nan_is_none() -> None:
    lost = Observation("adjacency", {"adjacency_accuracy": Measure(math.nan, "fraction", 0.5, "higher")})
    assert stable_figures({"adjacency": lost}, {})["adjacency_accuracy"] is None


def test_headline__first_trained_of_gap_route_position_adjacency() -> None:
    tasks = {"adjacency": ADJACENCY, "position": POSITION, "route": ROUTE, "gap": gap({"a": [3.0]})}
    for task, key, words in (
        ("gap", "gap_error_mm", "gap error"),
        ("route", "step_error_mm", "error of a step"),
        ("position", "position_error_mm", "position error"),
        ("adjacency", "adjacency_accuracy", "adjacency accuracy"),
    ):
        found, measure, said = headline(tasks)
        assert (found, said) == (key, words)
        assert measure is tasks[task].measures[key]
        del tasks[task]


def test_headline__adjacency_alone_in_small_scans_is_judged_by_all_pairs() -> None:
    small = np.array([10.0, 12.0], np.float32)
    rows = {
        "adjacent_similarity": small / 12,
        "distant_similarity": -small,
        "adjacent_mm": small,
        "distant_mm": small + 9,
    }
    key, measure, words = headline({"adjacency": Observation("adjacency", adjacency_measures(rows))})
    assert (key, words, measure.skill) == ("adjacency_accuracy_all", "adjacency accuracy all", 1.0)


@pytest.mark.parametrize(
    ("tasks", "judged"),
    [
        (("masked", "rpr"), "rpr"),
        (("genesis", "voco"), "voco"),
        (("masked", "simclr", "patch_location"), "patch_location"),
        (("simclr", "mine"), "mine"),  # a task of one's own is about places unless it says otherwise
        (("masked", "simclr"), "masked"),
    ],
)
def test_headline__of_a_hybrid_is_that_of_the_task_about_places(tasks: tuple[str, ...], judged: str) -> None:
    # The probes take anatomy away to see whether a place is still known: a restored image has none to lose.
    seen = {task: Observation(task, {f"{task}_error": Measure(1.0, "1", 2.0)}) for task in tasks}
    assert headline(seen)[0] == f"{judged}_error"


def test_headline__task_of_ones_own_is_judged_by_its_first_measure() -> None:
    first = Measure(1.0, "mm", 2.0)
    assert headline({"mine": Observation("mine", {"my_error_mm": first})}) == ("my_error_mm", first, "my error")
