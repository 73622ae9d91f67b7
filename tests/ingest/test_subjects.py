"""Scans keep the side they are on when more becomes known of who is on them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.ingest.copies import drop_copies
from orienteer.ingest.existing import Subject
from orienteer.ingest.split import assign_splits
from orienteer.ingest.state import ScanState
from orienteer.ingest.subjects import assign_subjects
from orienteer.ingest.summary import notes_on_subjects
from orienteer.ingest.table import Row
from orienteer.store import Store
from tests.ingest.scan_states import assigned, context, finished
from tests.scans.dicom_files import series
from tests.store.phantoms import cohort


def one_person(*names: str, split: str = "") -> dict[str, Row]:
    """A table that calls the person of all these scans Anna."""
    return {name: Row(name, "Anna", split) for name in names}


def before(**splits: str) -> dict[str, Subject]:
    """Every scan a person of its own, and others that fill both sides."""
    return {name: Subject(name, split) for name, split in {"x": "train", "y": "val", **splits}.items()}


def splits_of(places: dict[str, Subject]) -> dict[str, str]:
    return {name: place.split for name, place in places.items() if name not in "xy"}


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("person", ["Anna", "Berta", "Carla", "p 1", "p 2", "p 17"])
def test_assign_subjects__a_new_name_of_the_person_moves_nobody(person: str, split: str) -> None:
    rows = {name: Row(name, person) for name in "ab"}
    places, notes = assigned("abcxy", rows, before(a=split, b=split))
    assert {name: place.split for name, place in places.items() if name in "ab"} == {"a": split, "b": split}
    assert not [note for note in notes if "moved" in note]


def test_assign_subjects__a_new_scan_joins_the_side_of_its_person() -> None:
    places, notes = assigned("abxy", one_person("a", "b"), before(a="val"))
    assert splits_of(places) == {"a": "val", "b": "val"} and not [note for note in notes if "moved" in note]


def test_assign_subjects__who_was_learned_from_is_not_held_out_and_it_is_said() -> None:
    places, notes = assigned("abcxy", one_person("a", "b", "c"), before(a="val", b="train", c="val"))
    assert splits_of(places) == {"a": "train", "b": "train", "c": "train"}
    assert "2 scans moved from val to train because another scan of the same subject is there: a, c" in notes


@pytest.mark.parametrize("other", ["train", "val"])
def test_assign_subjects__kept_for_testing_and_not_is_for_the_user_to_settle(other: str) -> None:
    with pytest.raises(StoreError, match=f"a in test, b in {other}") as caught:
        assigned("abxy", one_person("a", "b"), before(a="test", b=other))
    assert "--table" in caught.value.cure and "split" in caught.value.cure
    places, notes = assigned("abxy", one_person("a", "b", split="test"), before(a="test", b=other))
    assert splits_of(places) == {"a": "test", "b": "test"}
    (moved,) = [note for note in notes if "moved" in note]
    assert moved.startswith(f"1 scan moved from {other} to test by the table: b")
    assert moved.endswith("have seen them") == (other == "train")


def test_assign_subjects__splits_without_a_meaning_are_noted_once_with_their_scans() -> None:
    splits = ("external", "b2", "external", "test")
    rows = {name: Row(name, name, split) for name, split in zip("abcd", splits, strict=True)}
    _, notes = assigned("abcdxy", rows, before())
    (note,) = [note for note in notes if "nothing learns" in note]
    assert note.startswith("nothing learns from splits 'b2' (1 scan), 'external' (2 scans), none of train, val and")
    assert "--split b2`" in note
    _, notes = assigned("abcdxy", None, before(a="external"))
    assert not [note for note in notes if "nothing learns" in note]


def test_assign_subjects__a_store_of_other_words_gets_the_usual_names_and_it_is_said() -> None:
    words = {"a": "training", "b": "Val", "c": "testing", "d": "external"}
    stored = {name: Subject(name, split) for name, split in words.items()}
    places, notes = assigned("abcd", None, stored)
    assert [places[name].split for name in "abcd"] == ["train", "val", "test", "external"]
    assert "1 scan moved from training to train because both words mean the same split: a" in notes
    assert len(notes) == 3
    told, notes = assigned("abcd", {"a": Row("a", "a", "train")}, stored)
    assert told["a"].split == "train" and len([note for note in notes if "both words" in note]) == 3


def test_assign_subjects__one_person_under_two_words_for_a_split_is_no_contradiction() -> None:
    stored = before(a="training", b="validation", c="test", d="testing")
    rows = {name: Row(name, person) for name, person in zip("abcd", ["Anna", "Anna", "Berta", "Berta"], strict=True)}
    places, notes = assigned("abcdxy", rows, stored)
    assert splits_of(places) == {"a": "train", "b": "train", "c": "test", "d": "test"}
    assert "1 scan moved from validation to train because another scan of the same subject is there: b" in notes


def study(*names: str) -> dict[str, Subject]:
    """What a folder says of scans of one study."""
    return {name: Subject("study-1", "") for name in names}


def test_assign_subjects__a_scan_of_the_study_is_of_whom_the_table_calls_another() -> None:
    places, _ = assigned("abxy", one_person("a", split="test"), before(), layout=study("a", "b"))
    assert {(places[name].id, places[name].split) for name in "ab"} == {("Anna", "test")}
    stored = {**before(), "a": Subject("Anna", "test")}
    places, _ = assigned("abxy", None, stored, layout=study("a", "b"))
    assert {(places[name].id, places[name].split) for name in "ab"} == {("Anna", "test")}


def test_assign_subjects__where_the_table_calls_a_study_two_people_it_is_believed() -> None:
    rows = {"a": Row("a", "Anna"), "b": Row("b", "Berta")}
    places, _ = assigned("abcxy", rows, before(), layout=study("a", "b", "c"))
    assert [places[name].id for name in "abc"] == ["Anna", "Berta", "study-1"]


def test_assign_subjects__a_table_that_names_nobody_parts_no_study() -> None:
    rows = {"a": Row("a", "a", "", {"age": "4"}), "b": Row("b", "b", "test")}
    places, _ = assigned("abxy", rows, before(), layout=study("a", "b"))
    assert {(places[name].id, places[name].split) for name in "ab"} == {("study-1", "test")}
    assert places["a"].table == {"age": "4"}
    rows["a"] = Row("a", "a", "train")
    with pytest.raises(StoreError, match="one subject into several splits: a in train, b in test"):
        assigned("abxy", rows, before(), layout=study("a", "b"))


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["train", "val"]), min_size=1), st.data())
def test_assign_subjects__every_scan_that_changes_sides_is_named(had: dict[str, str], data: st.DataObject) -> None:
    rows = {name: Row(name, data.draw(st.sampled_from(["P", "Q", "R"]))) for name in "abcdef"}
    places, notes = assigned("abcdefxy", rows, before(**had))
    moved = {name for name in had if places[name].split != had[name]}
    said = {name for note in notes if "moved" in note for name in note.partition(": ")[2].partition(";")[0].split(", ")}
    assert said == moved and all(had[name] == "val" for name in moved)


def test_ingest__a_second_series_of_the_study_leaves_the_first_where_it_was(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 6)
    study = [{"StudyInstanceUID": "1.2.3"}] * 6
    # Until the second series comes the person has the name of the scan, and is held out for it.
    splits = assign_splits(["OAS1_0061", "b", *(f"s{index}" for index in range(99))], {})
    folder = min(name for name, split in splits.items() if split == "val" and name.startswith("s"))
    series(tmp_path / "in" / folder, spacing=(2.0, 2.0), sizes=[(24, 24)] * 6, tags=study, uid="1.2.4")

    def sides() -> dict[str, str]:
        ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
        return {entry.id: entry.split for entry in Store.open(tmp_path / "store").manifest.scans}

    first = sides()
    assert first[folder] == "val"
    series(tmp_path / "in" / "later", spacing=(2.0, 2.0), sizes=[(24, 24)] * 6, tags=study, uid="1.2.5", seed=1)
    assert sides() == {**first, "later": "val"}


def test_drop_copies__the_row_of_a_copy_is_about_no_other_scan() -> None:
    """``ct`` is left out as a copy of ``a``: its row must not be taken for that of ``p1__ct``, nor be called unused."""
    rows = {"ct": Row("ct", "Berta", "test"), "a": Row("a", "Anna")}
    new_store = context(rows)
    states = [
        ScanState(name, "new", finished=finished(name, image))
        for name, image in (("a", "1"), ("ct", "1"), ("p1__ct", "2"))
    ]
    states = drop_copies(assign_subjects(states, new_store), new_store)
    assert [state.subject.id for state in states] == ["Anna", "", "p1__ct"]
    assert not [note for note in notes_on_subjects(states, new_store) if "without a scan" in note]


def test_drop_copies__a_copy_of_a_scan_without_a_file_is_called_a_copy() -> None:
    states = [ScanState(name, "gone", finished=finished(name, "1"), earlier=Subject(name, "train")) for name in "ab"]
    states = drop_copies(assign_subjects(states, context(None)), context(None))
    left_out = states[1].left_out
    assert states[1].status == "copy" and left_out is not None
    assert [found.code for found in left_out.as_findings] == ["identical-content"]
