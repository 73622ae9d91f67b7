"""A full assessment: verdicts on oracles that know exactly one thing, and the records it leaves."""

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orienteer.evaluation import assess as assessing
from orienteer.evaluation.assess import Evaluation, assess
from orienteer.evaluation.probes import BORDER, PROBES
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.pretext.model import SpatialModel
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.rows import read_rows
from orienteer.records.verdict import WHOM, VerdictRule
from orienteer.sampling import Sampler
from tests.evaluation.conftest import Oracle

SETTINGS = EvaluationSettings(final_per_scan=2, batch=8, examples=2)
CPU = torch.device("cpu")
CORE = (..., *[slice(BORDER, -BORDER)] * 3)


def anatomy(view: torch.Tensor) -> bytes:
    """The inside of a view."""
    return view[CORE].contiguous().numpy().tobytes()


def outermost(view: torch.Tensor) -> bytes:
    """The shell of a view."""
    shell = view.clone()
    shell[CORE] = 0
    return shell.numpy().tobytes()


def brightness(view: torch.Tensor) -> bytes:
    return f"{view.double().mean():.5f}".encode()


def nothing(view: torch.Tensor) -> bytes:
    return b"every view looks the same"


Make = Callable[[Callable[[torch.Tensor], bytes]], Oracle]


def run(
    model: Any, sampler: Sampler, folder: Path, settings: EvaluationSettings = SETTINGS, **options: Any
) -> Evaluation:
    return assess(model, sampler, settings, folder=folder, split="all", step=7, device=CPU, **options)


@pytest.mark.parametrize(
    ("key", "label", "words"),
    [
        (anatomy, "learning", "where chance is"),
        (outermost, "cheating", "outermost voxels"),
        (brightness, "cheating", "not anatomy"),
    ],
)
def test_assess__judges_by_what_the_model_reads(
    oracle: Make, sampler: Sampler, tmp_path: Path, key: Callable, label: str, words: str
) -> None:
    record = run(oracle(key), sampler, tmp_path / "all").record
    assert record.verdict.label == label, record.verdict
    assert words in record.verdict.sentence
    assert (record.verdict.task, record.verdict.metric) == ("gap", "gap_error_mm")
    assert record.figures["gap_error_mm"] == pytest.approx(0.0, abs=1e-4), "on real views all of them are perfect"


def test_assess__model_that_says_nothing_is_stuck_exactly_at_chance(sampler: Sampler, tmp_path: Path) -> None:
    record = run(Oracle(nothing, {}), sampler, tmp_path / "all").record
    assert record.verdict.label == "stuck"
    assert record.figures["gap_error_mm"] == pytest.approx(record.figures["gap_error_mm_chance"])
    assert record.judged is not None
    card, metric, value = record.judged
    assert (card.name, metric.title) == ("gap", "Gap error") and value.skill == pytest.approx(0.0, abs=1e-6)


