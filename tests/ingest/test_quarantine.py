"""What was left out is listed with cause and cure, and read again only once it was mended."""

import json
import os
from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, ingest, prepare
from orienteer.ingest.quarantine import QUARANTINE, left_out
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.findings import finding
from orienteer.store.sources import SourceRecord
from tests.scans.files import cut, nifti
from tests.store.phantoms import AFFINE, body, cohort


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good scans, one cut, one that is text, and a file of another kind."""
    cohort(tmp_path / "in", 2)
    cut(nifti(tmp_path / "in" / "torn.nii", body(seed=5), AFFINE), 0.5)
    (tmp_path / "in" / "text.nii").write_text("no scan " * 200)
    (tmp_path / "in" / "people.docx").write_bytes(b"PK")
    return tmp_path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the scans whose voxels were asked for."""
    seen: list[str] = []
    honest = prepare.load

    def load(source):
        seen.append(source.id)
        return honest(source)

    monkeypatch.setattr(prepare, "load", load)
    return seen


def run(folder: Path, **options):
    return ingest(folder / "in", folder / "store", IngestOptions(workers=1, progress=False, keep_names=True, **options))


def listed(folder: Path) -> dict[str, dict]:
    return json.loads((folder / "store" / QUARANTINE).read_text())["scans"]


def test_quarantine__names_code_cause_cure_and_the_files_and_is_the_owners(folder: Path) -> None:
    run(folder)
    file = folder / "store" / QUARANTINE
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(listed(folder)) == ["text", "torn"]
    torn = listed(folder)["torn"]
    (told,) = torn["findings"]
    assert (told["code"], told["level"]) == ("truncated", "error")
    assert told["cause"] and told["cure"] == CATALOGUE["truncated"].cure
    assert torn["source"]["files"][0]["path"] == str((folder / "in" / "torn.nii").absolute())
    assert json.loads(file.read_text())["skipped"] == {"people.docx": "skipped-format"}


def test_quarantine__unchanged_bad_files_are_told_again_and_not_read_again(folder: Path, reads: list[str]) -> None:
    first = run(folder)
    assert sorted(reads) == ["case_0", "case_1", "text", "torn"]
    assert first.quarantined == ()
    reads.clear()
    again = run(folder)
    assert reads == []
    assert again.failed == first.failed and again.quarantined == ("text", "torn")
    os.utime(folder / "in" / "torn.nii", ns=(1, 1))  # touched or copied back: known by its content
    assert run(folder).failed == first.failed and reads == []
    assert run(folder, retry=True).failed == first.failed and sorted(reads) == ["text", "torn"]


def test_quarantine__only_what_was_mended_is_read(folder: Path, reads: list[str]) -> None:
    run(folder)
    reads.clear()
    nifti(folder / "in" / "torn.nii", body(seed=5), AFFINE)
    result = run(folder)
    assert reads == ["torn"] and result.added == ("torn",) and result.quarantined == ("text",)
    assert list(listed(folder)) == ["text"]
    (folder / "in" / "text.nii").unlink()
    (folder / "in" / "people.docx").unlink()
    run(folder)
    assert not (folder / "store" / QUARANTINE).exists()  # nothing left to say


def test_quarantine__another_wish_is_another_verdict(folder: Path, reads: list[str]) -> None:
    run(folder)
    nifti(folder / "in" / "flat.nii", body((24, 28, 10), 7), AFFINE)
    assert run(folder, min_extent=40.0).failed["flat"][0].code == "too-small"
    reads.clear()
    assert "flat" in run(folder, min_extent=40.0).quarantined and reads == []
    assert run(folder).added == ("flat",)


def test_quarantine__a_stored_scan_whose_file_went_bad_stays_and_is_listed(folder: Path, reads: list[str]) -> None:
    run(folder)
    cut(folder / "in" / "case_1.nii.gz", 0.5)
    run(folder)
    reads.clear()
    result = run(folder)
    assert reads == [] and "case_1" in result.kept and result.failed["case_1"][0].code == "truncated"


def test_quarantine__copies_are_read_again_only_when_the_original_or_the_table_changed(
    tmp_path: Path, reads: list[str]
) -> None:
    for name in ("a", "b"):
        nifti(tmp_path / "in" / f"{name}.nii", body(), AFFINE)
    nifti(tmp_path / "in" / "c.nii", body(seed=1), AFFINE)
    assert run(tmp_path).failed["b"][0].code == "identical-content"
    reads.clear()
    assert run(tmp_path).quarantined == ("b",) and reads == []
    table = tmp_path / "t.csv"
    table.write_text("id,person\na,P\nb,P\n")
    assert run(tmp_path, table=table).added == ("b",)


def test_quarantine__a_copy_comes_in_once_the_original_is_another(tmp_path: Path) -> None:
    for name in ("a", "b"):
        nifti(tmp_path / "in" / f"{name}.nii", body(), AFFINE)
    run(tmp_path)
    nifti(tmp_path / "in" / "a.nii", body(seed=3), AFFINE)
    result = run(tmp_path)
    assert (result.updated, result.added, result.failed) == (("a",), ("b",), {})


@pytest.mark.parametrize("code", ["worker-died", "out-of-memory"])
def test_left_out__what_the_machine_did_is_tried_each_time(code: str) -> None:
    record = SourceRecord(files=(), method=1)
    assert left_out([finding(code, "x")], record, {}).source is None
    assert left_out([finding("truncated", "x")], record, {}).source == record


def test_quarantine__out_of_memory_is_told_and_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source):
        raise MemoryError

    honest = prepare.load
    monkeypatch.setattr(prepare, "load", lambda s: full(s) if s.id == "case_1" else honest(s))
    result = run(folder)
    assert result.failed["case_1"][0].code == "out-of-memory" and "--workers" in result.failed["case_1"][0].cure
    monkeypatch.setattr(prepare, "load", honest)
    assert run(folder).added == ("case_1",)


def test_quarantine__a_damaged_list_costs_one_more_reading(folder: Path, reads: list[str]) -> None:
    run(folder)
    (folder / "store" / QUARANTINE).write_text('{"scans": {"torn": ')
    reads.clear()
    assert sorted(run(folder).failed) == sorted(reads) == ["text", "torn"]


def test_quarantine__another_folder_of_scans_keeps_its_list(folder: Path, reads: list[str]) -> None:
    run(folder)
    nifti(folder / "more" / "new.nii", body(seed=8), AFFINE)
    ingest(folder / "more", folder / "store", IngestOptions(workers=1, progress=False, keep_names=True))
    assert sorted(listed(folder)) == ["text", "torn"]
    reads.clear()
    assert run(folder).quarantined == ("text", "torn") and reads == []
