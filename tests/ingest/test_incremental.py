"""A second run does only what changed, and nothing is lost or overwritten on the way."""

import json
import os
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from orienteer.errors import StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from orienteer.store.private import read_private, write_private
from tests.scans.dicom_files import series
from tests.scans.files import cut, itk, nifti, patch
from tests.store.earlier import as_version_1
from tests.store.phantoms import AFFINE, body, cohort


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cohort(tmp_path / "in", 3)
    return tmp_path


def run(folder: Path, **options):
    return ingest(folder / "in", folder / "store", IngestOptions(workers=1, keep_names=True, progress=False, **options))


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in (folder / "store" / "arrays").rglob("*.b2nd")}


def test_incremental__nothing_changed_nothing_read(folder: Path) -> None:
    first = run(folder)
    before, manifest = times(folder), (folder / "store" / "manifest.json").read_bytes()
    second = run(folder)
    assert (second.added, second.updated, second.kept) == ((), (), first.added)
    assert times(folder) == before and (folder / "store" / "manifest.json").read_bytes() == manifest


def test_incremental__only_the_new_one_is_read(folder: Path) -> None:
    run(folder)
    before = times(folder)
    nifti(folder / "in" / "case_9.nii.gz", body(seed=9), AFFINE)
    result = run(folder)
    assert result.added == ("case_9",) and len(result.kept) == 3
    assert before.items() <= times(folder).items()


def test_incremental__a_touched_file_is_hashed_not_read_again(folder: Path) -> None:
    run(folder)
    os.utime(folder / "in" / "case_1.nii.gz", ns=(1, 1))
    assert len(run(folder).kept) == 3
    stamps = json.loads((folder / "store" / "private.json").read_text())["scans"]["case_1"]["files"]
    assert stamps[0]["modified"] == 1


def test_incremental__a_changed_file_is_read_again_and_the_old_arrays_go(folder: Path) -> None:
    run(folder)
    nifti(folder / "in" / "case_1.nii.gz", body(seed=50), AFFINE)
    result = run(folder)
    assert result.updated == ("case_1",) and result.added == () and len(result.kept) == 2
    assert np.array_equal(Store.open(folder / "store").read("case_1")[0], body(seed=50))
    assert len(list((folder / "store" / "arrays").iterdir())) == 3


def test_incremental__a_file_gone_bad_does_not_cost_what_was_read(folder: Path) -> None:
    run(folder)
    cut(folder / "in" / "case_1.nii.gz", 0.5)
    result = run(folder)
    assert result.failed["case_1"][0].code == "truncated" and "case_1" in result.kept
    assert np.array_equal(Store.open(folder / "store").read("case_1")[0], body(seed=1))


def test_incremental__gone_scans_are_told_and_kept_until_pruned(folder: Path) -> None:
    run(folder)
    (folder / "in" / "case_2.nii.gz").unlink()
    result = run(folder)
    assert result.removed == ("case_2",) and not result.pruned and "case_2" in result.kept
    assert Store.open(folder / "store").read("case_2").shape == (1, 24, 28, 22)
    result = run(folder, prune=True)
    assert result.removed == ("case_2",) and result.pruned
    assert Store.open(folder / "store").ids() == ("case_0", "case_1")
    assert len(list((folder / "store" / "arrays").iterdir())) == 2


def test_incremental__scans_of_another_name_keep_their_split(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 9)
    before = {entry.arrays["image"].sha256: entry.split for entry in run(tmp_path).manifest.scans}
    for number in range(9):
        (tmp_path / "in" / f"case_{number}.nii.gz").rename(tmp_path / "in" / f"new_{number}.nii.gz")
    told = run(tmp_path).failed["new_0"][0].message
    assert "same voxels as case_0" in told and "--prune" in told
    entries = run(tmp_path, prune=True).manifest.scans
    assert set(before.values()) == {"train", "val"} and {entry.id[:4] for entry in entries} == {"new_"}
    assert {entry.arrays["image"].sha256: entry.split for entry in entries} == before
    assert [entry.person for entry in entries] == [entry.id for entry in entries]


def test_incremental__another_spacing_is_refused(folder: Path) -> None:
    run(folder, spacing=2.0)
    with pytest.raises(StoreError, match="spacing of 2 mm, asked for are 3 mm"):
        run(folder, spacing=3.0)
    assert len(run(folder).kept) == 3


def test_incremental__the_store_keeps_its_spacing_whatever_comes(folder: Path) -> None:
    run(folder)
    for index in range(5, 10):
        nifti(folder / "in" / f"fine_{index}.nii", body(seed=index), np.eye(4))
    assert run(folder).manifest.spacing == 2.0


