"""Honesty probes, uncertainty and similarity: the numbers behind three figures."""

import numpy as np
import pytest

from orienteer.report.adjacency import adjacency_figures, similarity_by_distance
from orienteer.report.probes import probe_figures, probes_of
from orienteer.report.read import EvaluationRecords
from orienteer.report.uncertainty import PROMISED, coverage, uncertainty_figures


def test_probes_of__real_first_chance_last(lead: EvaluationRecords) -> None:
    found = probes_of(lead)
    assert [probe.name for probe in found] == ["real", "interior", "border", "shuffled", "constant", "chance"]
    assert found[0].value == pytest.approx(lead.figures["gap_error_mm"])


def test_probes_of__keep_unknown_ones_and_skip_broken_ones() -> None:
    recorded = {
        "upside_down": {"gap_error_mm": 40.0, "skill": 0.4},
        "real": {"gap_error_mm": None},
        "chance": 3,
    }
    found = probes_of(EvaluationRecords("val", {"probes": recorded}))
    assert [(probe.label, probe.value) for probe in found] == [("upside down", 40.0)]


def test_probe_figures__mark_real_apart_and_draw_chance(lead: EvaluationRecords) -> None:
    (figure,) = probe_figures(probes_of(lead))
    real, others = figure.data
    assert real["x"] == [round(lead.figures["gap_error_mm"], 2)] and len(others["x"]) == 4
    assert others["marker"]["pattern"]["fillmode"] == "overlay"  # the default would draw no bar, only its hatch
    assert "pattern" in others["marker"] and "pattern" not in real["marker"]
    assert figure.layout["shapes"][0]["x0"] == pytest.approx(lead.figures["gap_chance_mm"])


def test_probe_figures__of_a_run_without_gap_show_its_own_figure_in_per_cent() -> None:
    probes = {
        name: {"adjacency_accuracy": value, "chance": 0.5, "skill": 2 * value - 1}
        for name, value in {"real": 0.9, "shuffled": 0.52, "chance": 0.5}.items()
    }
    measures = {"adjacency_accuracy": {"value": 0.9, "unit": "fraction", "chance": 0.5, "better": "higher"}}
    record = {"probes": probes, "observations": {"adjacency": {"measures": measures}}}
    found = probes_of(EvaluationRecords("val", record))
    (figure,) = probe_figures(found)
    assert found[0].shown == "90.0 %" and figure.data[0]["x"] == [90.0]
    assert figure.layout["shapes"][0]["x0"] == 50.0
    assert figure.layout["xaxis"]["title"]["text"] == "adjacency accuracy (%)"


def test_probe_figures__none_without_probes() -> None:
    assert probe_figures([]) == []


def test_coverage__of_a_true_laplace_model_is_what_it_promises() -> None:
    rng = np.random.default_rng(1)
    scale = rng.uniform(1, 10, size=(20000, 3))
    columns = {f"scale_{a}": scale[:, n] for n, a in enumerate("ras")}
    columns |= {f"true_{a}": np.zeros(20000) for a in "ras"}
    columns |= {f"pred_{a}": rng.laplace(0, scale[:, n]) for n, a in enumerate("ras")}
    np.testing.assert_allclose(coverage(columns), PROMISED, atol=0.01)


def test_coverage__of_an_overconfident_model_is_too_low(lead: EvaluationRecords) -> None:
    gap = dict(lead.tables["gap"])
    honest = coverage(gap)
    for axis in "ras":
        gap[f"scale_{axis}"] = gap[f"scale_{axis}"] / 4
    assert (coverage(gap) < honest).all()


def test_uncertainty_figures__need_scales(lead: EvaluationRecords) -> None:
    assert len(uncertainty_figures(lead.tables["gap"])) == 1
    assert uncertainty_figures({name: c for name, c in lead.tables["gap"].items() if "scale" not in name}) == []


def test_similarity_by_distance__bins_hold_equal_numbers() -> None:
    near, far = np.arange(8.0), np.arange(8.0) + 100
    table = {
        "adjacent_mm": near, "distant_mm": far,
        "adjacent_similarity": 1 - near / 100, "distant_similarity": 1 - far / 100,
    }  # fmt: skip
    centre, mean = similarity_by_distance(table)
    np.testing.assert_allclose(centre[[0, -1]], [0.5, 106.5])
    np.testing.assert_allclose(mean, 1 - centre / 100)


def test_adjacency_figures__draw_both_kinds_with_different_symbols(lead: EvaluationRecords) -> None:
    (figure,) = adjacency_figures(lead.tables["adjacency"])
    near, far, line = figure.data
    assert near["marker"]["symbol"] != far["marker"]["symbol"] and line["y"][0] > line["y"][-1]
    assert len(near["x"]) == len(lead.tables["adjacency"]["sample"])
