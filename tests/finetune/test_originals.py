"""The files of a store's scans are looked at where they are what was ingested, and nowhere else."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.finetune.originals import Originals
from orienteer.finetune.structures import IGNORE, Structures
from orienteer.geometry import canonical
from orienteer.ingest import IngestOptions, ingest
from orienteer.runs.scan import stored
from orienteer.scans.discover import discover
from orienteer.scans.reading import read
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.scans.dicom_files import series

ORGANS = Structures(("big", "pair"), ((1,), (2, 3)))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Store]:
    """A store at 3 mm of two scans whose files have voxels of 1.5 mm."""

    def made(numbers: Callable[[NDArray], NDArray] = lambda array: array) -> Store:
        for person in range(2):
            volume, labels = phantom(person, (56, 60, 58), 1.5)
            for kind, array in (("scans", numbers(volume.array[0])), ("labels", labels.astype(np.uint8))):
                (tmp_path / kind).mkdir(exist_ok=True)
                nibabel.save(nibabel.Nifti1Image(array, volume.affine), tmp_path / kind / f"p{person}.nii.gz")
        asked = IngestOptions(spacing=3.0, labels=tmp_path / "labels", keep_names=True, progress=False, workers=1)
        ingest(tmp_path / "scans", tmp_path / "store", asked)
        return Store.open(tmp_path / "store")

    return made


def assert_finer(store: Store, scan: str) -> None:
    """Of the scan there is the same body, at the same place, at half the spacing, in each channel."""
    finer, coarse = Originals(store).finer(scan), stored(store, scan)
    assert finer is not None and finer.spacing.tolist() == [1.5] * 3
    d, h, w = (2 * n for n in coarse.shape)
    halved = finer.array[:, :d, :h, :w].reshape(-1, d // 2, 2, h // 2, 2, w // 2, 2).mean((2, 4, 6))
    for channel, other in zip(halved, coarse.array, strict=True):
        assert np.corrcoef(channel.ravel(), other.ravel())[0, 1] > 0.98
    assert np.percentile(finer.array, [1, 99]) == pytest.approx(np.percentile(coarse.array, [1, 99]), abs=0.1)


NUMBERS: dict[str, Callable[[NDArray], NDArray]] = {
    "as they are": lambda array: array.astype(np.int16),
    "fractions": lambda array: (array / 1500).astype(np.float32),
    "below zero": lambda array: (array * 1e-4 - 0.3).astype(np.float32),
    "bytes": lambda array: (array / 8).astype(np.uint8),
    "far from zero": lambda array: (array + 3e5).astype(np.float32),
}


@pytest.mark.parametrize("numbers", NUMBERS)
def test_finer__is_the_same_scan_at_half_the_spacing(numbers: str, made: Callable[..., Store]) -> None:
    """Whatever numbers its file holds: the store's 16 bits are another scale than the file's."""
    assert_finer(made(NUMBERS[numbers]), "p0")


def test_finer__of_a_dicom_series(tmp_path: Path) -> None:
    """Its label file leads to classes; a slice that has changed leads to nothing."""

    def body(places: NDArray) -> NDArray:
        waves = 300 * np.sin(places[..., 0] / 6) * np.cos(places[..., 1] / 8) * np.sin(places[..., 2] / 7)
        return np.where(np.linalg.norm(places - (12, 2, 0), axis=-1) < 36, 1000 + waves, 0)

    folder, where = tmp_path / "scans" / "p0", {"positions": np.arange(-42, 42, 1.5), "spacing": (1.5, 1.5)}
    files = series(folder, sizes=[(56, 56)] * 56, field=body, intercept=0, **where)
    scan = canonical(read(discover(folder)[0]))
    labels = (scan.array[0] > 900).astype(np.uint8)
    (tmp_path / "labels").mkdir()
    nibabel.save(nibabel.Nifti1Image(labels, scan.affine), tmp_path / "labels" / "p0.nii.gz")
    asked = IngestOptions(spacing=3.0, labels=tmp_path / "labels", keep_names=True, progress=False, workers=1)
    ingest(tmp_path / "scans", tmp_path / "store", asked)
    store = Store.open(tmp_path / "store")
    assert_finer(store, "p0")
    classes = Originals(store).classes("p0", ORGANS)
    assert classes is not None and (canonical(classes).array[0] == labels).all()
    files[3].write_bytes(files[3].read_bytes()[:-2] + b"ab")
    assert Originals(store).finer("p0") is None


def test_finer__of_a_file_a_channel(tmp_path: Path) -> None:
    volume, _ = phantom(0, (56, 60, 58), 1.5)
    (tmp_path / "imagesTr").mkdir()
    for channel, array in enumerate((volume.array[0], 2000 - volume.array[0])):
        image = nibabel.Nifti1Image(array.astype(np.float32), volume.affine)
        nibabel.save(image, tmp_path / "imagesTr" / f"p0_{channel:04}.nii.gz")
    told = {
        "channel_names": {"0": "T1", "1": "T2"},
        "labels": {"background": 0},
        "numTraining": 1,
        "file_ending": ".nii.gz",
    }
    (tmp_path / "dataset.json").write_text(json.dumps(told))
    ingest(tmp_path, tmp_path / "store", IngestOptions(spacing=3.0, keep_names=True, progress=False, workers=1))
    store = Store.open(tmp_path / "store")
    assert store.manifest.channel_names == ("T1", "T2")
    assert_finer(store, store.ids()[0])


def test_classes__are_those_of_the_label_file(made: Callable[..., Store], tmp_path: Path) -> None:
    store = made()
    classes = Originals(store).classes("p1", ORGANS)
    image = nibabel.load(tmp_path / "labels" / "p1.nii.gz")
    assert classes is not None and np.array_equal(classes.array[0], ORGANS.encode(np.asarray(image.dataobj)))
    np.testing.assert_allclose(classes.affine, image.affine)


def test_classes__know_what_was_ignored(made: Callable[..., Store]) -> None:
    store = made()
    originals = Originals(store)
    originals._records["p1"] = originals._records["p1"].model_copy(update={"ignored": (3,)})
    classes = originals.classes("p1", ORGANS)
    assert classes is not None and (classes.array == IGNORE).sum() > 100


@pytest.mark.parametrize("what", ["changed", "gone", "labels", "private", "torn"])
def test_originals__are_none_where_they_are_not_what_was_ingested(
    what: str, made: Callable[..., Store], tmp_path: Path
) -> None:
    store = made()
    scan, labels = (tmp_path / kind / "p0.nii.gz" for kind in ("scans", "labels"))
    match what:
        case "changed":
            shutil.copy(tmp_path / "scans" / "p1.nii.gz", scan)
        case "gone":
            scan.unlink()
        case "labels":
            labels.unlink()
        case "private":
            (store.path / "private.json").unlink()
        case "torn":
            (store.path / "private.json").write_text("{")
    originals = Originals(store)
    assert originals.classes("p0", ORGANS) is None
    assert (originals.finer("p0") is None) == (what != "labels")
    assert (originals.finer("p1") is None) == (what in ("private", "torn"))
