"""Means of a fine-tuning's summary by hand."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import RunError
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import Goal
from orienteer.finetune.record import FinetuneRecord
from orienteer.finetune.summary import summarise
from orienteer.records.rows import write_rows
from orienteer.records.run import VERSION
from orienteer.store import Parameters

NAN = float("nan")


def folder(path: Path, rows: list[tuple[str, str, str, float]]) -> FinetuneFolder:
    made = FinetuneFolder(path)
    FinetuneRecord(
        kind="segment", pretrained=True, goal=Goal(("s", "t"), None, None), channels=1, spacing_mm=3.0,
        parameters=Parameters(spacing=3.0), fingerprint="",
    ).write(path)  # fmt: skip
    case, item, metric, value = (np.array(column) for column in zip(*rows, strict=True))
    write_rows(made.scores, {"case": case, "person": case, "item": item, "metric": metric, "value": value})
    return made


def test_summarise__by_hand(tmp_path: Path) -> None:
    """Mean over structures, then cases, then seeds; what is not defined is left out and counted."""
    first = folder(tmp_path / "0", [
        ("a", "x", "dice", 0.8), ("a", "y", "dice", 0.4), ("b", "x", "dice", 0.5), ("b", "y", "dice", NAN),
        ("a", "x", "hd95_mm", 3.0), ("a", "y", "hd95_mm", NAN), ("b", "x", "hd95_mm", 5.0), ("b", "y", "hd95_mm", NAN),
    ])  # fmt: skip
    second = folder(tmp_path / "1", [
        ("a", "x", "dice", 1.0), ("a", "y", "dice", 1.0), ("b", "x", "dice", 0.0), ("b", "y", "dice", 0.0),
        ("a", "x", "hd95_mm", 1.0), ("a", "y", "hd95_mm", 2.0), ("b", "x", "hd95_mm", NAN), ("b", "y", "hd95_mm", NAN),
    ])  # fmt: skip
    summary = summarise([first, second], split="val")
    dice, hd95 = summary.scores["dice"], summary.scores["hd95_mm"]
    assert dice.seeds == pytest.approx(((0.6 + 0.5) / 2, 0.5))
    assert dice.mean == pytest.approx(0.525) and dice.undefined == 1
    assert dice.items == {"x": pytest.approx(2.3 / 4), "y": pytest.approx(1.4 / 3)}
    assert hd95.undefined == 4 and hd95.items == {"x": pytest.approx(3.0), "y": pytest.approx(2.0)}
    assert (summary.split, summary.cases, summary.labelled_scans) == ("val", 2, 2)


def test_summarise__what_was_never_defined_is_null(tmp_path: Path) -> None:
    summary = summarise([folder(tmp_path / "0", [("a", "x", "hd95_mm", NAN)])], split="test")
    assert summary.scores["hd95_mm"].model_dump() == {
        "mean": None,
        "seeds": (None,),
        "undefined": 1,
        "items": {"x": None},
    }


def test_summarise__one_seed_without_a_defined_score_leaves_the_others(tmp_path: Path) -> None:
    folders = [folder(tmp_path / str(n), [("a", "x", "hd95_mm", value)]) for n, value in enumerate((NAN, 4.0, 6.0))]
    found = summarise(folders, split="test").scores["hd95_mm"]
    assert (found.mean, found.seeds, found.undefined) == (5.0, (None, 4.0, 6.0), 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot read"), (None, "cannot read"), ("[]", "not a JSON object"), ('{"kind": "x"}', "damaged or too old")],
)
def test_record__damaged_or_missing(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "finetune.json").write_text(text)
    with pytest.raises(RunError, match=said):
        FinetuneFolder(tmp_path).record()


def test_record__of_a_newer_version_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "finetune.json").write_text(f'{{"schema_version": {VERSION + 1}}}')
    with pytest.raises(RunError, match="newer Orienteer"):
        FinetuneFolder(tmp_path).record()


def test_settings__of_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a fine-tuned network"):
        FinetuneFolder(tmp_path).settings()
