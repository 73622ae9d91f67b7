"""What is found in a mixed folder, under which name, and what is left alone."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import generate_uid

from orienteer.errors import OrienteerError
from orienteer.scans.discover import discover, survey
from orienteer.scans.reading import inspect, read
from orienteer.scans.source import Source
from tests.fault_lab.series import SERIES
from tests.scans.dicom_files import series
from tests.scans.files import itk, nifti


def test_discover__finds_every_format_in_one_mixed_folder(tmp_path: Path) -> None:
    nifti(tmp_path / "a" / "one.nii.gz")
    nifti(tmp_path / "two.NII")
    itk(tmp_path / "three.nrrd")
    itk(tmp_path / "deep" / "er" / "four.nhdr")
    itk(tmp_path / "five.mha")
    itk(tmp_path / "six.mhd")
    series(tmp_path / "seven", names=[f"IM{n}" for n in range(6)])  # no extension at all
    found = discover(tmp_path)
    assert [(source.id, source.format) for source in found] == [
        ("a__one", "NIfTI"),
        ("deep__er__four", "NRRD"),
        ("five", "MetaImage"),
        ("seven", "DICOM"),
        ("six", "MetaImage"),
        ("three", "NRRD"),
        ("two", "NIfTI"),
    ]
    assert all(inspect(source).usable for source in found)
    assert survey(tmp_path).skipped == ()  # the .raw files belong to their headers


def test_discover__pair_of_header_and_image_is_one_scan(tmp_path: Path) -> None:
    import nibabel

    nibabel.save(nibabel.Nifti1Pair(np.ones((4, 5, 6), np.int16), np.eye(4)), tmp_path / "pair.hdr")
    (source,) = discover(tmp_path)
    assert (source.id, inspect(source).shape) == ("pair", (4, 5, 6))


def test_discover__two_series_in_one_folder_get_two_names(tmp_path: Path) -> None:
    series(tmp_path / "study", uid=generate_uid(), names=[f"a{n}" for n in range(6)])
    series(tmp_path / "study", uid=generate_uid(), names=[f"b{n}" for n in range(6)], seed=1)
    found = discover(tmp_path)
    assert len({source.id for source in found}) == 2
    assert all(source.relative.startswith("study/") and len(source.paths) == 6 for source in found)
    assert [source.id for source in found] == [source.id for source in discover(tmp_path)]


def test_discover__slices_are_in_order_of_position_not_of_name(tmp_path: Path) -> None:
    names = ["z.dcm", "a.dcm", "m.dcm", "b.dcm"]
    series(tmp_path / "s", positions=[0, 2, 4, 6], names=names)
    (source,) = discover(tmp_path)
    assert [path.name for path in source.paths] == names


def test_discover__series_in_the_searched_folder_itself_has_its_name(tmp_path: Path) -> None:
    series(tmp_path / "liver")
    (source,) = discover(tmp_path / "liver")
    assert source.id == "liver"


def test_discover__hidden_files_stores_and_labels_are_no_scans(tmp_path: Path) -> None:
    nifti(tmp_path / "case.nii.gz")
    nifti(tmp_path / ".hidden.nii.gz")
    nifti(tmp_path / ".cache" / "old.nii.gz")
    nifti(tmp_path / "store" / "arrays" / "x.nii.gz")
    (tmp_path / "store" / "manifest.json").write_text("{}")
    nifti(tmp_path / "labels" / "case.nii.gz")
    nifti(tmp_path / "case_seg.nii.gz")
    (tmp_path / "people.tsv").write_text("id\tperson\n")
    result = survey(tmp_path)
    assert [source.id for source in result.sources] == ["case"]
    assert {skip.relative: skip.reason for skip in result.skipped} == {
        "case_seg.nii.gz": "labels of the scan beside it",
        "labels": "a folder of labels",
        "people.tsv": "not a scan's format",
        "store": "an Orienteer store",
    }


def test_discover__a_label_name_without_its_scan_stays_a_scan(tmp_path: Path) -> None:
    nifti(tmp_path / "case_seg.nii.gz")
    assert [source.id for source in discover(tmp_path)] == ["case_seg"]


def test_discover__costs_the_same_a_scan_however_many_lie_in_one_folder(tmp_path: Path) -> None:
    for number in range(4000):
        (tmp_path / f"scan{number:04}.nii.gz").touch()
        (tmp_path / f"head{number:04}.mhd").touch()
        (tmp_path / f"head{number:04}.raw").touch()
    begun = time.process_time()
    assert len(discover(tmp_path)) == 8000
    assert time.process_time() - begun < 6  # 1 s; a minute and more while every name was compared with all others


def test_discover__the_folder_asked_for_may_be_called_labels(tmp_path: Path) -> None:
    nifti(tmp_path / "labels" / "case.nii.gz")
    assert [source.id for source in discover(tmp_path / "labels")] == ["case"]


def test_discover__excluded_folders_and_files_are_left_alone(tmp_path: Path) -> None:
    nifti(tmp_path / "case.nii.gz")
    nifti(tmp_path / "truth" / "case.nii.gz")
    nifti(tmp_path / "bad.nii.gz")
    found = discover(tmp_path, exclude=[tmp_path / "truth", tmp_path / "bad.nii.gz"])
    assert [source.id for source in found] == ["case"]


def test_discover__linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    nifti(tmp_path / "real" / "case.nii.gz")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "search")
    assert [source.id for source in discover(tmp_path / "search")] == ["link__case"]


def test_discover__one_file_is_a_folder_of_one(tmp_path: Path) -> None:
    nifti(tmp_path / "other.nii.gz")
    (source,) = discover(nifti(tmp_path / "case.nii.gz"))
    assert (source.id, read(source).shape) == ("case", (12, 14, 10))


@pytest.mark.parametrize("name", ["empty", "missing", "nothing readable"])
def test_discover__no_scan_is_an_error_with_a_cure(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    if name != "missing":
        folder.mkdir()
    if name == "nothing readable":
        (folder / "thesis.docx").write_bytes(b"PK")
    with pytest.raises(OrienteerError) as caught:
        discover(folder)
    assert str(folder) in caught.value.message and caught.value.cure


@pytest.mark.parametrize(
    ("relative", "expected"),
    [
        ("a/b.nii.gz", "a__b"),
        ("1.2.840.nii", "1.2.840"),
        ("x.tar.NRRD", "x.tar"),
        ("folder/4f2a01bc", "folder__4f2a01bc"),
        (".nii", ".nii"),
    ],
)
def test_source__id_drops_the_extension_only(relative: str, expected: str) -> None:
    assert Source((Path(relative),), "NIfTI", relative, Path()).id == expected


def test_survey__pipes_and_empty_folders_named_like_scans_are_told_and_never_opened(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    os.mkfifo(tmp_path / "pipe.nii.gz")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder.nii").mkdir()
    nifti(tmp_path / "patient.dcm" / "b.nii.gz")
    found = survey(tmp_path)
    assert [source.id for source in found.sources] == ["a", "patient.dcm__b"]
    assert {(skip.relative, skip.reason.split(",")[0]) for skip in found.skipped} == {
        ("folder.nii", "an empty folder named like a scan"),
        ("pipe", "a pipe or device"),
        ("pipe.nii.gz", "a pipe or device"),
    }


def test_survey__sequences_deeper_than_python_recurses_are_a_finding(tmp_path: Path) -> None:
    (path,) = series(tmp_path / "s", positions=[0])
    SERIES["sequences 3000 deep"][1]([path])
    (source,) = discover(tmp_path)
    assert not inspect(source).usable


def test_survey__a_link_to_itself_is_a_finding_even_where_folders_are_excluded(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    (tmp_path / "loop.nii").symlink_to("loop.nii")
    found = survey(tmp_path, exclude=[tmp_path / "store"])
    assert [inspect(source).usable for source in found.sources] == [True, False]
