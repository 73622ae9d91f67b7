"""The files of a store's scans are looked at where they are what was ingested, and nowhere else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from orienteer.finetune.originals import Originals
from orienteer.finetune.structures import IGNORE, Structures
from orienteer.ingest import IngestOptions, ingest
from orienteer.runs.scan import stored
from orienteer.store import Store
from orienteer.testing.phantom import phantom

ORGANS = Structures(("big", "pair"), ((1,), (2, 3)))


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Store]:
    """A store at 3 mm of two scans whose files have voxels of 1.5 mm."""

    def made(**options: object) -> Store:
        for person in range(2):
            volume, labels = phantom(person, (56, 60, 58), 1.5)
            for kind, array in (("scans", volume.array[0]), ("labels", labels.astype(np.uint8))):
                (tmp_path / kind).mkdir(exist_ok=True)
                nibabel.save(nibabel.Nifti1Image(array, volume.affine), tmp_path / kind / f"p{person}.nii.gz")
        asked = IngestOptions(spacing=3.0, labels=tmp_path / "labels", keep_names=True, progress=False, workers=1)
        ingest(tmp_path / "scans", tmp_path / "store", asked)
        return Store.open(tmp_path / "store")

    return made


def test_finer__is_the_same_scan_at_half_the_spacing(made: Callable[..., Store]) -> None:
    store = made()
    finer, coarse = Originals(store).finer("p0"), stored(store, "p0")
    assert finer is not None and finer.spacing.tolist() == [1.5] * 3
    d, h, w = (2 * n for n in coarse.shape)
    halved = finer.array[0, :d, :h, :w].reshape(d // 2, 2, h // 2, 2, w // 2, 2).mean((1, 3, 5))
    assert np.corrcoef(halved.ravel(), coarse.array[0].ravel())[0, 1] > 0.98, "the same body, at the same place"
    assert np.percentile(finer.array, [1, 99]) == pytest.approx(np.percentile(coarse.array, [1, 99]), abs=0.1)


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
    assert originals.missing(["p0", "p1"]) == {"labels": 0, "changed": 1, "gone": 1}.get(what, 2)
