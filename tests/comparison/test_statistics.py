import math
from pathlib import Path

import numpy as np
import pytest

from orienteer.comparison.benchmark import write_benchmark
from orienteer.comparison.paired import holm
from orienteer.comparison.records import Records, read_records, write_cases
from orienteer.comparison.scores import Key
from orienteer.comparison.statistics import BASELINE, SCRATCH, Analysis, analyse
from orienteer.comparison.tables import score_table

from .results_folder import AGE, ARMS, SEGMENTATION, case_row, document, make_results

TWO = (("ours", "ours", "ours"), ("scratch", "scratch", "scratch"))


def _small(folder: Path, **changes: object) -> Analysis:
    settings = {"arms": TWO, "tasks": (SEGMENTATION,), "modes": ("finetuned",), "labels": (1,), "extras": False}
    return analyse(read_records(make_results(folder, **(settings | changes))))  # type: ignore[arg-type]


def test_statistics__a_planted_difference_is_found(tmp_path: Path) -> None:
    found = _small(tmp_path, effects={"ours": 0.05}).against("oasis-segmentation", "finetuned", 1, "ours", SCRATCH)
    assert found is not None
    assert found.significant
    assert found.paired.gain == pytest.approx(0.05, abs=0.015)
    assert found.holm_row is not None
    assert found.holm_row < 0.001
    assert found.paired.by_person.p is not None
    assert found.paired.by_person.p < 0.05


def test_statistics__equal_arms_are_not_told_apart(tmp_path: Path) -> None:
    """Twenty benchmarks of two equal arms, with every kind of chance variation; one or two may fool us."""
    found = [_small(tmp_path / str(random), effects={}, random=random, seeds=3).comparisons[0] for random in range(20)]
    assert sum(one.significant for one in found) <= 3
    assert sum((one.paired.by_person.p or 1) < 0.05 / 20 for one in found) == 0


def test_statistics__one_score_for_every_cell(analysis: Analysis, records: Records) -> None:
    primary = {"oasis-segmentation": "dice", "oasis-age": "absolute_error"}
    cells = [key for key in analysis.scores if key.metric == primary[key.task]]
    assert len(cells) == 2 * 2 * 4 * len(ARMS)
    score = analysis.scores[Key("oasis-segmentation", "finetuned", 1, "ours", "dice")]
    assert (score.people, score.cases, score.seeds, score.numbers) == (8, 10, 3, 180)
    rows = [
        row["value"]
        for row in records.cases.to_pylist()
        if (row["task"], row["mode"], row["labels"], row["arm"], row["metric"])
        == ("oasis-segmentation", "finetuned", 1, "ours", "dice")
    ]
    assert score.mean == pytest.approx(np.mean(rows))
    assert score.sd_seeds == pytest.approx(np.std(np.mean(np.reshape(rows, (3, -1)), axis=1), ddof=1))
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.mean < score.high


def test_statistics__every_arm_is_compared_with_scratch_and_the_best_baseline_once(analysis: Analysis) -> None:
    here = [c for c in analysis.comparisons if (c.task, c.mode, c.labels) == ("oasis-age", "frozen", 1)]
    best = analysis.best_baselines["oasis-age", "frozen", 1]
    others = {name for name, _, _ in ARMS} - {"scratch"}
    assert sorted(c.arm for c in here if c.against == SCRATCH) == sorted(others)
    assert sorted(c.arm for c in here if c.against == BASELINE) == sorted(others - {best})
    assert {c.reference for c in here} == {"scratch", best}
    assert len({frozenset((c.arm, c.reference)) for c in here}) == len(here)


def test_statistics__the_best_baseline_has_the_best_mean_where_less_is_better(analysis: Analysis) -> None:
    means = {
        name: analysis.scores[Key("oasis-age", "finetuned", 1, name, "absolute_error")].mean
        for name in ("masked", "genesis", "simclr")
    }
    assert analysis.best_baselines["oasis-age", "finetuned", 1] == min(means, key=lambda name: means[name])


def test_statistics__holm_is_over_one_task_and_mode(analysis: Analysis) -> None:
    family = [c for c in analysis.comparisons if (c.task, c.mode) == ("oasis-age", "frozen")]
    assert {c.family for c in family} == {len(family)} == {4 * (6 + 5)}
    expected = holm([c.paired.by_row.p or 0.0 for c in family])
    assert [c.holm_row for c in family] == pytest.approx(expected)
    assert [c.holm_person for c in family] == pytest.approx(holm([c.paired.by_person.p or 0.0 for c in family]))


def test_statistics__label_efficiency_of_every_arm_but_scratch(analysis: Analysis) -> None:
    arms = {key.arm for key in analysis.needed}
    assert arms == {name for name, _, _ in ARMS} - {"scratch"}
    ours = analysis.needed[Key("oasis-segmentation", "finetuned", 1, "ours", "dice")]
    assert ours.value is not None
    assert 1.2 < ours.value < 2.2  # 0.06 more, on a curve that rises by 0.1 for each doubling
    assert analysis.needed[Key("oasis-segmentation", "finetuned", 10, "ours", "dice")].value == math.inf


