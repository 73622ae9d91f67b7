"""Every place where labels may lie: beside the scans, above, below, in a parallel tree, in derivatives."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.labels.find import find_scans
from tests.scans.files import nifti, voxels

SHAPE = (6, 7, 5)


def tree(folder: Path, *names: str) -> Path:
    """A file of labels where the name says so, else a scan."""
    for number, name in enumerate(names):
        of_labels = name.rpartition("/")[2].endswith(("seg", "mask", "gt", "label")) or "labels" in name
        array = np.ones(SHAPE, np.uint8) if of_labels else voxels(SHAPE, seed=number)
        nifti(folder / f"{name}.nii.gz", array)
    return folder


def found(scans: Path, labels: Path) -> dict[str, str]:
    """Path of the labels by path of the scan, without endings, below the folder that holds both."""
    root = min((scans, labels), key=lambda path: len(path.parts))
    root = root if scans.is_relative_to(root) and labels.is_relative_to(root) else root.parent
    return {
        str(source.paths[0].relative_to(root))[:-7]: str(source.labels.paths[0].relative_to(root))[:-7]
        for source in find_scans(scans, labels).sources
        if source.labels
    }


def test_find__labels_beside_the_sequences_of_a_person_are_used(tmp_path: Path) -> None:
    tree(tmp_path, *(f"B{n}/B{n}_{word}" for n in (1, 2) for word in ("flair", "t1", "seg")))
    laid = find_scans(tmp_path, tmp_path)
    assert [(s.id, s.labels.id, s.subject) for s in laid.sources if s.labels] == [
        (f"B{n}__B{n}_{word}", f"B{n}__B{n}_seg", f"B{n}") for n in (1, 2) for word in ("flair", "t1")
    ]
    assert laid.skipped == () and "4 scans share 2 label files" in laid.notes[0]
    together = find_scans(tmp_path, tmp_path, channels=("flair", "t1")).sources
    assert [(len(s.parts), s.labels is not None, s.subject) for s in together] == [(2, True, "")] * 2


def test_find__labels_that_nobody_asked_for_are_told(tmp_path: Path) -> None:
    tree(tmp_path, "a", "a_seg", "labels/b")
    (note,) = find_scans(tmp_path).notes
    assert note.startswith("2 files or folders of labels are not used (a_seg.nii.gz, labels); --labels DIR")


@pytest.mark.parametrize(
    ("names", "scans", "labels", "expected"),
    [
        (("a", "a_seg", "b", "b-label"), "", "", {"a": "a_seg", "b": "b-label"}),
        (("p/ct", "p/ct_mask"), "", "p", {"p/ct": "p/ct_mask"}),
        (("img/a", "gt/a_gt"), "img", "", {"img/a": "gt/a_gt"}),
        (("img/a", "gt/a_gt"), "", "", {"img/a": "gt/a_gt"}),
        (("img/a", "gold/a"), "img", "", {"img/a": "gold/a"}),
        (("img/a", "gold/a"), "", "gold", {"img/a": "gold/a"}),
        (("img/p/a", "img/q/a", "labels/q/a"), "", "labels", {"img/q/a": "labels/q/a"}),
        (("img/p/a", "img/q/a", "labels/q/a"), "", "", {"img/q/a": "labels/q/a"}),
        (("img/p/a", "img/p/a_seg"), "img", "", {"img/p/a": "img/p/a_seg"}),
        (("img/p/a", "seg/p/a_seg", "seg/p/a"), "img", "seg", {"img/p/a": "seg/p/a"}),
        (("k/imaging", "k/segmentation_label", "l/imaging", "l/mask"), "", "", {"l/imaging": "l/mask"}),
        (("my scan 1", "my scan 1_seg"), "", "", {"my scan 1": "my scan 1_seg"}),
    ],
)
def test_find__wherever_they_lie(
    tmp_path: Path, names: tuple[str, ...], scans: str, labels: str, expected: dict[str, str]
) -> None:
    tree(tmp_path, *names)
    if scans and labels:
        laid = find_scans(tmp_path / scans, tmp_path / labels)
        (source,) = laid.sources
        assert {source.relative[:-7]: source.labels.relative[:-7]} == {"p/a": "p/a"}
    else:
        assert found(tmp_path / scans, tmp_path / labels) == expected


def test_find__derivatives_of_a_bids_dataset(tmp_path: Path) -> None:
    names = [f"sub-0{n}/anat/sub-0{n}_{word}" for n in (1, 2) for word in ("T1w", "FLAIR")]
    masks = [f"derivatives/manual/sub-0{n}/anat/sub-0{n}_space-orig_label-lesion_mask" for n in (1, 2)]
    tree(tmp_path, *names, *masks)
    for labels in (tmp_path, tmp_path / "derivatives", tmp_path / "derivatives" / "manual"):
        laid = find_scans(tmp_path, labels)
        assert [(s.subject, s.labels.paths[0].name[:6]) for s in laid.sources if s.labels] == [
            ("sub-01", "sub-01"), ("sub-01", "sub-01"), ("sub-02", "sub-02"), ("sub-02", "sub-02"),
        ]  # fmt: skip
    assert "2 files or folders of labels are not used" in find_scans(tmp_path).notes[0]


def test_find__a_folder_of_scans_alone_holds_no_labels(tmp_path: Path) -> None:
    tree(tmp_path, "a", "b")
    with pytest.raises(OrienteerError, match="no label file beside the scans in"):
        find_scans(tmp_path, tmp_path)


def test_find__labels_above_several_scans_are_refused_with_the_reason(tmp_path: Path) -> None:
    tree(tmp_path, "scans/P1/pre/ct", "scans/P1/post/ct", "labels/P1/seg")
    reason = r"'P1__seg' lies above 2 scans \(P1__post__ct, P1__pre__ct\) and does not say whose it is"
    with pytest.raises(OrienteerError, match=reason):
        find_scans(tmp_path / "scans", tmp_path / "labels")


def test_find__numbered_masks_beside_numbered_images_are_labels(tmp_path: Path) -> None:
    tree(tmp_path, "image1", "image2", "mask1", "mask2")
    assert found(tmp_path, tmp_path) == {"image1": "mask1", "image2": "mask2"}
