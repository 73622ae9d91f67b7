"""The sentences must follow from the numbers, whichever way these turn."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orienteer.comparison.records import Records, read_records
from orienteer.comparison.scores import Key
from orienteer.comparison.statistics import BASELINE, SCRATCH, Analysis, analyse
from orienteer.comparison.summary import NOTHING, Summary, summary_of

from .results_folder import AGE, SEGMENTATION, make_results

THREE = (("ours", "our method", "ours"), ("masked", "masking", "baseline"), ("scratch", "scratch", "scratch"))


def _summary(folder: Path, effects: Mapping[str, float], **changes: Any) -> tuple[Summary, Analysis]:
    settings: dict[str, Any] = {"arms": THREE, "tasks": (SEGMENTATION,), "modes": ("finetuned",), "labels": (1, 4)}
    records = read_records(make_results(folder, effects=effects, **(settings | changes)))
    analysis = analyse(records)
    return summary_of(analysis, records.benchmark), analysis


def test_summary__of_a_clear_gain(tmp_path: Path) -> None:
    found, analysis = _summary(tmp_path, {"ours": 0.1, "masked": 0.03})
    pair = analysis.against("oasis-segmentation", "finetuned", 1, "ours", SCRATCH)
    assert pair is not None
    size = f"{pair.paired.gain * 100:.1f}"
    assert found.headline.startswith(
        "Mean Dice of 6 structures, fine-tuned: with 1 label, ours is "
        f"{size} points of Dice above scratch (p < 0.0001);"
    )
    assert re.search(r"it is \d\.\d points of Dice above masking, the best baseline \(p ", found.headline)
    assert "“Ours” is our method" in found.reading
    needs = analysis.needed[Key("oasis-segmentation", "finetuned", 1, "ours", "dice")]
    assert f"Labels that scratch needs for that score: {needs.value:.1f} (" in found.parts[0].sentences[0]
    assert "by person p = 0.008" in found.parts[0].sentences[0]


def test_summary__says_what_seeds_that_share_a_pretraining_leave_out(tmp_path: Path) -> None:
    assert "pretrained" not in _summary(tmp_path / "own", {})[0].reading
    for runs, said in ((1, "its luck is in no p and no interval"), (2, "pretrained 2 times for 3 seeds")):
        found, _ = _summary(tmp_path / str(runs), {}, pretrainings=runs)
        assert said in found.reading


def test_summary__a_small_p_that_tells_nothing_apart_is_explained_where_it_is_read_first(tmp_path: Path) -> None:
    """Trainings that differ in luck give small p; the interval over seeds knows better."""
    spread, explained, told = {"own_seed": 0.03, "own_person": 0.0, "noise": 0.001}, 0, ""
    for random in range(4):
        found, analysis = _summary(tmp_path / str(random), {}, spread=spread, random=random, labels=(1,))
        for against in (SCRATCH, BASELINE):
            one = analysis.against("oasis-segmentation", "finetuned", 1, "ours", against)
            assert one is not None
            explained += not one.significant and one.holm_row is not None and one.holm_row < 0.05
        told += found.headline
    assert explained > 0 and told.count("but the interval, ") == explained


def test_summary__of_a_clear_loss(tmp_path: Path) -> None:
    found, _ = _summary(tmp_path, {"ours": -0.05, "masked": 0.05})
    assert re.search(r"points of Dice below scratch .* points of Dice below masking, the best baseline", found.headline)
    assert "above" not in found.headline


def test_summary__of_equal_arms_claims_nothing(tmp_path: Path) -> None:
    found, analysis = _summary(tmp_path, {}, random=3)
    assert not any(one.significant for one in analysis.comparisons)
    text = " ".join(sentence for part in found.parts for sentence in part.sentences)
    assert text.count("not told apart from") == 4
    assert "above" not in text
    assert "below" not in text


def test_summary__where_less_is_better(tmp_path: Path) -> None:
    found, _ = _summary(tmp_path, {"ours": 0.1}, tasks=(AGE,))
    assert re.search(r"ours is \d\.\d\d years better than scratch", found.headline)


def test_summary__too_few_pairs_say_so(tmp_path: Path) -> None:
    found, _ = _summary(tmp_path, {"ours": 0.1}, people=2, scanned_twice=0, seeds=1)
    assert "not told apart from scratch" in found.headline
    assert "no test: 2 pairs" in found.headline


def test_summary__without_our_arm(tmp_path: Path) -> None:
    found, _ = _summary(tmp_path, {}, arms=THREE[1:])
    assert found == Summary(NOTHING, "", ())


@pytest.mark.parametrize("against", [SCRATCH, BASELINE])
def test_summary__agrees_with_the_comparisons(analysis: Analysis, records: Records, against: str) -> None:
    found = summary_of(analysis, records.benchmark)
    assert len(found.parts) == 4
    assert all(len(part.sentences) == 4 for part in found.parts)
    places = [(task, mode) for task in ("oasis-segmentation", "oasis-age") for mode in ("finetuned", "frozen")]
    for (task, mode), part in zip(places, found.parts, strict=True):
        for labels, sentence in zip((1, 3, 5, 10), part.sentences, strict=True):
            pair = analysis.against(task, mode, labels, "ours", against)
            assert pair is not None
            clause = sentence.split("; it is ")[against == BASELINE]
            assert ("not told apart" in clause) is not pair.significant