def test_statistics__a_complete_benchmark_has_no_gaps(analysis: Analysis) -> None:
    assert analysis.gaps == ()


def test_statistics__one_seed_and_two_people_have_means_and_nothing_more(tmp_path: Path) -> None:
    found = _small(tmp_path, seeds=1, people=2, scanned_twice=0)
    score = found.scores[Key("oasis-segmentation", "finetuned", 1, "ours", "dice")]
    assert (score.low, score.high, score.sd_seeds) == (None, None, None)
    one = found.comparisons[0]
    assert (one.holm_row, one.holm_person, one.significant) == (None, None, False)
    assert "2 pairs" in one.paired.by_row.reason


def test_statistics__a_cell_without_any_defined_number_is_a_gap(tmp_path: Path) -> None:
    write_benchmark(tmp_path, document(TWO))
    nothing = [case_row(arm="ours", case=f"s{n}", person=f"p{n}", value=math.nan) for n in range(6)]
    something = [case_row(arm="scratch", case=f"s{n}", person=f"p{n}", value=0.5) for n in range(6)]
    write_cases(tmp_path, nothing + something)
    found = analyse(read_records(tmp_path))
    assert [key.arm for key in found.scores] == ["scratch"]
    assert found.comparisons == ()
    assert any("fewer scores than the 6 of other arms: ours 0" in gap for gap in found.gaps)


def test_statistics__missing_roles_and_tables_are_said(tmp_path: Path) -> None:
    only = (("ours", "ours", "ours"), ("other", "other", "ablation"))
    found = _small(tmp_path, arms=only, tasks=(SEGMENTATION,))
    told = " ".join(found.gaps)
    assert "role scratch" in told
    assert "role baseline" in told
    assert "costs.parquet" in told
    assert "pretext.parquet" in told
    assert found.comparisons == ()
    assert found.needed == {}


def test_statistics__a_task_that_was_not_measured_yet_is_said(tmp_path: Path) -> None:
    make_results(tmp_path, tasks=(SEGMENTATION,), arms=TWO, labels=(1,))
    write_benchmark(tmp_path, document(TWO, (SEGMENTATION, AGE)))
    assert "oasis-age: nothing was measured yet" in analyse(read_records(tmp_path)).gaps


def test_statistics__what_no_arm_was_measured_at_is_a_gap_too(tmp_path: Path) -> None:
    make_results(tmp_path, tasks=(SEGMENTATION,), arms=TWO, modes=("frozen",), labels=(1, 3), seeds=2)
    arms = ["ours", "scratch"]
    planned = {**SEGMENTATION, "arms": {"finetuned": arms, "frozen": arms}, "labels": [1, 3, 10]}
    write_benchmark(tmp_path, {**document(TWO, (planned,)), "seeds": [0, 1, 2]})
    told = analyse(read_records(tmp_path)).gaps
    name = SEGMENTATION["name"]
    assert f"{name}, finetuned: nothing was measured yet" in told
    assert f"{name}, frozen: nothing was measured yet with 10 labels" in told
    assert f"{name}, frozen, labels 3: no score yet of seed 2" in told


def test_statistics__an_arm_that_was_not_to_be_measured_is_no_gap_and_has_no_row(tmp_path: Path) -> None:
    make_results(tmp_path, tasks=(SEGMENTATION,), arms=TWO, modes=("finetuned",), labels=(1, 3))
    planned = {**SEGMENTATION, "arms": {"finetuned": ["ours", "scratch"]}, "given": "scan"}
    write_benchmark(tmp_path, document((*TWO, ("other", "another way", "baseline")), (planned,)))
    records = read_records(tmp_path)
    found = analyse(records)
    assert not [gap for gap in found.gaps if "another way" in gap]
    table = score_table(found, records.benchmark, records.benchmark.tasks[0], "finetuned")
    assert [row[0].text for row in table.rows] == ["ours", "scratch"]
    assert table.columns[1:] == ["1 scan", "3 scans"]


def test_statistics__an_arm_that_is_planned_at_other_label_counts_is_no_gap(tmp_path: Path) -> None:
    told = {}
    for planned in ((), (1,)):
        folder = tmp_path / f"planned-{len(planned)}"
        plan = document(TWO)
        plan["arms"][0]["labels"] = list(planned)
        write_benchmark(folder, plan)
        cases = [case_row(arm=arm, labels=labels) for arm, labels in (("ours", 1), ("scratch", 1), ("scratch", 3))]
        write_cases(folder, cases)
        told[planned] = [gap for gap in analyse(read_records(folder)).gaps if "fewer scores" in gap]
    assert len(told[()]) == 1 and "labels 3" in told[()][0] and told[(1,)] == []
