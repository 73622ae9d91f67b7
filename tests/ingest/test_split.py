"""Splits follow the person, and do not move when others come or go."""

from hypothesis import given
from hypothesis import strategies as st

from orienteer.ingest.split import assign_splits

PEOPLE = st.sets(st.text(min_size=1, max_size=8), min_size=2, max_size=40)


@given(PEOPLE)
def test_assign_splits__somebody_learns_and_somebody_is_held_out(people) -> None:
    assert set(assign_splits(people, {}).values()) == {"train", "val"}


@given(PEOPLE, PEOPLE)
def test_assign_splits__people_of_the_store_keep_theirs(old, new) -> None:
    before = assign_splits(old, {})
    after = assign_splits(old | new, before)
    assert {person: after[person] for person in old} == before


@given(PEOPLE, st.data())
def test_assign_splits__the_table_wins(people, data) -> None:
    fixed = data.draw(st.dictionaries(st.sampled_from(sorted(people)), st.sampled_from(["train", "val", "test"])))
    splits = assign_splits(people, fixed)
    assert {person: splits[person] for person in fixed} == fixed


def test_assign_splits__about_fifteen_percent_are_held_out() -> None:
    splits = assign_splits([f"person {index}" for index in range(4000)], {})
    assert 0.13 < sum(split == "val" for split in splits.values()) / 4000 < 0.17


def test_assign_splits__is_the_same_on_every_machine() -> None:
    assert assign_splits(["OAS1_0061", "OAS1_0080", "b", "c", "ä"], {}) == {
        "OAS1_0061": "val",
        "OAS1_0080": "train",
        "b": "train",
        "c": "train",
        "ä": "train",
    }


def test_assign_splits__one_person_learns() -> None:
    assert assign_splits(["c"], {}) == {"c": "train"}