def test_assess__probes_say_what_each_oracle_keeps(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    skill = {}
    for key in (anatomy, outermost, brightness):
        probes = run(oracle(key), sampler, tmp_path / key.__name__).record.probes
        assert [probe.card for probe in probes] == [probe.card for probe in PROBES.values()]
        skill[key.__name__] = {probe.card.leaves for probe in probes if (probe.measured.skill or 0) > 0.9}
    assert skill["anatomy"] == {"the inside"}
    assert skill["outermost"] == {"the border"}
    assert skill["brightness"] >= {"no anatomy"}


def test_assess__writes_the_records_the_report_reads(untrained: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    folder = tmp_path / "run" / "evaluations" / "all"
    evaluation = run(untrained, sampler, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "adjacency.parquet",
        "evaluation.json",
        "examples",
        "gap.parquet",
        "position.parquet",
        "route.parquet",
    ]
    assert len(list((folder / "examples").glob("*.json"))) == 2
    document = json.loads((folder / "evaluation.json").read_text(), parse_constant=pytest.fail)
    facts = {key: document[key] for key in ("v", "name", "split", "step", "samples", "scans", "subjects")}
    assert facts == {"v": 2, "name": "all", "split": "all", "step": 7, "samples": 16, "scans": 8, "subjects": 4}
    assert EvaluationRecord.read(folder) == evaluation.record
    assert [task["card"]["name"] for task in document["tasks"]] == ["gap", "adjacency", "route", "position"]
    assert [probe["card"]["name"] for probe in document["probes"]] == list(PROBES)
    gap = document["tasks"][0]
    assert gap["measures"]["gap_error_mm"]["unit"] == "mm"
    assert gap["card"]["evidence"][0]["scale"] == "scale", "the card of this very run, with its uncertainty"
    assert document["verdict"]["rule"] == VerdictRule().model_dump()


def test_assess__every_measure_is_described_by_its_card(
    untrained: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    """The record says what each of its figures means, and each card's columns are in its table."""
    for task in run(untrained, sampler, tmp_path / "all").record.tasks:
        assert set(task.measures) == {metric.name for metric in task.card.metrics}
        for metric in task.card.metrics:
            value = task.measures[metric.name]
            assert (value.unit, value.better) == (metric.unit, metric.better)
        assert set(task.card.columns) <= set(read_rows(tmp_path / "all" / f"{task.card.name}.parquet"))


def test_assess__the_rule_is_a_setting_and_recorded_with_the_verdict(
    oracle: Make, sampler: Sampler, tmp_path: Path
) -> None:
    """No probe keeps more than all of the skill, so this rule calls nobody a cheat, and nobody learns either."""
    strict = EvaluationSettings(final_per_scan=2, batch=8, examples=0, verdict=VerdictRule(stuck_below=1.0))
    nearly = oracle(anatomy)
    nearly.known = {key: place * 0.9 for key, place in nearly.known.items()}
    usual = run(nearly, sampler, tmp_path / "usual").record.verdict
    verdict = run(nearly, sampler, tmp_path / "strict", strict).record.verdict
    assert (usual.label, verdict.label) == ("learning", "stuck")
    assert verdict.rule.stuck_below == 1.0 and EvaluationRecord.read(tmp_path / "strict").verdict == verdict


def test_assess__intervals_draw_subjects(untrained: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    """A metric that is a mean of rows has an interval around its value; one that is not has none."""
    record = run(untrained, sampler, tmp_path / "all").record
    value = record.figures["gap_error_mm"]
    low, high = record.figures["gap_error_mm_interval"]
    assert low < value < high
    gap = record.task("gap")
    assert gap is not None and gap.measures["gap_error_median_mm"].interval is None
    assert record.subjects == 4
    two = dataclasses.replace(sampler, ids=sampler.ids[:2])
    assert "gap_error_mm_interval" not in run(untrained, two, tmp_path / "two").record.figures, "too few subjects"


@pytest.mark.parametrize(
    ("split", "own", "seen"),
    [("test", True, "none"), ("train", True, "all"), (None, True, "some"), ("test", False, "unknown")],
)
def test_assess__records_whether_these_people_were_learned_from(
    sampler: Sampler, tmp_path: Path, split: str | None, own: bool, seen: str
) -> None:
    chosen = dataclasses.replace(sampler, ids=sampler.store.ids(split))
    record = run(Oracle(nothing, {}), chosen, tmp_path / "x", own_store=own).record
    assert record.seen == EvaluationRecord.read(tmp_path / "x").seen == seen
    assert record.verdict.sentence.startswith(f"On {WHOM[record.seen]} its gap error")


COLUMNS = {
    "gap": "sample scan person view_i view_j true_r true_a true_s pred_r pred_a pred_s scale_r scale_a scale_s "
    "place_r place_a place_s",
    "adjacency": "sample scan person view_i view_j adjacent_mm distant_mm adjacent_similarity distant_similarity "
    "place_r place_a place_s",
    "route": "sample scan person kind path true_r true_a true_s pred_r pred_a pred_s",
    "position": "sample scan person view true_r true_a true_s pred_r pred_a pred_s",
}


def test_assess__tables_have_the_documented_columns(untrained: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    run(untrained, sampler, tmp_path / "all")
    for task, names in COLUMNS.items():
        rows = read_rows(tmp_path / "all" / f"{task}.parquet")
        assert set(rows) >= set(names.split()), task
        assert set(rows["scan"]) == set(sampler.ids)
        owners = {scan: sampler.store.entry(scan).person for scan in sampler.ids}
        assert [owners[scan] for scan in rows["scan"]] == list(rows["person"])
    gap = read_rows(tmp_path / "all" / "gap.parquet")
    assert len(gap["sample"]) == 16 * 6, "ordered pairs of three views"


def test_assess__of_a_model_that_diverged_is_stuck_and_written_without_nan(
    untrained: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    diverged = copy.deepcopy(untrained)
    with torch.no_grad():
        for parameter in diverged.parameters():
            parameter.fill_(torch.nan)
    assert run(diverged, sampler, tmp_path / "all").record.verdict.label == "stuck"
    document = json.loads((tmp_path / "all" / "evaluation.json").read_text(), parse_constant=pytest.fail)
    gap = document["tasks"][0]["measures"]["gap_error_mm"]
    assert gap["value"] is None and gap["interval"] is None
    assert gap["chance"] > 10, "chance is still known"


def test_assess__progress_goes_from_nothing_to_one_and_names_the_probes(
    oracle: Make, sampler: Sampler, tmp_path: Path
) -> None:
    told: list[tuple[str, float]] = []
    run(oracle(anatomy), sampler, tmp_path / "all", progress=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1.0)
    assert {what for what, _ in told} == {
        "the views as they are",
        *(f"probe: {probe.card.title}" for probe in PROBES.values()),
    }


@pytest.mark.parametrize(("per_scan", "work"), [(2, 2 + 4 * 2), (20, 20 + 4 * 16)])
def test_assess__probes_see_the_first_sixteen_samples_of_a_scan_at_most(
    oracle: Make, sampler: Sampler, tmp_path: Path, per_scan: int, work: int
) -> None:
    one = dataclasses.replace(sampler, ids=sampler.ids[:1])
    told: list[float] = []
    settings = EvaluationSettings(final_per_scan=per_scan, batch=2, examples=0)
    assess(
        oracle(anatomy),
        one,
        settings,
        folder=tmp_path / "all",
        split="all",
        step=0,
        device=CPU,
        progress=lambda _, share: told.append(share),
    )
    assert told == pytest.approx([n / work for n in range(2, work + 1, 2)])


def test_assess__broken_off_leaves_no_record_of_other_rows(
    untrained: SpatialModel, sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(untrained, sampler, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(assessing, "write_examples", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "disk full")))
        with pytest.raises(OSError, match="disk full"):
            run(untrained, sampler, tmp_path)
    assert not (tmp_path / "evaluation.json").exists()
    assert run(untrained, sampler, tmp_path).record == EvaluationRecord.read(tmp_path)


def test_assess__twice_gives_the_same_figures(untrained: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    first, second = (run(untrained, sampler, tmp_path / name) for name in ("first", "second"))
    assert first.record.summary() == second.record.summary()
    assert first.record.tasks == second.record.tasks
    for task in COLUMNS:
        one, other = (read_rows(tmp_path / name / f"{task}.parquet") for name in ("first", "second"))
        for name, column in one.items():
            np.testing.assert_array_equal(column, other[name])


def test_summary__is_json_with_figures_probes_and_verdict(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    document = run(oracle(anatomy), sampler, tmp_path / "all").record.summary()
    assert document["verdict"] == "learning"
    assert str(document["verdict_sentence"]).endswith(".")
    assert (document["split"], document["step"]) == ("all", 7)
    assert {"gap_error_mm", "gap_error_mm_chance", "gap_error_mm_interval", "probes"} <= document.keys()
    assert list(document["probes"]) == list(PROBES)
    json.dumps(document, allow_nan=False)
