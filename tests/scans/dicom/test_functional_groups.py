"""Frames of multi-frame files, placed and rescaled each by its own group, or left out where no place is given."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from orienteer.scans.discover import discover
from orienteer.scans.formats.header import LPS_TO_RAS
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series
from tests.scans.enhanced_files import enhanced, frame_group, offsets

POSITIONS = [(-30.0, -40.0, z) for z in (10.0, 4.0, 6.0, 8.0)]
"""Not in order: frames are sorted by place."""

ORDER = [1, 2, 3, 0]


def _stored(frames: int = 4) -> NDArray[np.uint16]:
    return np.random.default_rng(frames).integers(0, 2000, (frames, 6, 5)).astype(np.uint16)


def test_grouped__frames_lie_where_their_groups_say(tmp_path: Path) -> None:
    stored = _stored()
    enhanced(tmp_path / "a.dcm", [frame_group(position) for position in POSITIONS], stored)
    (source,) = discover(tmp_path)
    info, volume = inspect(source), read(source)
    assert (info.findings, info.modality, volume.shape) == ((), "MR", (5, 6, 4))
    np.testing.assert_array_equal(volume.array[0], stored[ORDER].T)
    for column, row, slice_ in np.ndindex(2, 2, 4):
        lps = np.add(POSITIONS[ORDER[slice_]], [0.75 * column, 1.5 * row, 0])
        np.testing.assert_allclose((volume.affine @ [column, row, slice_, 1])[:3], lps * [-1, -1, 1])


def test_grouped__what_the_shared_group_says_holds_unless_a_frame_says_otherwise(tmp_path: Path) -> None:
    stored = _stored()
    shared = frame_group((0, 0, 0), direction=(1, 0, 0, 0, 0, -1), spacing=(2.0, 3.0), rescale=(2.0, -5.0))
    rescales = [None, (0.5, 1.0), None, None]
    places = [(0.0, y, 0.0) for y in (0, 2, 4, 6)]
    groups = [
        frame_group(place, direction=None, spacing=None, rescale=rescale)
        for place, rescale in zip(places, rescales, strict=True)
    ]
    enhanced(tmp_path / "a.dcm", groups, stored, shared)
    (source,) = discover(tmp_path)
    volume = read(source)
    np.testing.assert_allclose(volume.spacing, [3, 2, 2])
    expected = stored * np.array([2, 0.5, 2, 2])[:, None, None] + np.array([-5, 1, -5, -5])[:, None, None]
    np.testing.assert_allclose(volume.array[0], expected.T)


def test_grouped__it_is_the_volume_of_the_same_slices_in_files(tmp_path: Path) -> None:
    paths = series(tmp_path / "classic", tilt=12.0)
    slices = [pydicom.dcmread(path) for path in paths]
    groups = [
        frame_group(one.ImagePositionPatient, direction=one.ImageOrientationPatient, rescale=(1, -1024))
        for one in slices
    ]
    enhanced(tmp_path / "many" / "a.dcm", groups, np.stack([one.pixel_array for one in slices]))
    classic, many = (read(source) for source in discover(tmp_path))
    np.testing.assert_allclose(classic.affine, many.affine)
    np.testing.assert_array_equal(classic.array, many.array)


@pytest.mark.parametrize(
    ("key", "values", "words"),
    [("b_value", (0.0, 1000.0), "b-value"), ("echo", (5.0, 12.5), "echo time"), ("time", (1, 2), "temporal position")],
)
def test_grouped__volumes_of_one_file_are_told_apart(tmp_path: Path, key: str, values: tuple, words: str) -> None:
    stored = _stored(8)
    groups = [frame_group(position, **{key: value}) for position in POSITIONS for value in values]
    enhanced(tmp_path / "a.dcm", groups, stored)
    found = discover(tmp_path)
    assert [source.id.split("__")[-1] for source in found] == ["volume-1", "volume-2"]
    assert all(source.paths == (tmp_path / "a.dcm",) for source in found)
    for index, source in enumerate(found):
        assert words in inspect(source).findings[0].message
        np.testing.assert_array_equal(read(source).array[0], stored[index::2][ORDER].T)


def test_grouped__a_series_of_one_file_a_time_point_is_as_many_volumes(tmp_path: Path) -> None:
    for time in (1, 2, 3):
        groups = [frame_group(position) for position in POSITIONS]
        enhanced(tmp_path / f"{time}.dcm", groups, _stored() + time, tags={"AcquisitionNumber": time})
    found = discover(tmp_path)
    assert [source.frames for source in found] == [(), (), ()]
    for index, source in enumerate(found):
        np.testing.assert_array_equal(read(source).array[0], (_stored() + index + 1)[ORDER].T)


def test_grouped__groups_that_are_not_as_many_as_frames_are_an_error(tmp_path: Path) -> None:
    enhanced(tmp_path / "a.dcm", [frame_group(position) for position in POSITIONS[:3]], _stored())
    (source,) = discover(tmp_path)
    assert [f.code for f in inspect(source).findings] == ["unreadable"]


def test_grouped__frames_without_a_place_are_an_error(tmp_path: Path) -> None:
    groups = [frame_group(position) for position in POSITIONS]
    del groups[2].PlanePositionSequence
    enhanced(tmp_path / "a.dcm", groups, _stored())
    (source,) = discover(tmp_path)
    assert [f.code for f in inspect(source).findings] == ["dicom-no-position"]


def test_offset_frames__older_files_are_read_where_they_give_each_offset(tmp_path: Path) -> None:
    stored = _stored()
    offsets(tmp_path / "a.dcm", stored, [0, 2.5, 5, 7.5])
    (source,) = discover(tmp_path)
    volume = read(source)
    np.testing.assert_array_equal(volume.array[0], stored.T)
    # Rows along x, columns against z: the normal, x cross -z, is y.
    np.testing.assert_allclose(volume.affine @ [0, 0, 3, 1], LPS_TO_RAS @ [-30, -40 + 7.5, 5, 1])


@pytest.mark.parametrize("steps", [[5, 7.5, 10, 12.5], [0, 2.5, 5], []])
def test_offset_frames__without_a_place_for_each_it_is_left_out(tmp_path: Path, steps: list[float]) -> None:
    offsets(tmp_path / "a.dcm", _stored(), steps, SpacingBetweenSlices=2.5)
    (source,) = discover(tmp_path)
    assert [f.code for f in inspect(source).findings] == ["dicom-multi-frame"]
