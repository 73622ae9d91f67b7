"""Which scans have an answer, which few are taken, and what the answers become."""

import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.errors import ConfigError, StoreError
from orienteer.finetune.goal import goal_of
from orienteer.finetune.labelled import Answers, answers_of, few, labelled_scans, scored_split
from orienteer.finetune.work import Finetuning
from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from orienteer.testing.datasets import write_nnunet
from orienteer.testing.phantom import phantom, phantom_store
from tests.finetune.cohort import AFFINE, ingested, quick


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Four people in training, each scanned twice."""
    return Store.open(phantom_store(tmp_path_factory.mktemp("visits"), people=8, shape=(18, 20, 19), visits=2))


def test_labelled__segmentation_takes_scans_with_labels(store: Store) -> None:
    assert labelled_scans(store, quick(), "train") == store.ids("train")


def test_scored_split__is_the_people_kept_for_testing_where_they_have_labels(store: Store, tmp_path: Path) -> None:
    assert scored_split(store, "segment") == "test"
    dataset = write_nnunet(tmp_path / "d", people=4, shape=(18, 20, 19))
    shutil.rmtree(dataset / "labelsTs")
    ingest(dataset, tmp_path / "store", IngestOptions(spacing=3, workers=1, keep_names=True, progress=False))
    opened = Store.open(tmp_path / "store")
    assert {entry.split for entry in opened.manifest.scans} == {"train", "val", "test"}
    assert (scored_split(opened, "segment"), scored_split(opened, "classify")) == ("val", "test")


def test_labelled__unlabelled_scans_are_named_with_the_cure(tmp_path: Path) -> None:
    bare = Store.open(phantom_store(tmp_path, people=4, shape=(18, 20, 19), labels=False))
    with pytest.raises(ConfigError, match=r"none of the 2 train scans") as caught:
        labelled_scans(bare, quick(), "train")
    assert caught.value.message.endswith("store has labels")  # and no reason, because nothing was wrong with any
    assert "--labels DIR" in caught.value.cure


def test_labelled__labels_on_another_grid_quote_what_ingest_found(tmp_path: Path) -> None:
    for person in range(4):
        volume, organs = phantom(person, (18, 20, 19))
        moved = AFFINE.copy()
        moved[:3, 3] = 500.0
        for kind, array, affine in (("scans", volume.array[0], AFFINE), ("labels", organs, moved)):
            (tmp_path / kind).mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / kind / f"p{person}.nii")
    ingest(
        tmp_path / "scans",
        tmp_path / "store",
        IngestOptions(labels=tmp_path / "labels", workers=1, keep_names=True, progress=False),
    )
    with pytest.raises(ConfigError, match=r"has labels: p\d\.nii: labels cover 0% of the image's space"):
        labelled_scans(Store.open(tmp_path / "store"), quick(), "train")


def test_labelled__a_split_nobody_is_in(store: Store) -> None:
    with pytest.raises(StoreError, match="no scans in split 'autumn'"):
        labelled_scans(store, quick(), "autumn")


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_labelled__a_column_must_be_named_and_be_there(kind: str, store: Store) -> None:
    with pytest.raises(ConfigError, match=f"{kind} needs a column") as caught:
        labelled_scans(store, quick(f"kind={kind}"), "train")
    assert "age, ward" in caught.value.cure
    with pytest.raises(ConfigError, match=r"no train scan in .* has a value in column 'height'") as caught:
        labelled_scans(store, quick(f"kind={kind}", "column=height"), "train")
    assert "age, ward" in caught.value.cure
    assert labelled_scans(store, quick(f"kind={kind}", "column=age"), "train") == store.ids("train")


def test_labelled__a_column_is_named_with_the_commands_own_option(store: Store) -> None:
    with pytest.raises(ConfigError) as caught:
        labelled_scans(store, quick("kind=regress"), "train")
    assert caught.value.cure.startswith("add --column NAME; the table has ")


def test_labelled__the_cure_asks_for_no_common_grid(tmp_path: Path) -> None:
    """Ingest brings labels over from other grids."""
    bare = Store.open(phantom_store(tmp_path, people=4, shape=(18, 20, 19), labels=False))
    with pytest.raises(ConfigError) as caught:
        labelled_scans(bare, quick(), "train")
    assert caught.value.cure == "ingest with --labels DIR, label files named like their scans"


@pytest.mark.parametrize("nothing", ["n/a", "N/A", "nan", " "])
def test_labelled__a_value_that_is_missing_is_no_answer(nothing: str, tmp_path: Path) -> None:
    """BIDS writes n/a; it is no category, in training as in validation and testing."""
    wards = {f"{split}_{n}": ward for split in ("train", "val", "test") for n, ward in enumerate(("north", "south"))}
    wards |= {"train_2": nothing, "val_2": nothing, "test_2": nothing}
    scans = {name: phantom(number, (18, 20, 19))[0].array[0] for number, name in enumerate(wards)}
    rows = {n: {"person": n, "split": n[:-2], "ward": ward} for n, ward in wards.items()}
    store, chosen = Store.open(ingested(tmp_path, scans, None, rows)), quick("kind=classify", "column=ward")
    assert labelled_scans(store, chosen, "train") == ("train_0", "train_1")
    assert labelled_scans(store, chosen, "test") == ("test_0", "test_1")
    goal = goal_of(store, chosen)
    assert goal.answers == Answers(("north", "south"))
    assert Finetuning(chosen, store, goal, None, chosen.devices).watched == ("val_0", "val_1")


@given(seed=st.integers(0, 2**40), count=st.integers(1, 8), more=st.integers(0, 7))
@settings(max_examples=30)
def test_few__fewer_are_a_part_of_more(visited: Store, seed: int, count: int, more: int) -> None:
    scans = visited.ids("train")
    count, larger = min(count, len(scans)), min(count + more, len(scans))
    small, large = few(visited, scans, count, seed), few(visited, scans, larger, seed)
    assert large[:count] == small and len(set(small)) == count
    assert small == few(visited, scans, count, seed)


@given(seed=st.integers(0, 2**40))
@settings(max_examples=30)
def test_few__every_person_once_before_any_twice(visited: Store, seed: int) -> None:
    scans = visited.ids("train")
    persons = [visited.entry(scan).person for scan in few(visited, scans, None, seed)]
    people = len(set(persons))
    assert people == 4 and len(persons) == 8
    for start in range(0, 8, people):
        assert len(set(persons[start : start + people])) == people


def test_few__seeds_draw_differently_and_all_scans_come_up(visited: Store) -> None:
    first = {few(visited, visited.ids("train"), 1, seed)[0] for seed in range(60)}
    assert len(first) > 6


def test_few__more_than_there_are(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"9 labelled training scans are asked for, \S+ has 4"):
        few(store, store.ids("train"), 9, 0)


def test_answers__categories_are_sorted_names(store: Store) -> None:
    answers = answers_of(store, store.ids("train"), quick("kind=classify", "column=ward"))
    assert answers == Answers(("north", "south"))
    assert [answers.encode(text, "x") for text in ("south", "north")] == [1, 0]


def test_answers__numbers_are_standardised_by_the_training_scans(store: Store) -> None:
    scans = store.ids("train")
    answers = answers_of(store, scans, quick("kind=regress", "column=age"))
    coded = [answers.encode(store.entry(scan).table["age"], scan) for scan in scans]
    assert np.mean(coded) == pytest.approx(0) and np.std(coded) == pytest.approx(1)
    assert answers.encode("30", "x") * answers.scale + answers.mean == pytest.approx(30)


def test_answers__one_category_teaches_nothing(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"all 1 training scans are ward = (north|south)"):
        answers_of(store, store.ids("train")[:1], quick("kind=classify", "column=ward"))


def test_answers__one_category_in_two_spellings_is_refused(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for person in range(5):
        array = phantom(person, (18, 20, 19))[0].array[0]
        nibabel.save(nibabel.Nifti1Image(array, AFFINE), scans / f"p{person}.nii")
    lines = (f"p{n},{sex},{split}" for n, (sex, split) in enumerate(zip("mMfFm", ["train"] * 4 + ["val"], strict=True)))
    (tmp_path / "t.csv").write_text("\n".join(("id,sex,split", *lines)))
    options = IngestOptions(spacing=3, workers=1, keep_names=True, progress=False, table=tmp_path / "t.csv")
    ingest(scans, tmp_path / "store", options)
    store = Store.open(tmp_path / "store")
    with pytest.raises(ConfigError, match=r"in several ways: 'F' and 'f'; 'M' and 'm'") as caught:
        answers_of(store, store.ids("train"), quick("kind=classify", "column=sex"))
    assert "table" in caught.value.cure


def test_answers__one_number_keeps_its_unit(store: Store) -> None:
    answers = answers_of(store, store.ids("train")[:1], quick("kind=regress", "column=age"))
    assert answers.scale == 1.0


@pytest.mark.parametrize("text", ["north", "", "nan", "inf", "3,5"])
def test_encode__what_is_no_number(text: str) -> None:
    with pytest.raises(ConfigError, match=r"scan_7: .* is not a number"):
        Answers((), 40.0, 10.0).encode(text, "scan_7")


def test_encode__a_category_nobody_trained_on() -> None:
    with pytest.raises(ConfigError, match="scan_7 is 'east', which no training scan is") as caught:
        Answers(("north", "south")).encode("east", "scan_7")
    assert "north, south" in caught.value.cure
