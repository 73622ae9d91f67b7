"""Predicted against true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.records.evidence import Displacements, Points
from orienteer.records.observation import Rows
from orienteer.report.draw import DRAWERS
from orienteer.report.draw.points import axis_error
from orienteer.report.draw.scatter import some_rows
from orienteer.report.evaluated import Evaluated
from orienteer.report.theme import Figure


def displacement_figures(rows: Rows) -> list[Figure]:
    return list(DRAWERS[Displacements].draw(Displacements(), rows, "gap")[0].figures)


def _gap(true: list[list[float]], pred: list[list[float]], scan: str = "s") -> dict[str, np.ndarray]:
    columns = {
        f"{name}_{axis}": np.array(values)[:, n]
        for name, values in (("true", true), ("pred", pred))
        for n, axis in enumerate("ras")
    }
    return columns | {"sample": np.arange(len(true)), "scan": np.array([scan] * len(true), dtype=object)}


def test_displacements__draw_lengths_and_axes() -> None:
    distance, right, anterior, superior = displacement_figures(_gap([[3, 4, 0], [0, 0, -7]], [[6, 8, 0], [0, 1, -7]]))
    line, points = distance.data
    assert points["x"] == [5.0, 7.0] and points["y"][0] == 10.0
    assert line["x"] == line["y"] == [0.0, 10.0]
    assert "off by 1.5 mm" in right.title and "off by 2.5 mm" in anterior.title and "off by 0.0 mm" in superior.title
    assert superior.data[1]["x"] == [0.0, -7.0]


def test_displacements__say_how_many_points_are_drawn() -> None:
    rng = np.random.default_rng(0)
    many = rng.normal(size=(5000, 3)).tolist()
    figure = displacement_figures(_gap(many, many))[0]
    assert len(figure.data[1]["x"]) == 3000 and "3,000 of 5,000 pairs" in figure.look


def test_displacements__use_no_webgl(lead: Evaluated) -> None:
    assert {trace["type"] for figure in displacement_figures(lead.tables["gap"]) for trace in figure.data} == {
        "scatter"
    }


def test_displacements__escape_the_scan(lead: Evaluated) -> None:
    figure = displacement_figures(_gap([[1, 2, 3]], [[1, 2, 3]], scan="<b>x</b>&"))[0]
    assert figure.data[1]["text"] == ["&lt;b&gt;x&lt;/b&gt;&amp;"]


def test_points__have_the_error_of_each_axis(lead: Evaluated) -> None:
    table = lead.tables["position"]
    error = np.abs(table["pred_a"] - table["true_a"]).mean()
    assert f"off by {error:.1f} mm" in DRAWERS[Points].draw(Points(), table, "position")[0].figures[1].title


def test_axis_error__is_the_mean_absolute_error() -> None:
    error = axis_error(np.zeros((2, 3)), np.array([[1.0, -2.0, 0.0], [3.0, 2.0, 0.0]]))
    assert error.tolist() == pytest.approx([2.0, 2.0, 0.0])


@given(count=st.integers(0, 9000), most=st.integers(1, 4000))
def test_some_rows__are_distinct_in_order_and_always_the_same(count: int, most: int) -> None:
    rows = some_rows(count, most)
    assert len(rows) == min(count, most) == len(np.unique(rows))
    assert (np.diff(rows) > 0).all() and (rows < max(count, 1)).all()
    assert rows.tolist() == some_rows(count, most).tolist()
