"""One PatientID in studies of unrelated folders is asked about, and never kept."""

from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

import pydicom
import pytest

from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.scans.check import check
from orienteer.scans.dicom.header import read_header
from orienteer.scans.dicom.patient import patient_at, patient_of
from orienteer.scans.discover import discover
from orienteer.scans.people import Clue, questions
from orienteer.scans.source import Source
from tests.scans.dicom_files import series
from tests.scans.files import nifti
from tests.store.phantoms import body


def studies(folder: Path, patients: Mapping[str, str]) -> Path:
    """A study in each folder, with the PatientID of its patient."""
    for name, patient in patients.items():
        tags = [{"PatientID": patient}] * 6
        series(folder / name, spacing=(2.0, 2.0), sizes=[(24, 24)] * 6, seed=crc32(name.encode()), tags=tags)
    return folder


def run(folder: Path, store: Path, **options: object) -> IngestResult:
    return ingest(folder, store, IngestOptions(workers=2, keep_names=True, progress=False, **options))  # type: ignore[arg-type]


def asked(**patients: str) -> list[tuple[str, ...]]:
    return [question.scans for question in questions([Clue(name, patient=said) for name, said in patients.items()])]


def test_check_and_ingest__ask_about_one_patient_id_in_unrelated_folders(tmp_path: Path) -> None:
    folder = studies(tmp_path / "in", {"harz": "Q-71993", "elbe": "q-71993 ", "rhein": "Q-71994", "isar": "Q-5"})
    (question,) = check(folder, json_path=tmp_path / "c.json", progress=False, workers=1).questions
    assert (question.scans, question.reasons) == (("elbe", "harz"), ("patient",))
    result = run(folder, tmp_path / "store")
    (words,) = result.questions
    assert "elbe, harz" in words and "PatientID" in words and "one split" in words
    split = {entry.id: entry.split for entry in result.manifest.scans}
    assert split["elbe"] == split["harz"] and len({entry.person for entry in result.manifest.scans}) == 4
    told = run(folder, tmp_path / "store", table=tmp_path / "store" / "people.tsv")
    assert told.questions == () and len({entry.person for entry in told.manifest.scans}) == 3


def test_ingest__a_store_holds_neither_a_patient_id_nor_its_digest(tmp_path: Path) -> None:
    folder = studies(tmp_path / "in", {"harz": "Q-71993", "elbe": "Q-71993", "rhein": "Q-71994"})
    (refused,) = series(folder / "torn", positions=[0], tags=[{"PatientID": "Q-71993"}])
    assert {source.patient for source in discover(folder)} == {
        patient_at(refused),
        patient_at(folder / "rhein/slice_000.dcm"),
    }
    run(folder, tmp_path / "store")
    check(folder, json_path=tmp_path / "store" / "c.json", people_path=tmp_path / "store" / "p.tsv", progress=False)
    secrets = ["Q-71993", "q-71993", *(source.patient for source in discover(folder))]
    for path in (path for path in (tmp_path / "store").rglob("*") if path.is_file()):
        assert not [secret for secret in secrets if secret.encode() in path.read_bytes()], path
    assert not [secret for secret in secrets if secret in repr([*discover(folder), read_header(refused)])]


def test_ingest__what_was_left_out_is_known_again_under_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = studies(tmp_path / "in", {"harz": "Q-71993", "elbe": "Q-71993"})
    series(folder / "torn", positions=[0], tags=[{"PatientID": "Q-71993"}])
    run(folder, tmp_path / "store")
    monkeypatch.setattr("orienteer.scans.dicom.patient.KEY", b"another")
    again = run(folder, tmp_path / "store")
    assert again.quarantined == ("torn",) and len(again.questions) == 1


def test_ingest__asks_about_scans_of_another_folder_too(tmp_path: Path) -> None:
    first = studies(tmp_path / "first", {"harz": "Q-71993", "isar": "Q-71995"})
    store = tmp_path / "store"
    assert run(first, store).questions == ()
    (question,) = run(studies(tmp_path / "second", {"elbe": "Q-71993", "rhein": "Q-71994"}), store).questions
    assert "elbe, harz" in question and "PatientID" in question


@pytest.mark.parametrize(
    "patient",
    ["", " ", "0", "000", "ANON", "Anonymous", "anonymized", "UNKNOWN", "N/A", "NoID", "XXXX", "Patient ID", "-"],
)
def test_patient_of__a_word_for_nobody_is_nobody(patient: str) -> None:
    data = pydicom.Dataset()
    assert patient_of(data) == ""
    data.PatientID = patient
    assert patient_of(data) == ""


@pytest.mark.parametrize("patient", ["ANON001", "Anonymous_17", "P0", "X12", "0815", "test-3"])
def test_patient_of__pseudonyms_are_somebody(patient: str) -> None:
    one, other = pydicom.Dataset(), pydicom.Dataset()
    one.PatientID, other.PatientID = patient, patient + "5"
    assert patient_of(one) and patient_of(one) != patient_of(other)


def test_questions__a_patient_id_of_most_studies_is_nobodys() -> None:
    assert asked(harz="p", elbe="p") == [("elbe", "harz")]
    assert asked(harz="p", elbe="p", rhein="q") == [("elbe", "harz")]
    assert asked(harz="p", elbe="p", rhein="p") == asked(harz="p", elbe="p", rhein="p", isar="q", donau="") == []
    assert asked(harz="p", elbe="p", rhein="p", isar="q", donau="r", main="s") == [("elbe", "harz", "rhein")]


def test_check_and_ingest__a_patient_id_of_most_studies_is_told_until_somebody_says_who_they_are(
    tmp_path: Path,
) -> None:
    folder = studies(tmp_path / "in", dict.fromkeys(("harz", "elbe", "rhein"), "Q-71993"))
    result = check(folder, progress=False, workers=1)
    told = run(folder, tmp_path / "store")
    for notes in (result.notes, told.notes):
        assert len([note for note in notes if "one PatientID" in note and "elbe, harz, rhein" in note]) == 1
    assert result.questions == told.questions == ()
    table = tmp_path / "t.tsv"
    table.write_text("id\tperson\nharz\tA\nelbe\tA\nrhein\tB\n")
    assert not [note for note in run(folder, tmp_path / "store", table=table).notes if "PatientID" in note]


def test_questions__several_scans_of_a_study_count_once() -> None:
    one = [Clue(f"harz__{name}", study="study-1", patient="p") for name in ("ax", "cor", "sag")]
    assert [q.scans for q in questions([*one, Clue("elbe", patient="p")])] == [("elbe", *(c.id for c in one))]
    assert questions(one) == ()


def test_patient_at__a_file_that_is_none_or_gone_is_nobodys(tmp_path: Path) -> None:
    assert patient_at(tmp_path / "gone.dcm") == "" == patient_at(nifti(tmp_path / "a.nii.gz", body()))


def test_discover__a_damaged_patient_id_costs_no_scan(tmp_path: Path) -> None:
    (path,) = series(tmp_path / "a", positions=[0], tags=[{"PatientID": "Q-71993"}])
    path.write_bytes(path.read_bytes().replace(b"Q-71993", b"\xff\xfe\xfd-\x80\x01\x02"))
    (source,) = discover(tmp_path)
    assert isinstance(source, Source) and source.patient
