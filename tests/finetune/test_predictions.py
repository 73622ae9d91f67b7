"""A folder of predictions: one network's, kept through kills and later calls, and each scan's own."""

import errno
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import nibabel
import pytest

from orienteer.atomic import write_json
from orienteer.errors import OrienteerError, RunError, StoreError
from orienteer.finetune import predict as reading
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.predict import PredictResult, _one, predict
from orienteer.finetune.predictions import Predictions
from orienteer.folders import predicted_files
from orienteer.scans.source import Source
from orienteer.store.lock import only_one
from tests.faults.test_disk import contents, failing
from tests.finetune.standins import (
    Breaks,
    Levels,
    Says,
    Stops,
    answers,
    ensemble,
    scan,
    three,
    whole,
    whole_scans,
)
from tests.scans.files import cut
from tests.store.phantoms import turned


def test_predictions__keeps_what_is_there_unless_told(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    (tmp_path / "out" / "a.nii.gz").write_bytes(b"mine")
    again = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert again.predicted == {"a": "a.nii.gz"} and again.kept == ("a",)
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() == b"mine"
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == (30, 34, 28)


def test_predictions__two_at_once_into_one_folder_are_refused(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """Whoever ends first would write a record without what the other predicts."""
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    (tmp_path / "out").mkdir()
    with only_one(tmp_path / "out", "predict"), pytest.raises(StoreError, match="another predict is writing"):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "predictions.json"]


def test_predictions__a_scan_that_changes_while_it_is_read_is_left_out_and_its_earlier_answer_stays(
    stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    read = reading.read_with_info_as

    def while_read(spacing: float, *, overwrite: bool) -> PredictResult:
        def and_change(source: Source, channels: tuple[int, tuple[str, ...]]) -> object:
            found = read(source, channels)
            scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=spacing))
            return found

        with monkeypatch.context() as patch:
            patch.setattr(reading, "read_with_info_as", and_change)
            return predict("net", tmp_path / "in", tmp_path / "out", overwrite=overwrite, progress=False)

    result, answer = while_read(2.0, overwrite=False), tmp_path / "out" / "a.nii.gz"
    assert not result.predicted and "changed while it was read" in result.failed["a"].message
    assert not answer.exists()
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    before = answer.read_bytes()
    assert "changed while it was read" in while_read(3.0, overwrite=True).failed["a"].message
    assert answer.read_bytes() == before
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert "another scan with the id a was predicted" in result.failed["a (a.nii.gz)"].message


def test_predictions__a_file_in_place_of_the_folder_is_named(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "README.md").write_text("mine")
    stand_in(ensemble(Levels()))
    with pytest.raises(OrienteerError, match=r"README\.md is a file; name a folder") as caught:
        predict("net", tmp_path / "in", tmp_path / "README.md", progress=False)
    assert caught.value.cure == f"{tmp_path / 'README.md'} is a file; name a folder"