def test_incremental__moved_scans_are_known_by_content(folder: Path) -> None:
    run(folder)
    (folder / "in").rename(folder / "elsewhere")
    (folder / "in").symlink_to(folder / "elsewhere")
    result = ingest(folder / "elsewhere", folder / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert len(result.kept) == 3 and not result.failed


def test_incremental__another_folder_with_the_same_names_overwrites_nothing(folder: Path) -> None:
    run(folder)
    nifti(folder / "more" / "case_0.nii.gz", body(seed=70), AFFINE)
    nifti(folder / "more" / "case_7.nii.gz", body(seed=71), AFFINE)
    result = ingest(folder / "more", folder / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert result.added == ("case_7",)
    assert result.failed["case_0"][0].code == "duplicate-id"
    store = Store.open(folder / "store")
    assert store.ids() == ("case_0", "case_1", "case_2", "case_7")
    assert np.array_equal(store.read("case_0")[0], body(seed=0))


def test_incremental__a_second_echo_of_a_stored_series_is_of_the_same_person(tmp_path: Path) -> None:
    where, positions = tmp_path / "in" / "series", [2.0 * n for n in range(12)]
    tags = [{"EchoNumbers": 1 + n // 12, "StudyInstanceUID": "1.5"} for n in range(24)]
    series(where, positions=positions, tags=tags[:12])
    (first,) = run(tmp_path, min_extent=3).manifest.scans
    series(where, positions=positions * 2, tags=tags)
    result = run(tmp_path, min_extent=3)
    assert [entry.id for entry in result.manifest.scans] == ["series", "series__volume-2"]
    assert result.failed["series__volume-1"][0].code == "identical-content"
    assert len({entry.person for entry in result.manifest.scans}) == 1
    assert {entry.split for entry in result.manifest.scans} == {first.split}


def test_incremental__labels_come_later_change_and_stay(folder: Path) -> None:
    run(folder)
    nifti(folder / "labels" / "case_0.nii.gz", np.uint8(body() > 0), AFFINE)
    assert run(folder, labels=folder / "labels").updated == ("case_0",)
    assert run(folder).updated == ()
    assert Store.open(folder / "store").entry("case_0").labelled
    nifti(folder / "labels" / "case_0.nii.gz", np.uint8(body() > 900), AFFINE)
    assert run(folder, labels=folder / "labels").updated == ("case_0",)


def test_incremental__people_keep_their_split_and_the_table_may_move_them(folder: Path) -> None:
    table = folder / "t.tsv"
    table.write_text("id\tperson\tsplit\tage\ncase_0\tP\ttest\t4\ncase_1\tQ\ttrain\t5\ncase_2\tP\ttest\t6\n")
    before = times(folder) if run(folder, table=table) and (folder / "store").exists() else {}
    nifti(folder / "in" / "case_9.nii.gz", body(seed=9), AFFINE)
    entries = {entry.id: entry for entry in run(folder).manifest.scans}
    assert (entries["case_0"].person, entries["case_0"].split, entries["case_0"].table) == (
        "P",
        "test",
        {"age": "4"},
    )
    table.write_text("id\tperson\tsplit\ncase_0\tP\ttrain\n")
    result = run(folder, table=table)
    # The other scan of the same person moves along, although the new table does not name it.
    assert {e.id: e.split for e in result.manifest.scans if e.person == "P"} == {
        "case_0": "train",
        "case_2": "train",
    }
    assert result.notes == ("2 scans moved from test to train by the table: case_0, case_2",)
    assert before.items() <= times(folder).items()


def test_incremental__missing_and_cut_arrays_are_made_again(folder: Path) -> None:
    run(folder)
    store = Store.open(folder / "store")
    manifest = (folder / "store" / "manifest.json").read_bytes()
    shutil.rmtree(store.array_path("case_0").parent)
    cut(store.array_path("case_1"), 0.7)
    assert len(store.verify()) == 3
    result = run(folder)
    assert result.updated == ("case_0", "case_1")
    assert Store.open(folder / "store").verify() == ()
    assert (folder / "store" / "manifest.json").read_bytes() == manifest


def test_incremental__without_its_private_file_all_is_read_once_more(folder: Path) -> None:
    run(folder)
    (folder / "store" / "private.json").unlink()
    assert len(run(folder).updated) == 3
    (folder / "store" / "private.json").write_text("{")
    with pytest.raises(StoreError, match=r"private\.json is damaged"):
        run(folder)


def test_incremental__a_store_of_another_version_is_left_alone(folder: Path) -> None:
    run(folder)
    file = folder / "store" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 0}))
    before = times(folder)
    with pytest.raises(StoreError, match="store version 0"):
        run(folder)
    assert times(folder) == before


def older(folder: Path) -> None:
    """As a version left the store that did not yet say how it read scans and labels."""
    with_numbers = read_private(folder / "store")
    records = {
        name: record.model_copy(update={"reading": 1, "labels_method": 2})
        for name, record in with_numbers.scans.items()
    }
    write_private(folder / "store", with_numbers.model_copy(update={"scans": records}))


def test_incremental__only_scans_whose_format_was_read_otherwise_are_read_again_after_an_update(folder: Path) -> None:
    itk(folder / "in" / "meta.mha", body(seed=7), compress=True)
    series(folder / "in" / "dicom", positions=[2 * n for n in range(24)], seed=3)
    run(folder)
    before = Store.open(folder / "store").manifest.content
    older(folder)
    result = run(folder)
    assert (result.updated, len(result.kept)) == (("dicom", "meta"), 3)
    assert [note for note in result.notes if "read the format differently, read again: dicom, meta" in note]
    assert Store.open(folder / "store").manifest.content == before  # a run that learned from it goes on
    assert len(run(folder).kept) == 5


def test_incremental__labels_that_an_earlier_version_may_have_mirrored_are_read_again(folder: Path) -> None:
    for index in range(3):
        nifti(folder / "labels" / f"case_{index}.nii", (body(seed=index) > 1000).astype(np.uint8), AFFINE)
    patch(folder / "labels" / "case_1.nii", 252, "<2h", 0, 0)
    run(folder, labels=folder / "labels")
    older(folder)
    assert run(folder, labels=folder / "labels").updated == ("case_1",)
    assert len(run(folder, labels=folder / "labels").kept) == 3


def test_incremental__a_store_of_version_1_is_kept_and_written_anew(folder: Path) -> None:
    run(folder)
    files = {path: path.read_bytes() for path in (folder / "store").glob("[ms]*") if path.is_file()}
    before = times(folder)
    as_version_1(folder / "store")
    assert set((folder / "store").glob("[ms]*")) < set(files)
    result = run(folder)
    assert len(result.kept) == 3 and times(folder) == before
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize("header", ["a.mhd", "a.nhdr", "a.hdr"])
def test_incremental__new_voxels_of_a_header_that_stays_are_read(header: str, tmp_path: Path) -> None:
    """Exported once more, only the file beside the header differs."""
    scans, other = tmp_path / "scans", tmp_path / "other"
    for folder, value in ((scans, 100), (other, 200)):
        folder.mkdir()
        array = np.full((24, 24, 24), -1000, dtype=np.int16)
        array[4:20, 4:20, 4:20] = np.random.default_rng(value).integers(0, 100, (16, 16, 16)) + value
        image = sitk.GetImageFromArray(array)
        if header == "a.hdr":
            nib.save(nib.Nifti1Pair(array, np.eye(4)), folder / header)
        else:
            sitk.WriteImage(image, str(folder / header))
    store = tmp_path / "store"
    options = IngestOptions(spacing=1.0, progress=False, keep_names=True)
    assert len(ingest(scans, store, options).added) == 1
    assert ingest(scans, store, options).kept == ("a",)
    (scan,) = Store.open(store).ids()
    was = Store.open(store).read(scan)
    (data,) = (path for path in other.iterdir() if path.name != header)
    shutil.copyfile(data, scans / data.name)
    assert (scans / header).read_bytes() == (other / header).read_bytes()
    result = ingest(scans, store, options)
    assert not result.kept
    assert not np.array_equal(Store.open(store).read(scan), was)


def test_incremental__slices_that_exchange_their_names_are_read(tmp_path: Path) -> None:
    """All are as large and as old as before."""
    scans = tmp_path / "scans"
    scans.mkdir()
    array = body(seed=1)
    header = "ObjectType = Image\nNDims = 3\nDimSize = {2} {1} {0}\nElementSpacing = 3 3 3\nElementType = MET_SHORT\n"
    text = header.format(*array.shape) + f"ElementDataFile = s%02d.raw 0 {len(array) - 1} 1\n"
    (scans / "a.mhd").write_text(text)
    for number, plane in enumerate(array.astype("<i2")):
        (scans / f"s{number:02d}.raw").write_bytes(plane.tobytes())
        os.utime(scans / f"s{number:02d}.raw", (1e9, 1e9))
    options = IngestOptions(spacing=3.0, progress=False, keep_names=True)
    assert ingest(scans, tmp_path / "store", options).added == ("a",)
    was = Store.open(tmp_path / "store").read("a")
    assert ingest(scans, tmp_path / "store", options).kept == ("a",)
    for number in range(len(array) // 2):
        one, other = (scans / f"s{n:02d}.raw" for n in (number, len(array) - 1 - number))
        one.rename(scans / "s")
        other.rename(one)
        (scans / "s").rename(other)
    assert ingest(scans, tmp_path / "store", options).updated == ("a",)
    assert not np.array_equal(Store.open(tmp_path / "store").read("a"), was)
