"""Honesty probes: what is left of the judged figure without anatomy."""

from pathlib import Path

import pytest

from orienteer.records.evaluation import EvaluationRecord
from orienteer.report.evaluated import Evaluated
from orienteer.report.probes import probe_figures, probes_of
from orienteer.report.read import read_run

from .run_folder import make_run


def test_probes_of__what_leaves_most_comes_first(lead: Evaluated) -> None:
    found = probes_of(lead)
    assert [probe.label for probe in found] == [
        "the views as they are", "border painted over", "only the border kept", "constant views", "voxels shuffled",
    ]  # fmt: skip
    assert found[0].value == lead.record.tasks[0].measures["gap_error_mm"].value
    assert found[1].meaning == "the border of every view painted over: the anatomy is still there"


def test_probes_of__one_that_could_not_be_measured_has_a_dash_and_no_bar(lead: Evaluated) -> None:
    first = lead.record.probes[0]
    broken = first.model_copy(update={"measured": first.measured.model_copy(update={"value": None})})
    changed = Evaluated(lead.record.model_copy(update={"probes": (broken, *lead.record.probes[1:])}))
    assert [probe.shown for probe in probes_of(changed)].count("–") == 1
    assert len(probe_figures(changed)[0].data[1]["x"]) == 3


def test_probe_figures__mark_real_apart_and_draw_chance(lead: Evaluated) -> None:
    (figure,) = probe_figures(lead)
    real, others = figure.data
    value = lead.record.tasks[0].measures["gap_error_mm"]
    assert value.value is not None
    assert real["x"] == [round(value.value, 3)] and len(others["x"]) == 4
    assert others["marker"]["pattern"]["fillmode"] == "overlay"  # the default would draw no bar, only its hatch
    assert "pattern" in others["marker"] and "pattern" not in real["marker"]
    assert figure.layout["shapes"][0]["x0"] == pytest.approx(value.chance)


def test_probe_figures__state_the_rule_that_was_used(lead: Evaluated) -> None:
    verdict = lead.record.verdict
    stricter = verdict.model_copy(update={"rule": verdict.rule.model_copy(update={"without_border": 0.63})})
    (figure,) = probe_figures(Evaluated(lead.record.model_copy(update={"verdict": stricter})))
    assert "more than 37 % of the skill" in figure.look


def test_probe_figures__show_whatever_was_judged_in_its_own_unit(tmp_path: Path) -> None:
    lead = read_run(make_run(tmp_path / "run", tasks=("adjacency",), splits=("val",))).lead
    assert lead is not None
    (figure,) = probe_figures(lead)
    value = lead.record.tasks[0].measures["adjacency_accuracy"].value
    assert value is not None
    assert probes_of(lead)[0].shown == f"{100 * value:.1f} %" and figure.layout["shapes"][0]["x0"] == 50.0
    assert figure.layout["xaxis"]["title"]["text"] == "adjacency accuracy (%)"


def test_probe_figures__none_without_probes(lead: Evaluated) -> None:
    record: EvaluationRecord = lead.record.model_copy(update={"probes": ()})
    assert probe_figures(Evaluated(record)) == [] == probes_of(Evaluated(record))
