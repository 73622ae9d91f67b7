"""From ``dataset.json`` to scores and predictions: names, ignored values, people without any structure, regions."""

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from orienteer.benchmark.notes import about_labels
from orienteer.benchmark.plan import jobs_of
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.errors import ConfigError
from orienteer.finetune.goal import goal_of
from orienteer.finetune.names import about_scored
from orienteer.finetune.predict import predict
from orienteer.finetune.run import finetune
from orienteer.finetune.structures import Structures
from orienteer.ingest import IngestOptions, ingest
from orienteer.records.rows import read_rows
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.finetune.cohort import AFFINE, SPACING, SPLITS, quick
from tests.scans.files import nifti
from tests.scans.layouts.trees import describe

NAMES = {"background": 0, "large part": 1, "left": 2, "right": 3, "ignore": 7}


def dataset(folder: Path, names: Mapping[str, object], people: int = 4, *, healthy: int = 0, first: int = 0) -> Path:
    """An nnU-Net dataset of phantoms; the lowest slices are 7, and the last people have no structure."""
    for person in range(people):
        volume, labels = phantom(first + person)
        labels = np.where(labels > 3, 0, labels) * (person < people - healthy)
        labels[:, :, :4] = 7
        nifti(folder / "imagesTr" / f"c{person}_0000.nii.gz", volume.array[0], AFFINE)
        nifti(folder / "labelsTr" / f"c{person}.nii.gz", labels.astype(np.uint8), AFFINE)
    describe(folder / "dataset.json", channel_names={"0": "CT"}, labels=names)
    return folder


def stored(scans: Path, store: Path, people: int = 4) -> Store:
    """The store of a dataset; its people go to the splits of the cohort, in turn."""
    table = store.with_suffix(".tsv")
    table.write_text("id\tsplit\n" + "".join(f"c{n}\t{SPLITS[n % 4]}\n" for n in range(people)))
    ingest(scans, store, IngestOptions(spacing=SPACING, table=table, workers=1, keep_names=True, progress=False))
    return Store.open(store)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three people with structures, the last one, who is tested on, healthy; all with slices nobody has looked at."""
    folder = tmp_path_factory.mktemp("named")
    return stored(dataset(folder / "scans", NAMES, healthy=1), folder / "store")


def test_names__come_from_the_data_set_and_ignored_voxels_count_nowhere(named: Store) -> None:
    goal = goal_of(named, quick())
    assert goal.structures is not None
    assert goal.structures.names == ("large part", "left", "right")
    labels = [named.labels(scan) for scan in goal.scans]
    assert all((each[:, :, :4] == -1).all() for each in labels)
    assert sum(goal.voxels) == sum(int((each >= 0).sum()) for each in labels)
    assert goal.voxels[1] == sum(int((each == 1).sum()) for each in labels)


def test_names__are_in_scores_and_predictions_and_the_healthy_have_no_dice(
    named: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = finetune(named.path, tmp_path / "out", source=None, settings=quick())
    said = capsys.readouterr().err
    assert said.count("label value 7 (ignore) takes no part in loss and scores") == 1
    rows = read_rows(tmp_path / "out" / "seed_0" / "cases.parquet")
    assert set(rows["item"]) == {"large part", "left", "right"} and len(set(rows["case"])) == 1
    values = {metric: rows["value"][rows["metric"] == metric] for metric in set(rows["metric"])}
    assert np.isnan(values["dice"]).all() and np.isfinite(values["false_ml"]).all()
    assert result.summary.scores["dice"].mean is None and result.summary.scores["dice"].undefined == 3
    predict(
        tmp_path / "out", named.path.parent / "scans" / "imagesTr" / "c0_0000.nii.gz", tmp_path / "p", progress=False
    )
    record = json.loads((tmp_path / "p" / "predictions.json").read_text())
    assert record["classes"] == {"1": "large part", "2": "left", "3": "right"}


@pytest.fixture(scope="module")
def otherwise(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One person, who is tested on, with the structures of the others as other values."""
    folder = tmp_path_factory.mktemp("otherwise")
    scans = dataset(folder / "scans", {"background": 0, "large part": 1, "left": 2, "right": 3})
    file = scans / "labelsTr" / "c3.nii.gz"
    labels = nib.load(file).get_fdata().astype(np.uint8)
    nifti(file, np.where(labels == 7, 0, labels * 20).astype(np.uint8), AFFINE)
    return stored(scans, folder / "store")


LACKING = "scored as lacking every structure: imagesTr__c3, whose labels hold 20, 40, 60 and none of the learned 1, 2;"


