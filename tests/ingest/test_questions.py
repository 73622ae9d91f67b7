"""Scans that may be of one person: asked about, kept in one split meanwhile, and answered by the table in the store."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.ingest.existing import Subject
from orienteer.ingest.split import assign_splits
from orienteer.ingest.table import Row
from orienteer.store import Store
from tests.ingest.scan_states import assigned
from tests.scans.dicom_files import series
from tests.scans.files import nifti
from tests.store.phantoms import body

SEQUENCES = ("flair", "t1", "t1ce", "t2")


def brats(folder: Path, people: int = 4) -> Path:
    for person in range(people):
        for number, sequence in enumerate(SEQUENCES):
            nifti(folder / f"B_{person}" / f"B_{person}_{sequence}.nii.gz", body(seed=10 * person + number))
    return folder


def run(folder: Path, store: Path, **options: object) -> IngestResult:
    return ingest(folder, store, IngestOptions(workers=1, keep_names=True, progress=False, **options))  # type: ignore[arg-type]


def splits(store: Path) -> dict[str, str]:
    return {entry.id: entry.split for entry in Store.open(store).manifest.scans}


def by_person(found: dict[str, str]) -> dict[str, set[str]]:
    people = {name.split("__")[0] for name in found}
    return {who: {split for name, split in found.items() if name.startswith(who)} for who in people}


def test_ingest__sequences_of_a_folder_share_a_split_until_the_table_answers(tmp_path: Path) -> None:
    folder, store = brats(tmp_path / "in"), tmp_path / "store"
    first = run(folder, store)
    (question,), answer = first.questions, first.answer
    assert (
        "B_0__B_0_t1ce" in question and "3 more groups like this, of 12 scans" in question and "one split" in question
    )
    path = store / "people.tsv"
    assert str(path) in answer and stat.S_IMODE(path.stat().st_mode) == 0o600
    before = splits(store)
    assert all(len(found) == 1 for found in by_person(before).values()) and set(before.values()) == {"train", "val"}
    assert len({entry.person for entry in first.manifest.scans}) == 16
    answered = run(folder, store, table=path)
    assert answered.questions == () and splits(store) == before
    assert {entry.person for entry in answered.manifest.scans} == {"B_0", "B_1", "B_2", "B_3"}
    assert run(folder, store).questions == ()


def test_ingest__an_answer_that_is_filled_in_is_never_overwritten(tmp_path: Path) -> None:
    folder, store = brats(tmp_path / "in", 2), tmp_path / "store"
    run(folder, store)
    text = (store / "people.tsv").read_text()
    run(folder, store)
    assert sorted(path.name for path in store.glob("people*")) == ["people.tsv"]
    mine = text.replace("B_0\n", "Anna\n").encode("utf-16")  # as a spreadsheet saves it
    (store / "people.tsv").write_bytes(mine)
    answer = run(folder, store).answer
    assert (store / "people.tsv").read_bytes() == mine
    assert "people-2.tsv" in answer and (store / "people-2.tsv").read_text() == text


def test_ingest__scans_that_are_of_different_people_after_all_are_not_asked_about(tmp_path: Path) -> None:
    folder, store = brats(tmp_path / "in", 2), tmp_path / "store"
    run(folder, store)
    names = [f"B_{n}__B_{n}_{sequence}" for n in range(2) for sequence in SEQUENCES]
    table = tmp_path / "t.tsv"
    table.write_text("id\tperson\n" + "".join(f"{name}\tP{n}\n" for n, name in enumerate(names)))
    assert run(folder, store, table=table).questions == ()
    assert run(folder, store).questions == ()


def test_ingest__a_person_called_as_the_scan_is_an_answer_too(tmp_path: Path) -> None:
    folder, table = brats(tmp_path / "in", 2), tmp_path / "t.tsv"
    names = [f"B_{n}__B_{n}_{sequence}" for n in range(2) for sequence in SEQUENCES]
    table.write_text("id\tperson\n" + "".join(f"{name}\t{name}\n" for name in names))
    answered = run(folder, tmp_path / "store", table=table)
    assert answered.questions == () and len({entry.person for entry in answered.manifest.scans}) == 8


def test_ingest__a_table_that_names_a_part_is_asked_to_name_the_rest(tmp_path: Path) -> None:
    folder, table = brats(tmp_path / "in", 2), tmp_path / "t.tsv"
    table.write_text("id\tperson\tsplit\nB_0__B_0_t1\tAnna\tval\nB_1__B_1_t1\tBerta\ttrain\n")
    told = run(folder, tmp_path / "store", table=table)
    asked, answer = told.questions, told.answer
    assert asked and str(table) in answer and not (tmp_path / "store" / "people.tsv").exists()
    assert by_person(splits(tmp_path / "store")) == {"B_0": {"val"}, "B_1": {"train"}}


def test_ingest__a_study_that_patients_share_is_asked_about_and_can_be_parted(tmp_path: Path) -> None:
    for seed, name in enumerate(("p1", "p2", "p3")):
        tags = [{"StudyInstanceUID": "1.2.3"}] * 6
        series(tmp_path / "in" / name / "ct", spacing=(2.0, 2.0), sizes=[(24, 24)] * 6, seed=seed, tags=tags)
    store = tmp_path / "store"
    (question,) = run(tmp_path / "in", store).questions
    assert "StudyInstanceUID" in question and "1.2.3" not in question
    lines = (store / "people.tsv").read_text().splitlines()
    assert len({line.split("\t")[1] for line in lines[1:]}) == 1
    table = tmp_path / "t.tsv"
    table.write_text("id\tperson\n" + "".join(f"p{n}__ct\tP{n}\n" for n in (1, 2, 3)))
    told = run(tmp_path / "in", tmp_path / "parted", table=table)
    assert told.questions == () and {entry.person for entry in told.manifest.scans} == {"P1", "P2", "P3"}
    assert run(tmp_path / "in", store, table=store / "people.tsv").questions == ()
    assert run(tmp_path / "in", store).questions == ()


def test_ingest__who_is_parted_already_is_named_with_the_splits(tmp_path: Path) -> None:
    folder, store = tmp_path / "in", tmp_path / "store"
    for seed, name in enumerate("abcdef"):
        nifti(folder / f"{name}.nii.gz", body(seed=seed))
    held = min(name for name, split in assign_splits("abcdef", {}).items() if split == "val")
    learned = min(name for name, split in assign_splits("abcdef", {}).items() if split == "train")
    run(folder, store)
    for name, word in ((held, "t1"), (learned, "t2")):
        (folder / f"{name}.nii.gz").rename(folder / f"anna_{word}.nii.gz")
    (question,) = run(folder, store, prune=True).questions
    assert "one subject is in several splits: anna_t1 in val, anna_t2 in train" in question
    assert splits(store)["anna_t1"] == "val" and splits(store)["anna_t2"] == "train"


@given(st.sets(st.sampled_from([f"{who}_{word}" for who in "pqrs" for word in SEQUENCES]), min_size=1), st.data())
def test_assign_subjects__new_scans_join_whoever_they_may_be(names: set[str], data: st.DataObject) -> None:
    first = data.draw(st.sets(st.sampled_from(sorted(names)), min_size=1))
    early, _ = assigned(sorted(first), None, {})
    late, notes = assigned(sorted(names), None, {name: Subject(s.id, s.split) for name, s in early.items()})
    assert all(late[name].split == early[name].split for name in first) and not [n for n in notes if "moved" in n]
    for who in "pqrs":
        assert len({subject.split for name, subject in late.items() if name.startswith(who)}) <= 1
    rows = {name: Row(name, name[0]) for name in names}
    again, _ = assigned(sorted(names), rows, {name: Subject(s.id, s.split) for name, s in late.items()})
    assert {name: s.split for name, s in again.items()} == {name: s.split for name, s in late.items()}


def test_ingest__participants_beside_a_bids_dataset_are_offered_and_read(tmp_path: Path) -> None:
    folder = tmp_path / "bids"
    for n in range(4):
        for session in (1, 2):
            name = f"sub-0{n}/ses-{session}/anat/sub-0{n}_ses-{session}_T1w.nii.gz"
            nifti(folder / name, body(seed=10 * n + session))
    table = folder / "participants.tsv"
    table.write_text("participant_id\tage\tsex\n" + "".join(f"sub-0{n}\t{50 + n}\t{'MF'[n % 2]}\n" for n in range(5)))
    first = run(folder, tmp_path / "store")
    assert first.table == table and first.questions == ()
    told = run(folder, tmp_path / "store", table=table)
    assert told.table is None and "1 row of the table without a scan: sub-04" in told.notes
    assert {(e.person, e.table["age"], e.table["sex"]) for e in told.manifest.scans} == {
        (f"sub-0{n}", str(50 + n), "MF"[n % 2]) for n in range(4)
    }
    assert splits(tmp_path / "store") == {entry.id: entry.split for entry in first.manifest.scans}
    assert run(folder, tmp_path / "store").table is None


@pytest.mark.parametrize("names", [("P1_t1", "P1_t2", "P12_t1"), ("P1/t1", "P1/t2", "P12/t1")])
def test_ingest__a_table_of_people_finds_their_scans_in_a_plain_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    for seed, name in enumerate((*names, "else")):
        nifti(tmp_path / "in" / f"{name}.nii.gz", body(seed=seed))
    table = tmp_path / "t.csv"
    table.write_text("subject,split\nP1,train\nP12,val\n")
    told = run(tmp_path / "in", tmp_path / "store", table=table)
    assert [(e.person, e.split) for e in told.manifest.scans if e.id != "else"] == [
        ("P12", "val") if "12" in e.id else ("P1", "train") for e in told.manifest.scans if e.id != "else"
    ]
    assert "1 scan without a row in the table: else" in told.notes
