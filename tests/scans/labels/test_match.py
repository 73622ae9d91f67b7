"""Names as data sets have them: each scan gets its own labels, or none and a word."""

import pytest

from orienteer.scans.labels.match import case_of, match_labels


def matched(scans: str, labels: str) -> dict[str, str]:
    """Labels by scan; both as words with folders."""
    found = match_labels([w.replace("/", "__") for w in labels.split()], [w.replace("/", "__") for w in scans.split()])
    return {scan.replace("__", "/"): label.replace("__", "/") for scan, label in found.labels.items()}


BRATS = "B1/B1_flair B1/B1_t1 B1/B1_t1ce B2/B2_flair B2/B2_t1 B2/B2_t1ce"


@pytest.mark.parametrize(
    ("scans", "labels"),
    [
        (BRATS, "B1/B1_seg B2/B2_seg"),
        (BRATS, "B1_seg B2_seg"),
        (BRATS, "B1 B2"),
        (BRATS, "labels/B1/B1_seg labels/B2/B2_seg"),
        ("B1_flair B1_t1 B1_t1ce B2_flair B2_t1 B2_t1ce", "B1_seg B2_seg"),
        ("B-1-000-t1n B-1-000-t2w B-2-000-t1n B-2-000-t2w", "B-1-000-seg B-2-000-seg"),
        ("p1/flair p1/t1 p2/flair p2/t1", "p1/seg p2/seg"),
        ("p1/brain_art p1/brain_late", "p1/brain_mask"),
        ("site/B1_flair site/B1_t1 site/B2_flair site/B2_t1", "site/B1_seg site/B2_seg"),
    ],
)
def test_match__sequences_of_a_case_share_its_labels(scans: str, labels: str) -> None:
    found = matched(scans, labels)
    assert set(found) == set(scans.split())
    assert all(scan.replace("B-", "B").split("/")[-1][:2] in label.replace("B-", "B") or "p" in label
               for scan, label in found.items())  # fmt: skip
    assert all(label.split("/")[-2] == scan.split("/")[0] for scan, label in found.items() if label.count("/"))


@pytest.mark.parametrize(
    ("scans", "labels", "expected"),
    [
        ("c0/imaging c1/imaging", "c0/segmentation", {"c0/imaging": "c0/segmentation"}),
        ("volume-1 volume-11", "segmentation-1", {"volume-1": "segmentation-1"}),
        ("p1_frame01 p1_frame12", "p1_frame01_gt", {"p1_frame01": "p1_frame01_gt"}),
        ("P1/P1 P2/P2", "P1/GT P2/GT", {"P1/P1": "P1/GT", "P2/P2": "P2/GT"}),
        ("ct_1_image ct_2_image", "ct_1_label", {"ct_1_image": "ct_1_label"}),
        ("c0/CT c1/CT", "c0/CT.seg c1/CT.seg", {"c0/CT": "c0/CT.seg", "c1/CT": "c1/CT.seg"}),
        ("p1/ct p2/ct", "p1/labels/ct p1/masks/ct p2/labels/ct", {"p2/ct": "p2/labels/ct"}),
        ("images/p1/ct images/p2/ct", "labels/p2/ct", {"images/p2/ct": "labels/p2/ct"}),
        ("images/p1/ct images/p2/ct", "p1/ct p2/ct", {"images/p1/ct": "p1/ct", "images/p2/ct": "p2/ct"}),
        ("images/p1/ct images/p2/ct", "p1/ct_mask", {"images/p1/ct": "p1/ct_mask"}),
        ("a b", "a-label b.seg", {"a": "a-label", "b": "b.seg"}),
        ("image1 image11", "mask1 mask11", {"image1": "mask1", "image11": "mask11"}),
        ("img0001 img0002", "label0002", {"img0002": "label0002"}),
        ("P1 P2", "P1_manual P2_manual_seg", {"P1": "P1_manual", "P2": "P2_manual_seg"}),
        ("P1 P2", "P1_seg_v2 P2_mask-final", {"P1": "P1_seg_v2", "P2": "P2_mask-final"}),
        # BIDS: derivatives keep the subject's folder; what they add to a name is not the scan's.
        ("sub-01/anat/sub-01_T1w sub-02/anat/sub-02_T1w", "sub-01/anat/sub-01_label-lesion_mask",
         {"sub-01/anat/sub-01_T1w": "sub-01/anat/sub-01_label-lesion_mask"}),
        ("sub-01/anat/sub-01_T1w sub-01/anat/sub-01_T2w", "labels/sub-01/anat/sub-01_T2w_label-SC_seg",
         {"sub-01/anat/sub-01_T2w": "labels/sub-01/anat/sub-01_T2w_label-SC_seg"}),
        ("sub-01/ses-1/anat/sub-01_ses-1_T1w sub-01/ses-2/anat/sub-01_ses-2_T1w", "sub-01/ses-2/anat/sub-01_ses-2_dseg",
         {"sub-01/ses-2/anat/sub-01_ses-2_T1w": "sub-01/ses-2/anat/sub-01_ses-2_dseg"}),
    ],
)  # fmt: skip
def test_match__as_data_sets_name_them(scans: str, labels: str, expected: dict[str, str]) -> None:
    assert matched(scans, labels) == expected