def test_names__a_scored_scan_that_calls_the_same_otherwise_is_told(
    otherwise: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finetune(otherwise.path, tmp_path / "out", source=None, settings=quick("structures={part: [1], left: [2]}"))
    assert LACKING in " ".join(capsys.readouterr().err.split())


def test_names__a_benchmark_tells_it_once_a_task(otherwise: Store, tmp_path: Path) -> None:
    def told(**structures: list[int]) -> list[str]:
        values = {
            "name": "toy", "title": "Toy", "data": {"scans": "scans"}, "seeds": [0, 1, 2],
            "arms": {"scratch": {"label": "scratch", "role": "scratch"}, "more": {"label": "more", "role": "scratch"}},
            "tasks": {"organs": {"kind": "segment", "words": "Dice", "settings": {"structures": structures or None}}},
        }  # fmt: skip
        return list(about_labels(jobs_of(BenchmarkSettings.build(values), tmp_path), otherwise, "test"))

    (line,) = told(part=[1], left=[2])
    assert LACKING in line
    (line,) = told()
    assert "none of the learned 1, 2, 3, 7;" in line
    assert told(part=[1], other=[20]) == [] == told(nowhere=[99]), "the jobs refuse what is nowhere"


def test_about_scored__has_a_line_for_each_set_of_structures(otherwise: Store) -> None:
    learned = [Structures((str(value),), ((value,),)) for value in (1, 2, 20, 1)]
    lines = about_scored(otherwise, [*learned, None], otherwise.ids("test"))
    assert [line.partition("learned ")[2][:2] for line in lines] == ["1;", "2;"]
    assert about_scored(otherwise, [None], otherwise.ids("test")) == []


def test_names__ignored_values_can_be_set(named: Store) -> None:
    goal = goal_of(named, quick("ignore=[3]"))
    assert goal.structures is not None
    assert goal.structures.names == ("large part", "left") and goal.structures.ignored == (3,)
    encoded = goal.structures.encode(np.array([0, 1, 3, -1, 9], np.int16))
    assert encoded.tolist() == [0, 1, 255, 255, 0]
    with pytest.raises(ConfigError, match=r"label value 3 is in ignore and in structures\.a"):
        goal_of(named, quick("ignore=[3]", "structures={a: [3]}"))
    with pytest.raises(ConfigError, match="ignore has the label value 0"):
        goal_of(named, quick("ignore=[0]"))


def test_names__regions_are_refused_until_they_share_nothing(named: Store, tmp_path: Path) -> None:
    names = {"whole": [1, 2], "core": [2], "ignore": 7}
    describe(named.path.parent / "scans" / "dataset.json", channel_names={"0": "CT"}, labels=names)
    store = stored(named.path.parent / "scans", tmp_path / "store")
    with pytest.raises(ConfigError, match=r"whole and core .* share label values") as caught:
        goal_of(store, quick())
    assert "{whole: [1], whole and core: [2]}" in caught.value.cure
    goal = goal_of(store, quick("structures={edema: [1], core: [2, 3]}"))
    assert goal.structures is not None and goal.structures.names == ("edema", "core")


def test_names__a_new_description_is_followed_by_the_next_ingest(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "scans", {"a": 1, "b": 2, "c": 3, "d": 7})
    store = stored(folder, tmp_path / "store")
    before = {entry.id: entry.content for entry in store.manifest.scans}
    assert goal_of(store, quick()).structures.names == ("a", "b", "c", "d")
    describe(folder / "dataset.json", channel_names={"0": "CT"}, labels={"x": 1, "b": 2, "c": 3, "d": 7})
    store = stored(folder, tmp_path / "store")
    assert goal_of(store, quick()).structures.names == ("x", "b", "c", "d")
    assert {entry.id: entry.content for entry in store.manifest.scans} == before
    describe(folder / "dataset.json", channel_names={"0": "CT"}, labels={"x": 1, "b": 2, "c": 3, "ignore": 7})
    store = stored(folder, tmp_path / "store")
    assert goal_of(store, quick()).structures.names == ("x", "b", "c")
    assert (store.labels(store.ids()[0]) == -1).any()


def test_names__of_two_data_sets_that_differ_are_refused(tmp_path: Path) -> None:
    dataset(tmp_path / "in" / "Dataset001_A", {"liver": 1, "a": 2, "b": 3, "ignore": 7}, 2)
    dataset(tmp_path / "in" / "Dataset002_B", {"spleen": 1, "a": 2, "b": 3, "ignore": 7}, 2, first=2)
    ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    store = Store.open(tmp_path / "store")
    with pytest.raises(ConfigError, match=r"other structures: liver: \[1\].* and spleen: \[1\]") as caught:
        goal_of(store, quick())
    assert "`structures`" in caught.value.cure
    assert goal_of(store, quick("structures={organ: [1]}")).structures.names == ("organ",)
