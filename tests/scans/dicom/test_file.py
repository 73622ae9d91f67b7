"""DICOM as old scanners and careless exports write it: no preamble, decimal commas, negatives, screenshots."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from orienteer.scans.check import check
from orienteer.scans.dicom.file import is_dicom
from orienteer.scans.discover import discover, survey
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import blank, rewrite, screenshot, series, without_preamble
from tests.scans.enhanced_files import enhanced, frame_group
from tests.scans.files import nifti


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orienteer.scans.formats.opening.isolated", lambda function, *args: function(*args))


def _big_endian(path: Path) -> None:
    data = pydicom.dcmread(path)
    swapped = Dataset()
    swapped.update({e.tag: e for e in data})
    swapped.file_meta, swapped.preamble = data.file_meta, b"\0" * 128
    swapped.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    swapped["PixelData"].VR = "OW"
    swapped.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
    pydicom.dcmwrite(path, swapped, enforce_file_format=True)


def _meta_alone(path: Path) -> None:
    path.write_bytes(path.read_bytes()[132:])


@pytest.mark.parametrize(
    "write",
    [
        without_preamble,
        lambda path: without_preamble(path, implicit=False),
        _meta_alone,
        _big_endian,
        lambda path: path.write_bytes(b"\0" * 128 + b"DICM" + without_preamble(path).read_bytes()),
    ],
    ids=["implicit", "explicit", "meta without preamble", "big endian", "preamble without meta"],
)
@pytest.mark.parametrize("ending", [".dcm", ""])
def test_read__the_same_scan_however_its_data_set_is_written(tmp_path: Path, write, ending: str) -> None:
    names = [f"IM{n}{ending}" for n in range(6)]
    series(tmp_path / "usual", names=names)
    for path in series(tmp_path / "odd", names=names):
        write(path)
    odd, usual = discover(tmp_path)
    assert [inspect(odd).findings, len(odd.paths)] == [(), 6]
    np.testing.assert_array_equal(read(odd).array, read(usual).array)
    np.testing.assert_array_equal(read(odd).affine, read(usual).affine)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08\x00",
        b"\x08\x00\x05\x00\x04\x00\x00\x00ABCD" * 20,
        b"\x08\x00\x05\x00CS\x04\x00ABCD",
        b"\x02\x00\x00\x00UL\x04\x00\xff\xff\xff\xff",
        b"\x08\x00" + bytes(range(256)) * 8,
        b"\x08\x00\x00\x00\x04\x00\x00\x00" + b"\xff" * 500,
        b"id,age\n1,3\n" * 90,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 400,
        np.arange(4000, dtype="<u2").tobytes()[16:],
    ],
)
def test_is_dicom__no_other_binary_file_becomes_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert not is_dicom(path)


def test_is_dicom__random_bytes_after_a_plausible_start_are_none(tmp_path: Path) -> None:
    path, random = tmp_path / "file", np.random.default_rng(0)
    for _ in range(100):
        path.write_bytes(b"\x08\x00\x16\x00UI\x06\x00" + random.bytes(300))
        assert not is_dicom(path) or pydicom.dcmread(path, force=True).get("SOPClassUID")


def test_read__a_decimal_comma_is_a_decimal_point_and_is_told_once(tmp_path: Path) -> None:
    for path in series(tmp_path / "s"):
        rewrite(path, b"1.5\\0.75", b"1,5\\0,75")
    (source,) = discover(tmp_path)
    info = inspect(source)
    np.testing.assert_allclose(info.spacing, (0.75, 1.5, 2.0))
    assert [(f.code, f.level) for f in info.findings] == [("dicom-decimal-comma", "warning")]
    assert info.findings[0].message.startswith("PixelSpacing:")


def test_check__a_tag_that_is_damaged_in_a_whole_series_is_told_once_by_its_name(tmp_path: Path) -> None:
    for path in series(tmp_path / "s"):
        rewrite(path, b"1.5\\0.75", b"one\\0.75")
    (source,) = discover(tmp_path)
    (found,) = inspect(source).findings
    assert (source.relative, found.code) == ("s", "unreadable")
    assert "slice_000.dcm" in found.message and "PixelSpacing" in found.message and "6 files" in found.message


def test_read__a_damaged_tag_that_no_volume_needs_costs_nothing(tmp_path: Path) -> None:
    for path in series(tmp_path / "s", tags=[{"EchoTime": "12.25"}] * 6):
        rewrite(path, b"12.25", b"1-:25")
    (source,) = discover(tmp_path)
    assert inspect(source).findings == ()


@pytest.mark.parametrize("told", ["MONOCHROME1", "monochrome1", " MONOCHROME1"])
def test_read__mr_shown_as_a_negative_is_turned_over_as_a_whole(tmp_path: Path, told: str) -> None:
    stored = np.random.default_rng(0).integers(100, 900, (6, 16, 12))
    for name, sign, way in (("n", -1, told), ("p", 1, "MONOCHROME2")):
        paths = series(tmp_path / name, modality="MR", slope=1, intercept=0)
        for path, values in zip(paths, 1000 * (sign < 0) + sign * stored, strict=True):
            data = pydicom.dcmread(path)
            data.PixelData = values.astype("<u2").tobytes()
            data.save_as(path)
            padded = way.ljust(12).encode()
            rewrite(path, b"MONOCHROME2 ", padded)
    negative, positive = discover(tmp_path)
    array = read(positive).array
    np.testing.assert_array_equal(read(negative).array, array + 1000 - array.max() - array.min())
    assert [(f.code, f.level) for f in inspect(negative).findings] == [("dicom-turned-over", "info")]


def test_read__an_enhanced_mr_shown_as_a_negative_is_turned_over(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).integers(100, 900, (5, 8, 8)).astype(np.uint16)
    groups = [frame_group([0, 0, z], rescale=(2.0, 5.0)) for z in range(5)]
    for name, way in (("n", "MONOCHROME1"), ("p", "MONOCHROME2")):
        (tmp_path / name).mkdir()
        enhanced(tmp_path / name / "e.dcm", groups, stored, tags={"PhotometricInterpretation": way, "Modality": "MR"})
    negative, positive = discover(tmp_path)
    array = read(positive).array
    np.testing.assert_array_equal(read(negative).array, array.max() + array.min() - array)


def test_read__numbers_longer_than_the_standard_allows_are_read(tmp_path: Path) -> None:
    for path in series(tmp_path / "s", tags=[{"PixelSpacing": ["1.25", "0.875"]}] * 6):
        data = pydicom.dcmread(path)
        data[0x00280030] = RawDataElement(
            BaseTag(0x00280030), "DS", 42, b"1.2500000000000000001\\0.87500000000000000 ", 0, False, True
        )
        data.save_as(path)
    (source,) = discover(tmp_path)
    np.testing.assert_allclose(inspect(source).spacing, (0.875, 1.25, 2.0))


@pytest.mark.parametrize("modality", ["CT", "PT", "OT"])
def test_read__values_with_a_unit_are_never_turned_over(tmp_path: Path, modality: str) -> None:
    series(tmp_path / "n", modality=modality, tags=[{"PhotometricInterpretation": "MONOCHROME1"}] * 6)
    series(tmp_path / "p", modality=modality)
    negative, positive = discover(tmp_path)
    np.testing.assert_array_equal(read(negative).array, read(positive).array)
    assert [(f.code, f.level) for f in inspect(negative).findings] == [("dicom-monochrome1", "warning")]


def test_read__slices_that_run_both_ways_are_no_volume(tmp_path: Path) -> None:
    ways = ["MONOCHROME1", *["MONOCHROME2"] * 5]
    series(tmp_path / "s", modality="MR", tags=[{"PhotometricInterpretation": way} for way in ways])
    (source,) = discover(tmp_path)
    assert [f.code for f in inspect(source).findings] == ["dicom-mixed"]


def test_survey__a_screenshot_is_named_and_no_lost_scan(tmp_path: Path) -> None:
    uid = generate_uid()
    series(tmp_path / "s", uid=uid)
    screenshot(tmp_path / "s", uid=uid)
    screenshot(tmp_path / "s", names=["dose.dcm"], samples=1)
    found = survey(tmp_path)
    assert [(source.relative, inspect(source).findings) for source in found.sources] == [("s", ())]
    assert [(skip.relative, skip.code) for skip in found.skipped] == [
        ("s/dose.dcm", "skipped-screenshot"),
        ("s/shot.dcm", "skipped-screenshot"),
    ]


def test_survey__secondary_captures_with_a_place_are_a_scan(tmp_path: Path) -> None:
    for path in series(tmp_path / "s"):
        data = pydicom.dcmread(path)
        data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
        data.save_as(path)
    (source,) = discover(tmp_path)
    assert inspect(source).findings == ()


def test_check__a_series_uid_for_each_slice_is_one_finding(tmp_path: Path) -> None:
    for z in range(8):
        series(tmp_path / "s", positions=[z], names=[f"{z}.dcm"])
    (source,) = discover(tmp_path)
    (found,) = inspect(source).findings
    assert (source.relative, len(source.paths), found.code) == ("s", 8, "dicom-series-apart")


def test_survey__slices_that_were_never_fetched_are_told_once(tmp_path: Path) -> None:
    nifti(tmp_path / "good.nii.gz")
    (tmp_path / "ct").mkdir()
    for n in range(9):
        (tmp_path / "ct" / f"{n}.dcm").symlink_to(f"../.git/annex/objects/{n}")
    lost, _ = discover(tmp_path)
    (found,) = inspect(lost).findings
    assert (lost.relative, found.code) == ("ct", "not-fetched") and "datalad get" in found.cure


def test_check__patients_who_share_a_study_are_asked_about(tmp_path: Path) -> None:
    for seed, name in enumerate(("p1", "p2", "p3")):
        series(tmp_path / name / "ct", seed=seed, tags=[{"StudyInstanceUID": "1.2.3"}] * 6)
    (question,) = check(tmp_path, progress=False, workers=1).questions
    assert question.scans == ("p1__ct", "p2__ct", "p3__ct") and "study" in question.reasons
    assert "1.2.3" not in question.person
    assert check(tmp_path / "p1", progress=False, workers=1).questions == ()


def test_inspect__slices_of_another_size_are_named(tmp_path: Path) -> None:
    series(tmp_path / "s", sizes=[(16, 12)] * 5 + [(8, 12)])
    (source,) = discover(tmp_path)
    (found,) = inspect(source).findings
    assert (found.code, "slice_005.dcm" in found.message) == ("dicom-mixed", True)


@pytest.mark.parametrize("kind", ["1.2.840.10008.5.1.4.1.1.66", "1.3.12.2.1107.5.9.1"])
def test_check__raw_data_beside_a_scan_are_skipped_and_cost_no_scan(tmp_path: Path, kind: str) -> None:
    series(tmp_path / "s", modality="MR")
    data = blank("1.9", "MR", ["ORIGINAL"])
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = kind
    data.save_as(tmp_path / "s" / "raw.dcm", enforce_file_format=True)
    result = check(tmp_path, progress=False, workers=1)
    assert [scan.findings for scan in result.scans] == [()]
    assert [(skip.relative, skip.code) for skip in result.skipped] == [("s/raw.dcm", "skipped-dicom")]
