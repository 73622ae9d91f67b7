"""Labels find their scan, keep their place, and never cost the scan."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError, StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.scans.check import check
from orienteer.scans.labels.find import find_scans
from orienteer.store import Store
from tests.scans.files import cut, nifti, patch
from tests.store.phantoms import AFFINE, body, turned


def run(folder: Path, **options):
    return ingest(
        folder / "in",
        folder / "store",
        IngestOptions(labels=folder / "labels", workers=1, progress=False, keep_names=True, **options),
    )


def mask(seed: int = 0) -> np.ndarray:
    return (body(seed=seed) > 1000).astype(np.uint8) * 5


@pytest.mark.parametrize(
    ("scan", "label"),
    [
        ("a.nii.gz", "a.nii.gz"),
        ("images/a.nii.gz", "a.nii"),
        ("images/a.nii.gz", "images/a.nii.gz"),
        ("a.nii.gz", "a_seg.nii.gz"),
        ("a.nii.gz", "a-label.nii.gz"),
        ("a_0000.nii.gz", "a.nii.gz"),
    ],
)
def test_labels__are_found_by_path_or_name(tmp_path, scan, label) -> None:
    nifti(tmp_path / "in" / scan, body(), AFFINE)
    nifti(tmp_path / "labels" / label, mask(), AFFINE)
    result = run(tmp_path, spacing=2.0)
    (scan_id,) = result.added
    assert np.array_equal(Store.open(tmp_path / "store").labels(scan_id), mask())


def test_labels__a_name_in_two_folders_is_not_guessed(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    nifti(tmp_path / "in" / "b.nii.gz", body(seed=1), AFFINE)
    for label in ("x/a", "y/a", "b"):
        nifti(tmp_path / "labels" / f"{label}.nii.gz", mask(), AFFINE)
    result = run(tmp_path)
    assert {entry.id: entry.labelled for entry in result.manifest.scans} == {"a": False, "b": True}
    told, bare = result.notes
    assert bare == "no labels for 1 of 2 scans: a"
    assert told.startswith("more than one label file for 1 scan, none is used: x__a, y__a for a")


def matched(folder: Path, scans: list[str], labels: list[str]) -> dict[str, str]:
    """Label files by scan, as paths without endings."""
    for path in [*(folder / "in" / scan for scan in scans), *(folder / "labels" / label for label in labels)]:
        nifti(path.with_name(f"{path.name}.nii.gz"), mask(), AFFINE)
    found = find_scans(folder / "in", folder / "labels").sources
    return {s.id.replace("__", "/"): s.labels.id.replace("__", "/") for s in found if s.labels}


@pytest.mark.parametrize(
    ("scans", "labels", "expected"),
    [
        (["p1/ct", "p2/ct", "p3/ct"], ["p1/ct"], {"p1/ct": "p1/ct"}),
        (["p1/ct", "p2/ct"], ["p1/ct_seg"], {"p1/ct": "p1/ct_seg"}),
        (["p1/ct", "p2/ct"], ["p1/ct-seg", "p2/ct-seg"], {"p1/ct": "p1/ct-seg", "p2/ct": "p2/ct-seg"}),
        (["p1/ct", "p2/ct", "a"], ["ct", "a"], {"a": "a"}),
        (
            ["p1/ct", "p2/ct"],
            ["p1/labels/ct", "p2/labels/ct_seg"],
            {"p1/ct": "p1/labels/ct", "p2/ct": "p2/labels/ct_seg"},
        ),
        (["p1/ct_0000", "p2/ct", "a"], ["ct", "a"], {"a": "a"}),
        (["case", "case_0000"], ["case"], {"case": "case"}),
        (["x/a", "x/b"], ["y/a", "y/b_mask"], {"x/a": "y/a", "x/b": "y/b_mask"}),
        (["a", "x/a"], ["a"], {"a": "a"}),
        (["a_0000"], ["a_0000", "a"], {"a_0000": "a_0000"}),
    ],
)
def test_labels__of_one_person_are_never_given_to_another(tmp_path, scans, labels, expected) -> None:
    assert matched(tmp_path, scans, labels) == expected


def test_labels__scans_that_share_a_name_are_counted_as_unlabelled(tmp_path) -> None:
    for seed, person in enumerate(("p1", "p2", "p3")):
        nifti(tmp_path / "in" / person / "ct.nii.gz", body(seed=seed), AFFINE)
    nifti(tmp_path / "labels" / "p1" / "ct.nii.gz", mask(), AFFINE)
    result = run(tmp_path, spacing=2.0)
    assert {entry.id: entry.labelled for entry in result.manifest.scans} == {
        "p1__ct": True,
        "p2__ct": False,
        "p3__ct": False,
    }
    assert result.notes == ("no labels for 2 of 3 scans: p2__ct, p3__ct",)


def test_labels__on_a_finer_grid_of_the_same_space_are_brought_over(tmp_path) -> None:
    fine = np.kron(mask(), np.ones((2, 2, 2), np.uint8))
    affine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] = -0.5
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    nifti(tmp_path / "labels" / "a.nii.gz", fine, affine)
    run(tmp_path, spacing=2.0)
    assert np.array_equal(Store.open(tmp_path / "store").labels("a"), mask())


def test_labels__in_another_orientation_land_on_the_same_voxels(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), turned("RAS"))
    flipped = turned("RAS") @ np.diag([-1, 1, 1, 1])
    flipped[:3, 3] = (turned("RAS") @ [23, 0, 0, 1])[:3]
    nifti(tmp_path / "labels" / "a.nii.gz", mask()[::-1].copy(), flipped)
    run(tmp_path, spacing=2.0)
    assert np.array_equal(Store.open(tmp_path / "store").labels("a"), mask())


def _elsewhere(path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] = 30.0
    nifti(path, mask(), moved)


BROKEN = {
    "labels-elsewhere": _elsewhere,
    "labels-not-whole": lambda path: nifti(path, mask().astype(np.float32) * 0.3, AFFINE),
    "labels-unreadable": lambda path: path.write_text("no labels " * 100),
    "labels-layered": lambda path: nifti(path, np.stack([mask(), mask(1)], axis=-1), AFFINE),
}


def _cropped(path: Path) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] = (8, 10, 6)
    nifti(path, mask()[4:20, 5:23, 3:19], moved)


def _shifted(path: Path) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 2.0
    nifti(path, mask(), moved)


def _with_nan(path: Path) -> None:
    array = mask().astype(np.float32)
    array[0, 0, :3] = np.nan
    nifti(path, array, AFFINE)


def _unoriented(path: Path) -> None:
    """The scan's voxels and their size, without a word on orientation: nibabel then takes LAS."""
    raw = nifti(path.with_name("raw.nii"), mask(), AFFINE)
    patch(raw, 252, "<hh", 0, 0)
    path.write_bytes(gzip.compress(raw.read_bytes()))
    raw.unlink()


