"""The real brains: all come in, quickly and labelled, each person in one split, body where labels are."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import scipy.ndimage as ndimage

from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store


def test_real_scans__all_come_in_under_a_minute(real_brains: Path) -> None:
    told = json.loads((real_brains.parent / "result.json").read_text())
    assert (told["added"], told["failed"], told["notes"]) == (23, 0, [])
    assert told["splits"] == {"test": [8, 6], "train": [12, 11], "val": [3, 3]}
    assert told["seconds"] < 60


def test_real_scans__labels_lie_in_the_foreground(real_brains: Path) -> None:
    store = Store.open(real_brains)
    for scan in store.ids():
        entry = store.entry(scan)
        labels = store.labels(scan) > 0
        inside = np.kron(store.foreground(scan), np.ones((4, 4, 4), bool))[tuple(map(slice, entry.shape))]
        assert (labels & inside).sum() > 0.97 * labels.sum()
        assert inside.sum() < 1.7 * labels.sum()


def test_real_scans__structures_keep_their_place_and_volume(real_brains: Path, real_data: Path) -> None:
    store = Store.open(real_brains)
    shifts, volumes = [], []
    for scan in store.ids()[:6]:
        file = nibabel.load(real_data / "oasis" / "labels" / f"{scan.removeprefix('images__')}.nii.gz")
        native, stored = np.asarray(file.dataobj), store.labels(scan)
        for structure in (35, 38, 47, 48, 57, 58, 59, 60):  # stem, cerebellum, hippocampi, putamina, thalami
            place = file.affine @ [*ndimage.center_of_mass(native == structure), 1]
            now = np.array(store.entry(scan).affine) @ [*ndimage.center_of_mass(stored == structure), 1]
            shifts.append((now - place)[:3])
            volumes.append((stored == structure).sum() * 27 / ((native == structure).sum() * 1.5**3))
    # One structure may lose a thin edge; together they must not drift: half an old voxel would be 0.75 mm.
    assert (np.abs(np.mean(shifts, axis=0)) < 0.25).all()
    assert np.linalg.norm(shifts, axis=1).max() < 1.5
    assert abs(np.mean(volumes) - 1) < 0.05


def test_real_scans__tissue_fills_the_window(real_brains: Path) -> None:
    store = Store.open(real_brains)
    for scan in store.ids():
        seen = store.normalise(scan, store.read(scan))[0]
        brain = seen[store.labels(scan) > 0]
        assert seen.min() == -1.0 and -0.2 < brain.mean() < 0.7 and brain.std() > 0.15


@pytest.mark.slow
def test_real_scans__the_wild_folder_goes_in_as_far_as_it_can(real_data: Path, tmp_path: Path) -> None:
    result = ingest(
        real_data / "wild", tmp_path / "store", IngestOptions(spacing=4.0, workers=2, keep_names=True, progress=False)
    )
    assert {"ct_abdomen_3mm", "ct_lung_small", "breast1_image", "t2_thick_slices_oblique"} <= set(result.added)
    assert {"asl_4d_oblique", "dicom__ge_head_ct_tilted_uneven__GE"} <= set(result.added)
    assert not result.failed
    assert Store.open(tmp_path / "store").verify() == ()