@pytest.mark.parametrize(
    ("scans", "labels"),
    [
        ("p1/t1 p2/t1", "seg"),
        ("p1/ct p2/ct", "p3/ct_seg"),
        ("p1/anat/t1 p3/anat/t1", "p2/anat/seg"),
        ("s1_t1 s1_2_t1", "s1_2_3_seg"),
        ("a b c", "mask"),
        ("sub-01/anat/sub-01_T1w", "sub-01/anat/sub-01_space-MNI152NLin2009cAsym_dseg"),
        ("case_10_t1 case_11_t1", "case_1_seg"),
        ("a_2 b_2", "a_seg"),
        ("image1 image01", "mask001"),
        ("P1/pre/ct P1/post/ct", "P1/seg"),
    ],
)
def test_match__labels_of_somebody_else_are_not_guessed(scans: str, labels: str) -> None:
    assert matched(scans, labels) == {}


def test_match__of_a_case_within_a_name_the_longer_one_counts() -> None:
    scans = "s_1_t1 s_1_t2 s_1_2_t1 s_1_2_t2"
    found = matched(scans, "s_1_seg s_1_2_seg")
    assert found == {scan: f"{scan[:-3]}_seg" for scan in scans.split()}
    assert matched(scans, "s_1_seg") == {"s_1_t1": "s_1_seg", "s_1_t2": "s_1_seg"}


@pytest.mark.parametrize(
    ("scans", "labels", "several"),
    [
        (["a", "b"], ["a_mask", "a_seg", "b_seg"], "a"),
        (["a", "b"], ["a_seg_v1", "a_seg_v2", "b_manual"], "a"),
        (["p1__t1", "p2__t1"], ["p1__seg", "p1__mask", "p2__seg"], "p1__t1"),
        (["sub-1__anat__sub-1_T1w", "x"],
         ["sub-1__anat__sub-1_label-a_mask", "sub-1__anat__sub-1_label-b_mask", "x"], "sub-1__anat__sub-1_T1w"),
    ],
)  # fmt: skip
def test_match__two_label_files_for_a_scan_are_told(scans: list[str], labels: list[str], several: str) -> None:
    found = match_labels(labels, scans)
    assert several not in found.labels and len(found.labels) == 1
    assert found.several == {several: tuple(labels[:2])} and found.unused == ()


def test_match__files_of_no_scan_are_told() -> None:
    assert match_labels(["a", "x_seg"], ["a", "b"]).unused == ("x_seg",)


@pytest.mark.parametrize(("label", "case"), [("B1__B1_seg", "B1"), ("p1__seg", "p1"), ("s__B1_seg", "s__B1")])
def test_case__is_what_sequences_are_of(label: str, case: str) -> None:
    assert case_of(label) == case


def test_match__composed_and_decomposed_names_are_the_same() -> None:
    scan, label = "images__Mu\u0308ller", "labels__M\u00fcller"
    assert match_labels([label, "labels__b"], [scan, "images__b"]).labels[scan] == label