def _two_orientations(path: Path) -> None:
    raw = nifti(path.with_name("raw.nii"), mask(), AFFINE)
    patch(raw, 268, "<f", 20.0)
    path.write_bytes(gzip.compress(raw.read_bytes()))
    raw.unlink()


def _grey(path: Path) -> None:
    noise = np.random.default_rng(0).integers(1, 200, mask().shape)
    nifti(path, noise.astype(np.uint8), AFFINE)


ODD = {
    "labels-orientation": (_unoriented, "warning"),
    "labels-header": (_two_orientations, "warning"),
    "labels-like-scan": (_grey, "warning"),
    "labels-cropped": (_cropped, "info"),
    "labels-shifted": (_shifted, "warning"),
    "labels-not-finite": (_with_nan, "warning"),
    "labels-rounded": (lambda path: nifti(path, mask() * np.float32(1.00002), AFFINE), "info"),
}


@pytest.mark.parametrize("code", BROKEN)
def test_labels__broken_ones_are_a_finding_and_the_scan_stays(tmp_path, code) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    (tmp_path / "labels").mkdir()
    BROKEN[code](tmp_path / "labels" / "a.nii.gz")
    result = run(tmp_path)
    assert result.added == ("a",) and not result.manifest.scans[0].labelled
    (finding,) = result.findings["a"]
    assert (finding.code, finding.level) == (code, "warning") and finding.cure


