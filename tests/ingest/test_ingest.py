"""Ingest: what comes in, what is left out, and that the same scans always give the same store."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndimage

from orienteer.errors import OrienteerError, StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.scans.check import check
from orienteer.store import Store
from tests.scans.bad import BAD
from tests.scans.files import itk, nifti, patch
from tests.store.phantoms import AFFINE, body, cohort, turned


def run(scans: Path, store: Path, **options):
    return ingest(
        scans, store, IngestOptions(workers=options.pop("workers", 1), progress=False, keep_names=True, **options)
    )


def contents(store: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file() and path.name not in ("private.json", ".ingest.lock")
    }


@pytest.mark.slow
def test_ingest__the_same_bytes_whatever_the_workers(scans: Path, labels: Path, tmp_path: Path) -> None:
    stores = [tmp_path / name for name in ("one", "again", "two", "three")]
    for store, workers in zip(stores, (1, 1, 2, 3), strict=True):
        run(scans, store, spacing=3.0, labels=labels, workers=workers)
    first = contents(stores[0])
    assert len(first) == 4 + 3 * 4
    assert all(contents(store) == first for store in stores[1:])


@pytest.mark.parametrize("axes", ["RAS", "LAS", "PIR"])
@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -10, 15)])
@pytest.mark.parametrize("spacing", [1.5, 3.0])
def test_ingest__a_landmark_keeps_its_world_position(tmp_path, axes, angles, spacing) -> None:
    affine = turned(axes, angles)
    array = body((30, 32, 28)).astype(np.float32)
    index = np.array([14, 12, 17])
    spot = np.zeros(array.shape, np.float32)
    spot[tuple(index)] = 1
    array += 200_000 * ndimage.gaussian_filter(spot, 1.2)
    nifti(tmp_path / "in" / "a.nii.gz", array, affine)
    run(tmp_path / "in", tmp_path / "store", spacing=spacing)
    store = Store.open(tmp_path / "store")
    entry = store.entry("a")
    bright = np.clip(store.read("a")[0] * entry.intensity[0].slope - 2000, 0, None)
    found = np.array(entry.affine) @ [*ndimage.center_of_mass(bright), 1]
    assert np.linalg.norm(found[:3] - (affine @ [*index, 1])[:3]) < 0.5 * spacing
    axes_now = np.array(entry.affine)[:3, :3] / spacing
    assert (np.abs(np.diag(axes_now)) > 0.8).all() and (np.diag(axes_now) > 0).all()


def test_ingest__default_spacing_is_the_median(tmp_path: Path) -> None:
    for index, mm in enumerate((1.0, 2.0, 2.5)):
        nifti(tmp_path / "in" / f"{index}.nii", body(seed=index), np.diag([mm, mm, mm, 1]))
    assert run(tmp_path / "in", tmp_path / "store").manifest.spacing == 2.0


def test_ingest__nifti_nrrd_and_folders_mix(tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "site a" / "x.y.nii.gz", body(), AFFINE)
    itk(tmp_path / "in" / "b" / "scan.nrrd", body(seed=1).T.copy())
    result = run(tmp_path / "in", tmp_path / "store")
    assert result.added == ("b__scan", "site a__x.y")
    assert Store.open(tmp_path / "store").verify() == ()


def test_ingest__ct_keeps_hounsfield_units(tmp_path: Path) -> None:
    hu = body(seed=3, air=-1000.0)
    nifti(tmp_path / "in" / "ct.nii.gz", hu + 1024, AFFINE, slope=1, intercept=-1024)
    run(tmp_path / "in", tmp_path / "store", spacing=2.0)
    store = Store.open(tmp_path / "store")
    assert store.entry("ct").intensity[0].slope == 1.0
    assert np.array_equal(store.read("ct")[0], hu)


@pytest.mark.parametrize("name", BAD)
def test_ingest__a_bad_scan_is_named_and_the_rest_goes_on(tmp_path: Path, name: str) -> None:
    bad = BAD[name]
    cohort(tmp_path / "in" / "good", 2)
    (tmp_path / "in" / "bad").mkdir()
    bad.write(tmp_path / "in" / "bad")
    result = run(tmp_path / "in", tmp_path / "store", spacing=2.0, min_extent=None)
    assert {"good__case_0", "good__case_1"} <= set(result.added)
    told = {f.code for findings in [*result.failed.values(), *result.findings.values()] for f in findings}
    if bad.code != "too-small":  # only an ingest with --min-extent asks for that
        assert bad.code in told
    if bad.level == "error":
        assert any(f.code == bad.code for findings in result.failed.values() for f in findings)
    assert all(any(f.level == "error" for f in findings) for findings in result.failed.values())
    store = Store.open(tmp_path / "store")
    assert store.verify() == () and not set(store.ids()) & set(result.failed)


def test_ingest__only_bad_scans_leave_no_store(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.nii.gz").write_text("hello " * 200)
    for spacing in (None, 2.0):
        with pytest.raises(StoreError, match=r"no scan could be used; a: .*not NIfTI"):
            run(tmp_path / "in", tmp_path / "store", spacing=spacing)
        assert not (tmp_path / "store").exists()


def test_ingest__empty_or_missing_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(OrienteerError, match="no scan in"):
        run(tmp_path / "in", tmp_path / "store")
    with pytest.raises(OrienteerError, match="there is no"):
        run(tmp_path / "none", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_ingest__a_folder_of_something_else_is_left_alone(scans: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"not empty and is no store: it holds thesis\.txt"):
        run(scans, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(StoreError, match="is a file"):
        run(scans, tmp_path / "thesis.txt")


def test_ingest__too_small_for_the_extent_asked_for(scans: Path, tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "small.nii.gz", body((24, 28, 10), 7), AFFINE)
    nifti(tmp_path / "in" / "large.nii.gz", body(), AFFINE)
    result = run(tmp_path / "in", tmp_path / "store", min_extent=40.0)
    assert result.added == ("large",)
    assert [f.code for f in result.failed["small"]] == ["too-small"]
    assert "20 mm" in result.failed["small"][0].message


def test_ingest__a_copy_under_another_name_is_left_out(tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "a.nii", body(), AFFINE)
    nifti(tmp_path / "in" / "b.nii.gz", body(), AFFINE)
    nifti(tmp_path / "in" / "c.nii.gz", body(seed=1), AFFINE)
    result = run(tmp_path / "in", tmp_path / "store")
    assert result.added == ("a", "c")
    assert result.failed["b"][0].code == "identical-content" and "a, which is kept" in result.failed["b"][0].message


def test_ingest__a_copy_of_the_same_person_stays(tmp_path: Path) -> None:
    for name in ("a", "b"):
        nifti(tmp_path / "in" / f"{name}.nii", body(), AFFINE)
    table = tmp_path / "t.csv"
    table.write_text("id,person\na,P\nb,P\n")
    assert run(tmp_path / "in", tmp_path / "store", table=table).added == ("a", "b")
    assert Store.open(tmp_path / "store").verify() == ()


def test_ingest__two_files_of_one_id(tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "a.nii", body(), AFFINE)
    itk(tmp_path / "in" / "A.nrrd", body(seed=1))
    result = run(tmp_path / "in", tmp_path / "store")
    ((name, findings),) = result.failed.items()
    assert findings[0].code == "duplicate-id" and result.manifest.scans[0].id != name


def test_ingest__table_gives_person_split_and_the_rest(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.tsv"
    table.write_text(
        "id\tsubject\tsplit\tage\ncase_0\tP\ttest\t30\ncase_2\tP\ttest\t31\ncase_1\tQ\ttrain\t50\nx\tR\ttrain\t1\n"
    )
    result = run(scans, tmp_path / "store", table=table)
    entries = {entry.id: entry for entry in result.manifest.scans}
    assert (entries["case_0"].person, entries["case_0"].split, entries["case_2"].split) == (
        "P",
        "test",
        "test",
    )
    assert entries["case_2"].table == {"age": "31"}
    assert entries["case_3"].person == "case_3"
    assert result.splits["test"] == (2, 1)
    assert result.notes == (
        "1 row of the table without a scan: x",
        "1 scan without a row in the table: case_3",
    )


def test_ingest__a_bad_table_stops_before_anything_is_written(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.tsv"
    table.write_text("id\tperson\tsplit\ncase_0\tP\ttest\ncase_1\tP\ttrain\n")
    with pytest.raises(StoreError, match="one subject into several splits"):
        run(scans, tmp_path / "store", table=table)
    assert not (tmp_path / "store").exists()


def test_ingest__a_table_of_other_scans_stops_before_anything_is_written(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.tsv"
    table.write_text("id\tperson\nfoo\tP\n")
    with pytest.raises(StoreError, match=r"'foo' \(1 row\), those of the scans e\.g\. 'case_0' \(4 scans\)"):
        run(scans, tmp_path / "store", table=table)
    assert not (tmp_path / "store").exists()


def test_ingest__a_table_of_scans_that_are_only_in_the_store_is_about_them(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "store", spacing=2.0)
    nifti(tmp_path / "later" / "z.nii", body(seed=9), AFFINE)
    table = tmp_path / "people.tsv"
    table.write_text("id\tsplit\ncase_0\ttest\n")
    result = run(tmp_path / "later", tmp_path / "store", table=table)
    assert result.added == ("z",) and result.splits["test"] == (1, 1)


def test_ingest__a_table_with_the_usual_words_gives_a_store_to_learn_from(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.tsv"
    table.write_text("id\tsplit\ncase_0\tTraining\ncase_1\tvalidation\ncase_2\tTESTING\ncase_3\texternal\n")
    result = run(scans, tmp_path / "store", table=table)
    assert result.splits == {"external": (1, 1), "test": (1, 1), "train": (1, 1), "val": (1, 1)}
    (note,) = result.notes
    assert note.startswith("nothing learns from split 'external' (1 scan)")


def test_ingest__the_store_inside_the_scans_is_no_scan(tmp_path: Path) -> None:
    cohort(tmp_path, 2)
    for _ in range(2):
        assert len(run(tmp_path, tmp_path / "store").manifest.scans) == 2


@pytest.mark.parametrize("options", [{"workers": 0}, {"spacing": 0.0}, {"spacing": -1.0}, {"spacing": float("nan")}])
def test_ingest__absurd_options(scans: Path, tmp_path: Path, options) -> None:
    with pytest.raises(StoreError):
        run(scans, tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_ingest__says_what_the_voxels_depend_on(scans: Path, tmp_path: Path) -> None:
    run(scans, tmp_path / "store")
    values = json.loads((tmp_path / "store" / "manifest.json").read_text())
    assert values["schema_version"] == 2 and values["orienteer_version"]
    assert values["parameters"]["spacing"] == values["spacing"] == 2.0
    assert len(values["content"]) == 64


def test_ingest__a_grid_far_finer_than_its_scan_is_refused_before_it_is_made(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    nifti(tmp_path / "in" / "wide.nii.gz", body(seed=1), np.diag([49.0, 49, 49, 1]))
    result = run(tmp_path / "in", tmp_path / "store", spacing=2.0)
    assert result.added == ("a",)
    (found,) = result.failed["wide"]
    assert found.code == "too-large" and "voxels of 49 x 49 x 49 mm would become" in found.message


def test_ingest__a_scan_that_would_be_one_voxel_costs_no_other(tmp_path: Path) -> None:
    """A mouse among people, its lengths in microns; `check` says the same."""
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    patch(nifti(tmp_path / "in" / "mouse.nii", body(seed=1), np.diag([15.0, 15, 15, 1])), 123, "<b", 3)
    result = run(tmp_path / "in", tmp_path / "store", spacing=2.0)
    assert result.added == ("a",)
    (found,) = (each for each in result.failed["mouse"] if each.level == "error")
    assert found.code == "too-small"
    (checked,) = (scan for scan in check(tmp_path / "in", spacing=2.0, progress=False).scans if scan.id == "mouse")
    assert checked.findings[-1] == found and not checked.usable


def test_ingest__voxels_of_12_micrometres_keep_their_size(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE @ np.diag([0.006, 0.006, 0.006, 1]))
    estimate = check(tmp_path / "in", progress=False, workers=1).estimate
    assert estimate is not None and estimate.spacing == 0.012
    assert run(tmp_path / "in", tmp_path / "store").manifest.scans[0].spacing == 0.012


def test_ingest__a_spacing_outside_the_limits_names_them_as_check_does(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    for verb in (
        lambda: check(tmp_path / "in", progress=False, spacing=0.001),
        lambda: run(tmp_path / "in", tmp_path / "store", spacing=0.001),
    ):
        with pytest.raises(StoreError, match=r"0.001 mm is outside 0.01 to 50 mm"):
            verb()


def test_ingest__a_store_below_a_file_is_refused_with_a_sentence(tmp_path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", body(), AFFINE)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="Not a directory"):
        run(tmp_path / "in", tmp_path / "file" / "store")
