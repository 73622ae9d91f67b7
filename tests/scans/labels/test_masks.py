"""A folder of masks a scan, as TotalSegmentator has: told for what it is, and no advice that is then refused."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import StoreError
from orienteer.scans.labels.find import find_scans
from tests.scans.files import nifti

STRUCTURES = ("aorta", "liver")


def dataset(root: Path, subjects: int = 2, folder: str = "segmentations") -> Path:
    for index in range(subjects):
        subject = root / f"s{index:04d}"
        nifti(subject / "ct.nii.gz")
        for name in STRUCTURES:
            nifti(subject / folder / f"{name}.nii.gz", np.ones((12, 14, 10), np.uint8))
    return root


@pytest.mark.parametrize("subjects", [1, 2])
def test_masks__are_named_and_not_offered_as_labels(tmp_path: Path, subjects: int) -> None:
    (note,) = find_scans(dataset(tmp_path, subjects)).notes
    assert note.startswith("2 folders hold" if subjects > 1 else "1 folder holds")
    assert "(s0000/segmentations: aorta, liver)" in note and "A mask for each structure" in note
    assert "--labels" not in note


@pytest.mark.parametrize("labels", [".", "s0001/segmentations", "../apart"])
def test_masks__asked_for_as_labels_are_refused_with_the_same_cure(tmp_path: Path, labels: str) -> None:
    root = dataset(tmp_path / "in")
    if labels == "../apart":
        for subject in ("s0000", "s0001"):
            (tmp_path / "apart").mkdir(exist_ok=True)
            (root / subject / "segmentations").rename(tmp_path / "apart" / subject)
    with pytest.raises(StoreError, match="a mask for each structure and no label map") as caught:
        find_scans(root, (root / labels).resolve())
    assert "A mask for each structure" in caught.value.cure and "leave out --labels" in caught.value.cure


def test_masks__label_maps_beside_them_are_still_offered_and_used(tmp_path: Path) -> None:
    root = dataset(tmp_path)
    nifti(root / "s0000" / "ct_seg.nii.gz", np.ones((12, 14, 10), np.uint8))
    masks, offer = find_scans(root).notes
    assert "2 folders hold" in masks and offer.startswith(
        "1 file or folder of labels is not used (s0000/ct_seg.nii.gz)"
    )
    assert [source.labels is not None for source in find_scans(root, root).sources] == [True, False]


@pytest.mark.parametrize(
    ("scans", "labels"),
    [
        (["p1/ct", "p2/ct"], ["p1/labels/ct", "p1/labels/ct_seg", "p2/labels/ct"]),
        (["p1/t1", "p1/flair"], ["p1/seg/t1_seg", "p1/seg/other"]),
        (["a", "b"], ["labels/x", "labels/y", "labels/z"]),
        (["images/a", "images/b"], ["labels/a", "labels/b"]),
    ],
)
def test_masks__folders_of_label_maps_are_none(tmp_path: Path, scans: list[str], labels: list[str]) -> None:
    for name in (*scans, *labels):
        nifti(tmp_path / f"{name}.nii.gz")
    assert not any("a mask for each structure" in note for note in find_scans(tmp_path).notes)


def test_labels__of_which_none_is_called_as_a_scan_are_offered_with_what_is_to_be_done_first(tmp_path: Path) -> None:
    for index in range(2):
        nifti(tmp_path / f"s{index}" / "ct.nii.gz")
        nifti(tmp_path / f"s{index}" / "segmentations" / "liver.nii.gz", np.ones((12, 14, 10), np.uint8))
    (note,) = find_scans(tmp_path).notes
    assert "none is called as a scan: give them the scans' paths or names" in note
    for index in range(2):
        folder = tmp_path / f"s{index}" / "segmentations"
        (folder / "liver.nii.gz").rename(folder / "ct.nii.gz")
    (note,) = find_scans(tmp_path).notes
    assert note.endswith("--labels DIR uses them, DIR may be the scans' own folder")
    assert all(source.labels for source in find_scans(tmp_path, tmp_path).sources)
