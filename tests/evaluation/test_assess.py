"""A full assessment: verdicts on oracles that know exactly one thing, and the records it leaves."""

import copy
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from orienteer.evaluation.assess import Evaluation, assess
from orienteer.evaluation.probes import BORDER
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.pretext.model import SpatialModel
from orienteer.records.rows import read_rows
from orienteer.records.verdict import WHOM
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


def run(model: torch.nn.Module, sampler: Sampler, folder: Path, **options: object) -> Evaluation:
    return assess(model, sampler, SETTINGS, folder=folder, split="all", step=7, device=CPU, **options)


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
    evaluation = run(oracle(key), sampler, tmp_path / "all")
    assert evaluation.verdict.label == label, evaluation.verdict
    assert words in evaluation.verdict.sentence
    assert evaluation.figures["gap_error_mm"] == pytest.approx(0.0, abs=1e-4), "on real views all of them are perfect"


def test_assess__model_that_says_nothing_is_stuck_exactly_at_chance(sampler: Sampler, tmp_path: Path) -> None:
    evaluation = run(Oracle(nothing, {}), sampler, tmp_path / "all")
    assert evaluation.verdict.label == "stuck"
    assert evaluation.figures["gap_error_mm"] == pytest.approx(evaluation.figures["gap_chance_mm"])
    assert evaluation.probes["real"]["skill"] == pytest.approx(0.0, abs=1e-6)


def test_assess__probes_say_what_each_oracle_keeps(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    skill = {}
    for key in (anatomy, outermost, brightness):
        probes = run(oracle(key), sampler, tmp_path / key.__name__).probes
        skill[key.__name__] = {name for name, figure in probes.items() if figure["skill"] > 0.9}
    assert skill["anatomy"] == {"real", "interior"}
    assert skill["outermost"] == {"real", "border"}
    assert skill["brightness"] >= {"real", "constant", "shuffled"}


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
    facts = {key: document[key] for key in ("v", "name", "split", "step", "samples", "scans", "persons")}
    assert facts == {"v": 1, "name": "all", "split": "all", "step": 7, "samples": 16, "scans": 8, "persons": 4}
    assert document["figures"] == evaluation.figures
    assert document["probes"].keys() == {"real", "constant", "shuffled", "border", "interior", "chance"}
    assert document["probes"]["chance"] == {
        "gap_error_mm": pytest.approx(evaluation.figures["gap_chance_mm"]),
        "chance": pytest.approx(evaluation.figures["gap_chance_mm"]),
        "skill": 0.0,
    }
    assert document["verdict"] == {
        "label": evaluation.verdict.label,
        "sentence": evaluation.verdict.sentence,
        "evidence": list(evaluation.verdict.evidence),
    }
    assert list(document["observations"]) == ["gap", "adjacency", "route", "position"]
    assert document["observations"]["gap"]["measures"]["gap_error_mm"]["unit"] == "mm"


@pytest.mark.parametrize(
    ("split", "own", "seen"),
    [("test", True, "none"), ("train", True, "all"), (None, True, "some"), ("test", False, "unknown")],
)
def test_assess__records_whether_these_people_were_learned_from(
    sampler: Sampler, tmp_path: Path, split: str | None, own: bool, seen: str
) -> None:
    chosen = dataclasses.replace(sampler, ids=sampler.store.ids(split))
    evaluation = run(Oracle(nothing, {}), chosen, tmp_path / "x", own_store=own)
    assert evaluation.to_json()["seen"] == json.loads((tmp_path / "x" / "evaluation.json").read_text())["seen"] == seen
    assert evaluation.verdict.sentence.startswith(f"On {WHOM[seen]} its gap error")


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
    evaluation = run(diverged, sampler, tmp_path / "all")
    assert evaluation.verdict.label == "stuck"
    document = json.loads((tmp_path / "all" / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert document["figures"]["gap_error_mm"] is None
    assert document["figures"]["gap_error_interval_mm"] is None
    assert document["figures"]["gap_chance_mm"] > 10, "chance is still known"


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
        *(f"probe: {name}" for name in ("constant", "shuffled", "border", "interior")),
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


def test_assess__twice_gives_the_same_figures(untrained: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    first, second = (run(untrained, sampler, tmp_path / name) for name in ("first", "second"))
    assert first.to_json() == second.to_json()
    for task in COLUMNS:
        one, other = (read_rows(tmp_path / name / f"{task}.parquet") for name in ("first", "second"))
        for name, column in one.items():
            np.testing.assert_array_equal(column, other[name])


def test_evaluation__json_has_stable_keys(oracle: Make, sampler: Sampler, tmp_path: Path) -> None:
    document = run(oracle(anatomy), sampler, tmp_path / "all").to_json()
    assert document["verdict"] == "learning"
    assert document["verdict_sentence"].endswith(".")
    assert (document["split"], document["step"]) == ("all", 7)
    assert {"gap_error_mm", "gap_chance_mm", "gap_error_interval_mm", "route_arrival_mm", "probes"} <= document.keys()
    json.dumps(document, allow_nan=False)