def test_predictions__another_networks_predictions_are_in_the_way(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """Kept files would be named by the new network's classes."""
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    before = (tmp_path / "out" / "a.nii.gz").read_bytes()
    stand_in(ensemble(Levels(-0.5), digest="b"))
    with pytest.raises(RunError, match="predictions of another network"):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() == before
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() != before


def test_predictions__a_killed_overwrite_leaves_nothing_of_the_other_network(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.nii.gz").write_bytes(b"mine")
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    first = {name: (tmp_path / "out" / f"{name}.nii.gz").read_bytes() for name in "abc"}
    stand_in(whole_scans(ensemble(Stops(-0.5), digest="b")))
    with pytest.raises(KeyboardInterrupt):
        predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["a.nii.gz", "notes.nii.gz", "predictions.json"]
    stand_in(whole_scans(ensemble(Levels(-0.5), digest="b")))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert all((tmp_path / "out" / f"{name}.nii.gz").read_bytes() != before for name, before in first.items())
    assert (tmp_path / "out" / "notes.nii.gz").read_bytes() == b"mine"


def test_predictions__overwriting_deletes_no_file_elsewhere(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """A record is a file that anybody may have written."""
    three(tmp_path / "in")
    (tmp_path / "out").mkdir()
    wild = {"a": "../in/a.nii.gz", "b": str(tmp_path / "in" / "b.nii.gz"), "c": "keep.txt", "d": 7}
    (tmp_path / "out" / "keep.txt").write_text("mine")
    (tmp_path / "out" / "predictions.json").write_text(json.dumps({"network": "a", "predictions": wild}))
    stand_in(ensemble(Levels(), digest="b"))
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert len(list((tmp_path / "in").iterdir())) == 3 and (tmp_path / "out" / "keep.txt").exists()


@pytest.mark.parametrize("record", [None, "{", "[]"])
def test_predictions__files_of_an_unknown_network_are_in_the_way(
    record: str | None, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.nii.gz").write_bytes(b"whose?")
    if record is not None:
        (tmp_path / "out" / "predictions.json").write_text(record)
    stand_in(ensemble(Levels()))
    with pytest.raises(RunError, match=r"a\.nii\.gz is in the way") as caught:
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert "--overwrite" in caught.value.cure and (tmp_path / "out" / "a.nii.gz").read_bytes() == b"whose?"
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == (30, 34, 28)


def test_predictions__answers_outlive_a_kill(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    """And the next call goes on with the others."""
    three(tmp_path / "in")
    stand_in(whole(Breaks(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert answers(tmp_path / "out") == {"a": "north"}
    stand_in(whole(Says(0.0, 1.0)))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert {name: said["value"] for name, said in result.predicted.items()} == answers(tmp_path / "out")
    assert answers(tmp_path / "out") == {"a": "north", "b": "south", "c": "south"}


def test_predictions__a_second_call_keeps_the_first_ones_answers(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    for said, names, overwrite in (((1.0, 0.0), "ab", False), ((0.0, 1.0), "bc", False), ((0.0, 1.0), "b", True)):
        stand_in(whole(Says(*said)))
        for name in names:
            scans = tmp_path / "in" / f"{name}.nii.gz"
            result = predict("net", scans, tmp_path / "out", overwrite=overwrite, progress=False)
            assert list(result.predicted) == [name]
        if names == "bc":
            assert answers(tmp_path / "out") == {"a": "north", "b": "north", "c": "south"}
    assert answers(tmp_path / "out") == {"a": "north", "b": "south", "c": "south"}


def test_predictions__a_second_call_keeps_the_list_and_what_was_left_out(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    cut(tmp_path / "in" / "b.nii.gz", 0.5)
    stand_in(ensemble(Levels()))
    for name in "abc":
        predict("net", tmp_path / "in" / f"{name}.nii.gz", tmp_path / "out", progress=False)
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["predictions"] == {"a": "a.nii.gz", "c": "c.nii.gz"} and list(record["failed"]) == ["b"]
    scan(tmp_path / "in", "b.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    predict("net", tmp_path / "in" / "b.nii.gz", tmp_path / "out", progress=False)
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert set(record["predictions"]) == {"a", "b", "c"} and not record["failed"]


@pytest.mark.parametrize("kind", ["segment", "classify"])
def test_predictions__another_scan_of_the_same_name_gets_no_answer_of_the_first(
    kind: str, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """Two wards that both call their scans a.nii.gz, predicted into one folder."""
    scan(tmp_path / "first", "a.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    scan(tmp_path / "second", "a.nii.gz", turned("LAS", spacing=3.0), (2, 2, 2))
    shutil.copytree(tmp_path / "first", tmp_path / "copied")
    stand_in(ensemble(Levels()) if kind == "segment" else whole(Says(1.0, 0.0)))
    predict("net", tmp_path / "first", tmp_path / "out", progress=False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert list(predict("net", tmp_path / "copied", tmp_path / "out", progress=False).predicted) == ["a"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    result = predict("net", tmp_path / "second", tmp_path / "out", progress=False)
    assert not result.predicted and [found.code for found in result.failed.values()] == ["duplicate-id"]
    assert list(json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"]) == ["a"]
    again = predict("net", tmp_path / "second", tmp_path / "out", overwrite=True, progress=False)
    assert list(again.predicted) == ["a"] and not again.failed and not again.kept


def test_predictions__an_empty_answer_is_made_again_and_a_scan_that_is_gone_keeps_none(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    for name in "ab":
        scan(tmp_path / "in", f"{name}.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    (tmp_path / "out" / "a.nii.gz").write_bytes(b"")
    (tmp_path / "in" / "b.nii.gz").unlink()
    (tmp_path / "in" / "b.nii.gz").symlink_to(tmp_path / "nothing")
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert list(result.predicted) == ["a"] and not result.kept and list(result.failed) == ["b"]
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == nibabel.load(tmp_path / "in" / "a.nii.gz").shape


def test_predictions__a_file_that_no_call_recorded_is_neither_kept_nor_replaced(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    scan(tmp_path / "in", "b.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "out" / "b.nii.gz").write_bytes(b"mine")
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    (found,) = result.failed.values()
    assert list(result.predicted) == ["a"] and "b.nii.gz is in the way" in found.message and "--overwrite" in found.cure
    assert (tmp_path / "out" / "b.nii.gz").read_bytes() == b"mine"


def test_predictions__a_scan_costs_a_line_and_the_record_is_written_whole_at_the_end(
    stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path / "in")
    stand_in(whole_scans(ensemble(Levels())))
    written: list[Path] = []
    monkeypatch.setattr(
        "orienteer.finetune.predictions.write_json", lambda path, value: (written.append(path), write_json(path, value))
    )
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert written == [tmp_path / "out" / "predictions.json"] * 2 and len(list((tmp_path / "out").iterdir())) == 4
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert len(written) == 2  # nothing became of a scan


@pytest.mark.parametrize("kind", ["segment", "classify"])
def test_predictions__a_call_that_is_killed_leaves_its_journal_and_the_next_goes_on(
    kind: str, stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path / "in")
    cut(tmp_path / "in" / "b.nii.gz", 0.5)
    network = whole_scans(ensemble(Levels())) if kind == "segment" else whole(Says(1.0, 0.0))
    stand_in(network)
    predict("net", tmp_path / "in", tmp_path / "whole", progress=False)
    with monkeypatch.context() as patch:
        patch.setattr(Predictions, "finish", lambda record: None)
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert not json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"]
    with (tmp_path / "out" / "predictions.journal").open("a") as journal:
        journal.write('\n{"network": "a", "scan": "c", "failed": {"co')
    names = {path.name for path in predicted_files(tmp_path / "whole")}
    assert {path.name for path in predicted_files(tmp_path / "out")} == names
    asked: list[str] = []
    monkeypatch.setattr("orienteer.finetune.predict._one", lambda *given: (asked.append(given[1].id), _one(*given))[1])
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert list(result.predicted) == ["a", "c"] and list(result.failed) == asked == ["b"]
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_predictions__another_networks_journal_is_not_believed(
    stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path / "in")
    stand_in(whole(Says(1.0, 0.0)))
    with monkeypatch.context() as patch:
        patch.setattr(Predictions, "finish", lambda record: None)
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    journal = (tmp_path / "out" / "predictions.journal").read_bytes()
    stand_in(replace(whole(Says(0.0, 1.0)), digest="b"))
    with pytest.raises(RunError, match="predictions of another network"):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    predict("net", tmp_path / "in" / "a.nii.gz", tmp_path / "out", overwrite=True, progress=False)
    assert answers(tmp_path / "out") == {"a": "south"}
    (tmp_path / "out" / "predictions.journal").write_bytes(journal)
    predict("net", tmp_path / "in" / "b.nii.gz", tmp_path / "out", progress=False)
    assert answers(tmp_path / "out") == {"a": "south", "b": "south"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_predictions__a_full_disk_is_told_and_the_next_call_ends_the_same(
    code: int, stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first, the second, ... file that is written does not fit, until none is left to fail."""
    three(tmp_path / "in")
    stand_in(whole_scans(ensemble(Levels())))
    predict("net", tmp_path / "in", tmp_path / "whole", progress=False)
    number = 1
    while True:
        out = tmp_path / f"out-{number}"
        with monkeypatch.context() as patch:
            calls = failing(patch, "replace", number, code)
            with suppress(OrienteerError):
                predict("net", tmp_path / "in", out, progress=False)
                break
        assert number <= calls() <= number + 1 and not list(out.glob(".*"))  # the record, at the end
        assert set(out.glob("*.nii.gz")) == set(predicted_files(out))
        predict("net", tmp_path / "in", out, progress=False)
        assert contents(out) == contents(tmp_path / "whole")
        number += 1
    assert number == 6
