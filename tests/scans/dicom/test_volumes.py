"""Which slices make one volume: series, studies, echoes, time points, b-values, copies and scouts told apart."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series

THREE = [0.0, 2.0, 4.0]


def _codes(folder: Path) -> list[set[str]]:
    return [{f.code for f in inspect(source).findings} for source in discover(folder)]


def _stored(paths: list[Path]) -> np.ndarray:
    """``(1, columns, rows, slices)`` of a series written by :func:`series`, in the order given."""
    return np.stack([pydicom.dcmread(path).pixel_array.astype(int) - 1024 for path in paths]).T[None]


def test_dicom_volumes__studies_and_series_of_one_flat_folder_are_kept_apart(tmp_path: Path) -> None:
    written = {}
    for number in range(4):
        names = [f"{number}{index}" for index in range(6)]
        paths = series(tmp_path / "export", names=names, uid=generate_uid(), seed=number)
        written[number] = _stored(paths)
    volumes = [read(source).array for source in discover(tmp_path)]
    assert len(volumes) == 4
    for expected in written.values():
        assert sum(np.array_equal(expected, volume) for volume in volumes) == 1


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ([{"EchoNumbers": 1, "EchoTime": 4.9}, {"EchoNumbers": 2, "EchoTime": 9.8}], "echo number"),
        ([{"EchoTime": 4.9}, {"EchoTime": 12.0}], "echo time"),
        ([{"TemporalPositionIdentifier": 2}, {"TemporalPositionIdentifier": 10}], "temporal position"),
        ([{"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}], "b-value"),
        ([{"AcquisitionNumber": 3}, {"AcquisitionNumber": 4}], "acquisition number"),
        ([{"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}], "image type"),
        ([{"KVP": 80}, {"KVP": 140}], "tube voltage"),
    ],
)
def test_dicom_volumes__one_series_of_two_volumes_is_cut_by_the_tag_that_tells(
    tmp_path: Path, tags: list[dict], words: str
) -> None:
    paths = series(tmp_path / "s", positions=THREE * 2, tags=[tags[0]] * 3 + [tags[1]] * 3)
    found = discover(tmp_path)
    assert [source.id for source in found] == ["s__volume-1", "s__volume-2"]
    for source, mine in zip(found, (paths[:3], paths[3:]), strict=True):
        assert source.paths == tuple(mine)
        np.testing.assert_array_equal(read(source).array, _stored(mine))
        (told,) = inspect(source).findings
        assert (told.code, told.level) == ("dicom-volumes", "info") and words in told.message


def test_dicom_volumes__two_tags_are_taken_where_one_is_not_enough(tmp_path: Path) -> None:
    tags = [
        {"EchoNumbers": echo, "TemporalPositionIdentifier": time} for time in (1, 2) for echo in (1, 2) for _ in THREE
    ]
    series(tmp_path / "s", positions=THREE * 4, tags=tags)
    found = discover(tmp_path)
    assert len(found) == 4 and all(inspect(source).usable for source in found)
    assert "echo number and temporal position" in inspect(found[0]).findings[0].message


@pytest.mark.parametrize(
    ("tag", "creator", "values"),
    [(0x0019100C, "SIEMENS MR HEADER", ("0", "1000")), (0x00431039, "GEMS_PARM_01", (["0", "8"], ["1000", "8"]))],
)
def test_dicom_volumes__b_values_are_found_where_vendors_hid_them(
    tmp_path: Path, tag: int, creator: str, values: tuple
) -> None:
    paths = series(tmp_path / "s", positions=THREE * 2)
    for index, path in enumerate(paths):
        data = pydicom.dcmread(path)
        data.add_new(tag & 0xFFFF0000 | 0x10, "LO", creator)
        data.add_new(tag, "IS", values[index // 3])
        data.save_as(path)
    first, second = discover(tmp_path)
    assert (first.paths, second.paths) == (tuple(paths[:3]), tuple(paths[3:]))
    assert "b-value" in inspect(first).findings[0].message


def test_dicom_volumes__the_tag_that_makes_fewest_volumes_wins(tmp_path: Path) -> None:
    # Odd and even slices were acquired one after the other, each with two echoes.
    tags = [{"AcquisitionNumber": 2 * echo + odd, "EchoNumbers": echo} for echo in (1, 2) for odd in (0, 1, 0, 1)]
    series(tmp_path / "s", positions=[0, 2, 4, 6] * 2, tags=tags)
    assert [len(source.paths) for source in discover(tmp_path)] == [4, 4]


def test_dicom_volumes__a_tag_that_changes_within_one_volume_cuts_nothing(tmp_path: Path) -> None:
    tags = [{"AcquisitionNumber": n, "TriggerTime": 10.0 * n, "EchoNumbers": 1 + n % 2} for n in range(6)]
    series(tmp_path / "s", tags=tags)
    assert _codes(tmp_path) == [set()]


def test_dicom_volumes__repeats_that_no_tag_tells_apart_are_left_out(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=THREE * 2)
    assert _codes(tmp_path) == [{"dicom-repeated-slices"}]


@pytest.mark.parametrize("how", ["bytes", "instance"])
def test_dicom_volumes__a_copied_slice_is_dropped_and_told(tmp_path: Path, how: str) -> None:
    paths = series(tmp_path / "s")
    expected = _stored(paths)
    copy = Path(shutil.copy(paths[2], paths[2].with_name("copy.dcm")))
    if how == "instance":
        data = pydicom.dcmread(copy)
        data.StudyDescription = "sent again by another archive"
        data.save_as(copy)
    (source,) = discover(tmp_path)
    assert copy in source.paths
    info = inspect(source)
    assert [(f.code, f.level, f.message) for f in info.findings] == [
        ("dicom-copied-slices", "info", "1 of 7 slices are copies")
    ]
    np.testing.assert_array_equal(read(source).array, expected)


def test_dicom_volumes__a_copy_does_not_hinder_the_cut(tmp_path: Path) -> None:
    tags = [{"EchoNumbers": 1}] * 3 + [{"EchoNumbers": 2}] * 3
    paths = series(tmp_path / "s", positions=THREE * 2, tags=tags)
    shutil.copy(paths[4], paths[4].with_name("again.dcm"))
    assert _codes(tmp_path) == [{"dicom-volumes"}, {"dicom-volumes", "dicom-copied-slices"}]


def test_dicom_volumes__one_instance_with_two_contents_is_no_copy(tmp_path: Path) -> None:
    paths = series(tmp_path / "s", positions=[*THREE, 4.0])
    first, second = (pydicom.dcmread(path) for path in paths[2:])
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    second.save_as(paths[3])
    assert _codes(tmp_path) == [{"dicom-repeated-slices"}]


def _turned(direction: list[float], place: list[list[float]]) -> list[dict]:
    return [{"ImageOrientationPatient": direction, "ImagePositionPatient": one} for one in place]


AXIAL, CORONAL, SAGITTAL = [1.0, 0, 0, 0, 1, 0], [1.0, 0, 0, 0, 0, -1], [0.0, 1, 0, 0, 0, -1]


def _three_planes(count: int) -> list[dict]:
    steps = [5.0 * n for n in range(count)]
    return (
        _turned(AXIAL, [[0, 0, n] for n in steps])
        + _turned(CORONAL, [[0, n, 0] for n in steps])
        + _turned(SAGITTAL, [[n, 0, 0] for n in steps])
    )


def test_dicom_volumes__a_few_slices_in_each_of_three_planes_are_a_localiser(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0] * 15, tags=_three_planes(5))
    assert _codes(tmp_path) == [{"dicom-localiser"}]


def test_dicom_volumes__three_whole_stacks_are_three_volumes(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0] * 36, tags=_three_planes(12))
    found = discover(tmp_path)
    assert [inspect(source).axes for source in found] == ["PIR", "LIP", "LPS"]
    assert all("orientation" in inspect(source).findings[0].message for source in found)


def test_dicom_volumes__one_turned_slice_is_no_volume(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=THREE, tags=_turned(AXIAL, [[0, 0, z] for z in (0, 2)]) + _three_planes(1)[1:2])
    assert _codes(tmp_path) == [{"dicom-mixed"}]


def test_dicom_volumes__a_scout_within_the_series_is_told_and_the_scan_is_read(tmp_path: Path) -> None:
    tags = [{}] * 6 + [{"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}]
    paths = series(tmp_path / "s", positions=[0, 2, 4, 6, 8, 10, 5], tags=tags)
    scout, scan = discover(tmp_path)
    assert {f.code for f in inspect(scout).findings} == {"dicom-volumes", "dicom-localiser"}
    np.testing.assert_array_equal(read(scan).array, _stored(paths[:6]))


@pytest.mark.parametrize(("positions", "scout"), [([0, 12, 24], True), ([0, 9, 18], False), (range(0, 72, 12), False)])
def test_dicom_volumes__few_thick_slices_are_a_localiser(tmp_path: Path, positions: list, scout: bool) -> None:
    series(tmp_path / "s", positions=positions)
    assert [("dicom-localiser" in codes) for codes in _codes(tmp_path)] == [scout]


def test_dicom_volumes__scans_of_one_study_are_of_one_person(tmp_path: Path) -> None:
    for folder, study in (("a/t1", "1.1"), ("a/t2", "1.1"), ("b/t1", "1.2")):
        series(tmp_path / folder, uid=generate_uid(), tags=[{"StudyInstanceUID": study}] * 6)
    tags = [{"EchoNumbers": n // 3, "StudyInstanceUID": generate_uid()} for n in range(6)]
    both = series(tmp_path / "c", positions=THREE * 2, tags=tags)
    people = {source.id: source.subject for source in discover(tmp_path)}
    assert people["a__t1"] == people["a__t2"] != ""
    assert people["b__t1"] == ""  # alone: it goes by its own name
    assert (people["c__volume-1"], people["c__volume-2"]) == ("", "")  # each slice says another study
    for path in both:
        data = pydicom.dcmread(path)
        data.StudyInstanceUID = "1.3"
        data.save_as(path)
    people = {source.id: source.subject for source in discover(tmp_path)}
    assert people["c__volume-1"] == people["c__volume-2"] not in ("", people["a__t1"])
    assert all("1." not in person for person in people.values())


@pytest.mark.parametrize("slices", [3, 6])
def test_dicom_volumes__studies_that_share_a_series_uid_are_scans_of_their_own(tmp_path: Path, slices: int) -> None:
    positions = [2.0 * n for n in range(slices)]
    written = [
        _stored(
            series(
                tmp_path / "s",
                positions=[z + shift for z in positions],
                uid="1.2.3",
                names=[f"{study}-{n}" for n in range(slices)],
                seed=study,
                tags=[{"StudyInstanceUID": f"1.{study}"}] * slices,
            )
        )
        for study, shift in ((1, 0), (2, 2 * slices))
    ]
    first, second = discover(tmp_path)
    assert first.id.startswith("s__") and first.subject == second.subject == ""
    found = [read(source).array for source in (first, second)]
    assert any(
        np.array_equal(found[0], one) and np.array_equal(found[1], other) for one, other in (written, written[::-1])
    )


def test_dicom_volumes__a_series_whose_slices_have_a_study_each_is_one_scan(tmp_path: Path) -> None:
    paths = series(tmp_path / "s", tags=[{"StudyInstanceUID": generate_uid()} for _ in range(6)])
    (source,) = discover(tmp_path)
    assert (source.id, source.subject) == ("s", "")
    np.testing.assert_array_equal(read(source).array, _stored(paths))


def test_dicom_volumes__ids_do_not_depend_on_the_names_of_files(tmp_path: Path) -> None:
    tags = [{"EchoNumbers": 10}] * 3 + [{"EchoNumbers": 9}] * 3
    paths = series(tmp_path / "s", positions=THREE * 2, tags=tags, uid="1.2.3")
    first = {source.id: read(source).array for source in discover(tmp_path)}
    np.testing.assert_array_equal(first["s__volume-1"], _stored(paths[3:]))  # 9 comes before 10
    for index, path in enumerate(paths):
        path.rename(path.with_name(f"{9 - index}.dcm"))
    for source in discover(tmp_path):
        np.testing.assert_array_equal(read(source).array, first[source.id])


@pytest.mark.parametrize(
    ("modality", "kind", "warned"),
    [("MR", "P", True), ("MR", "PHASE MAP", True), ("MR", "M", False), ("CT", "P", False)],
)
def test_dicom_volumes__mr_that_is_phase_is_told(tmp_path: Path, modality: str, kind: str, warned: bool) -> None:
    series(tmp_path / "s", modality=modality, image_type=["ORIGINAL", "PRIMARY", kind, "ND"])
    assert _codes(tmp_path) == [{"dicom-phase"} if warned else set()]


def test_dicom_volumes__of_magnitude_and_phase_in_one_series_the_phase_is_told(tmp_path: Path) -> None:
    tags = [{"ImageType": ["ORIGINAL", "PRIMARY", kind, "ND"]} for kind in "MP" for _ in THREE]
    series(tmp_path / "s", modality="MR", positions=THREE * 2, tags=tags)
    assert _codes(tmp_path) == [{"dicom-volumes"}, {"dicom-volumes", "dicom-phase"}]