@pytest.mark.parametrize("code", ODD)
def test_labels__odd_ones_are_used_and_told(tmp_path, code) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    write, level = ODD[code]
    write(tmp_path / "labels" / "a.nii.gz")
    result = run(tmp_path, spacing=2.0)
    (finding,) = result.findings["a"]
    assert (finding.code, finding.level) == (code, level) and result.labelled == 1
    stored, expected = Store.open(tmp_path / "store").labels("a"), mask().astype(np.int16)
    if code == "labels-cropped":
        expected[:4] = expected[20:] = expected[:, :5] = expected[:, 23:] = expected[..., :3] = expected[..., 19:] = 0
    if code == "labels-shifted":
        expected = np.concatenate([np.zeros_like(expected[:1]), expected[:-1]])
    if code == "labels-like-scan":
        return
    if code == "labels-not-finite":
        expected[0, 0, :3] = -1
    assert np.array_equal(stored, expected)


@pytest.mark.parametrize("labels", [["foo", "fob"], ["x/a", "y/a"]])
def test_labels__a_folder_of_which_none_belongs_to_a_scan_is_refused(tmp_path, labels) -> None:
    for seed, name in enumerate("abc"):
        nifti(tmp_path / "in" / f"{name}.nii.gz", body(seed=seed), AFFINE)
    for label in labels:
        nifti(tmp_path / "labels" / f"{label}.nii.gz", mask(), AFFINE)
    with pytest.raises(StoreError, match=r"no label file in .*labels belongs to any of the scans") as caught:
        run(tmp_path)
    assert "(2 files), scans e.g. 'a' (3 scans)" in caught.value.message and "--labels" in caught.value.cure
    assert not (tmp_path / "store").exists()


def test_labels__of_other_scans_leave_a_damaged_store_as_it_is(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    nifti(tmp_path / "labels" / "a.nii.gz", mask(), AFFINE)
    run(tmp_path)
    cut(Store.open(tmp_path / "store").array_path("a"), 0.7)
    before = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}
    (tmp_path / "labels" / "a.nii.gz").rename(tmp_path / "labels" / "foo.nii.gz")
    with pytest.raises(StoreError, match="belongs to any of the scans"):
        run(tmp_path)
    assert {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()} == before


def test_labels__an_empty_folder_is_an_error(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    (tmp_path / "labels").mkdir()
    with pytest.raises(OrienteerError, match=r"no label file in .*labels"):
        run(tmp_path)


@pytest.mark.parametrize("code", [*BROKEN, *ODD])
def test_labels__check_says_what_ingest_says(tmp_path, code) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    nifti(tmp_path / "in" / "b.nii.gz", body(seed=1), AFFINE)
    (tmp_path / "labels").mkdir()
    (BROKEN[code] if code in BROKEN else ODD[code][0])(tmp_path / "labels" / "a.nii.gz")
    looked, stored = check(tmp_path / "in", labels=tmp_path / "labels", progress=False, workers=1), run(tmp_path)
    assert {scan.id: scan.findings for scan in looked.scans if scan.findings} == dict(stored.findings)
    assert looked.labelled == stored.labelled and looked.notes == stored.notes


def test_labels__of_a_scan_without_orientation_lie_on_its_voxels_and_both_are_told(tmp_path) -> None:
    scan = nifti(tmp_path / "in" / "a.nii", body(), AFFINE)
    patch(scan, 252, "<hh", 0, 0)
    nifti(tmp_path / "labels" / "a.nii.gz", mask(), AFFINE)
    looked, stored = check(tmp_path / "in", labels=tmp_path / "labels", progress=False, workers=1), run(tmp_path)
    assert [one.code for one in stored.findings["a"]] == ["orientation-missing", "labels-orientation"]
    assert looked.scans[0].findings == stored.findings["a"]
    store = Store.open(tmp_path / "store")
    assert np.array_equal(store.labels("a") > 0, mask()[::-1] > 0)


def test_labels__of_two_files_that_fit_a_scan_the_one_that_is_used_is_named(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    for name in ("a_seg", "labels/a"):
        nifti(tmp_path / "in" / f"{name}.nii.gz", mask(), AFFINE)
    found = find_scans(tmp_path / "in", tmp_path / "in")
    (note,) = found.notes
    assert note == "1 label file not used, their scans have others: labels__a for a, which has a_seg"
