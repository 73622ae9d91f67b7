"""Tilted, uneven and incomplete series land on a regular grid, exactly in mm."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.check import check
from orienteer.scans.dicom.steps import steps_of
from orienteer.scans.discover import discover
from orienteer.scans.formats.header import LPS_TO_RAS
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series

EVEN = tuple(range(0, 40, 2))


def _ramp(places: NDArray) -> NDArray:
    """Straight in every direction, so that linear interpolation is exact: only a wrong place changes a value."""
    return 20000 + places @ [110.0, -70.0, 130.0]


def _misplaced(volume: Volume) -> tuple[float, float]:
    """Largest distance of a voxel from where its value belongs, mm, and the share of voxels that no slice covers."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in volume.shape), indexing="ij"), axis=-1)
    world = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    expected = _ramp(world @ LPS_TO_RAS[:3, :3])
    covered = volume.array[0] > volume.array[0].min()
    wrong = np.abs(volume.array[0] + 1024 - expected)[covered]
    return float(wrong.max() / 70), float(1 - covered.mean())


def _at_right_angles(volume: Volume) -> bool:
    axes = volume.affine[:3, :3] / volume.spacing
    return bool(np.allclose(axes.T @ axes, np.eye(3), atol=1e-5))


def test_regrid__a_tilted_series_is_sheared_back(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=EVEN, tilt=18.5, field=_ramp)
    (source,) = discover(tmp_path)
    info, volume = inspect(source), read(source)
    assert [(f.code, f.level) for f in info.findings] == [("dicom-gantry-tilt", "warning")]
    assert "18.5 degrees" in info.findings[0].message
    assert _at_right_angles(volume)
    # 38 mm of table, 18.5 degrees: 12.06 mm or 8.04 of the 1.5 mm rows, so 9 more are needed.
    assert volume.shape == (12, 16 + 9, 20) == info.shape
    misplaced, empty = _misplaced(volume)
    assert misplaced < 0.02 and empty < 0.45


def test_regrid__uneven_gaps_become_even(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0, 4, 8, 9, 16, 23, 30], field=_ramp)
    (source,) = discover(tmp_path)
    info, volume = inspect(source), read(source)
    found = info.findings[0]
    assert (found.code, found.level) == ("dicom-uneven-gaps", "warning")
    assert found.message == "slices are 1.00 to 7.00 mm apart: resampled to 3.75 mm"
    np.testing.assert_allclose(volume.spacing, [0.75, 1.5, 3.75])
    np.testing.assert_allclose((volume.affine @ [0, 0, 8, 1])[:3], [30, 40, 30])
    assert _misplaced(volume)[0] < 0.02


def test_regrid__the_slices_at_both_ends_keep_their_voxels(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0, 2, 4, 7, 9, 11])
    series(tmp_path / "t", positions=[0, 2, 4, 6, 8, 10])
    uneven, even = (read(source).array for source in discover(tmp_path))
    np.testing.assert_array_equal(uneven[..., 0], even[..., 0])
    np.testing.assert_array_equal(uneven[..., -1], even[..., -1])


def test_regrid__a_few_lost_slices_are_filled_and_the_others_kept(tmp_path: Path) -> None:
    paths = series(tmp_path / "s", positions=EVEN)
    (whole,) = (read(source) for source in discover(tmp_path))
    paths[7].unlink()
    paths[12].unlink()
    (source,) = discover(tmp_path)
    info, volume = inspect(source), read(source)
    assert [(f.level, f.message) for f in info.findings] == [
        ("warning", "2 slices are missing between the 18 present: filled in between")
    ]
    np.testing.assert_allclose(volume.affine, whole.affine)
    assert volume.shape == whole.shape
    there = [n for n in range(20) if n not in (7, 12)]
    np.testing.assert_array_equal(volume.array[..., there], whole.array[..., there])
    between = (whole.array[..., 6] + whole.array[..., 8]) / 2
    assert np.abs(volume.array[..., 7] - between).max() <= 0.5


@pytest.mark.parametrize(
    ("positions", "code"),
    [
        ([0, 2, 4, 8, 10, 12], "dicom-missing-slices"),  # 1 in 7
        ([*range(0, 40, 2), *range(48, 88, 2)], "dicom-missing-slices"),  # 4 in a row
        ([*range(0, 100, 6), *range(108, 200, 6)], "dicom-missing-slices"),  # 12 mm
        ([0, 2, 4, 6, 15.3, 17.3, 19.3], "dicom-uneven-gaps"),
        ([0, 7, 14, 25, 32], "dicom-uneven-gaps"),
    ],
)
def test_regrid__wide_holes_are_an_error(tmp_path: Path, positions: list[float], code: str) -> None:
    series(tmp_path / "s", positions=positions)
    (info,) = check(tmp_path, progress=False).scans
    assert [f.code for f in info.findings if f.level == "error"] == [code]


def test_regrid__a_lean_beyond_any_gantry_is_an_error(tmp_path: Path) -> None:
    series(tmp_path / "s", tilt=50)
    (info,) = check(tmp_path, progress=False).scans
    assert [(f.code, f.level) for f in info.findings] == [("dicom-gantry-tilt", "error")]


def test_regrid__a_slice_beside_the_others_is_not_taken_for_tilt(tmp_path: Path) -> None:
    tags = [{}] * 10 + [{"ImagePositionPatient": [-30.0, -37.0, 20.0]}] + [{}] * 9
    series(tmp_path / "s", positions=EVEN, tags=tags)
    (info,) = check(tmp_path, progress=False).scans
    assert [f.code for f in info.findings] == ["dicom-mixed"]


def test_regrid__fractions_stay_and_the_outside_gets_the_lowest_value(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=EVEN, tilt=10, slope=0.37, intercept=-100.5, field=_ramp)
    (volume,) = (read(source) for source in discover(tmp_path))
    assert volume.array.dtype == np.float32
    lowest = volume.array.min()
    assert (volume.array == lowest).mean() > 0.05
    # The corner over which the stack leans is covered by no slice.
    assert volume.array[0, 0, 0, -1] == lowest or volume.array[0, 0, -1, -1] == lowest


def test_regrid__the_content_is_the_same_on_every_reading(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0, 2, 4, 7, 9, 11], tilt=12)
    (source,) = discover(tmp_path)
    first, again = inspect(source), check(tmp_path, progress=False).scans[0]
    assert first.content and first.content == again.content


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tilt=st.floats(-30, 30),
    # No gap is a multiple of another: that is a slice that was lost, and too many of those are refused.
    gaps=st.lists(st.sampled_from([2.0, 2.5, 3.0, 3.7, 4.4]), min_size=5, max_size=9),
    down=st.booleans(),
)
def test_regrid__any_tilt_and_gaps_leave_every_value_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, tilt: float, gaps: list[float], down: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    positions = np.cumsum([0.0, *gaps])
    series(folder / "s", positions=-positions if down else positions, tilt=tilt, field=_ramp)
    (source,) = discover(folder)
    volume = read(source)
    assert _misplaced(volume)[0] < 0.1 * 1.5 + 0.02  # a tenth of a pixel is not worth a blur
    if any(f.level == "warning" and "dicom" in f.code for f in inspect(source).findings):
        assert _at_right_angles(volume)


def test_regrid__small_differences_that_add_up_are_seen(tmp_path: Path) -> None:
    positions = np.cumsum([0.0, *[2.0] * 20, *[2.09] * 20])  # 0.9 mm off in the middle
    series(tmp_path / "s", positions=positions, field=_ramp)
    (source,) = discover(tmp_path)
    assert "dicom-uneven-gaps" in {f.code for f in inspect(source).findings}
    assert _misplaced(read(source))[0] < 0.02


@given(gaps=st.lists(st.sampled_from([2.0, 2.05, 1.95, 2.1, 3.0, 4.0, 6.1]), min_size=1, max_size=40))
def test_steps_of__first_and_last_slice_lie_on_the_grid(gaps: list[float]) -> None:
    depth = np.cumsum([-50.0, *gaps])
    steps = steps_of(depth)
    assert steps.mm * (steps.count - 1) == pytest.approx(sum(gaps))
    assert steps.places[0] == 0 and steps.places[-1] == pytest.approx(steps.count - 1)
    if not any(f.level == "error" for f in steps.findings):
        assert (np.diff(steps.places) > 0).all()
        moved = np.abs(depth[0] + steps.places * steps.mm - depth)
        assert moved.max() <= 0.1 * steps.mm + 1e-6
        # Without a finding the slices are the grid's planes as they are.
        if not steps.findings:
            assert np.abs(steps.places - np.arange(len(depth))).max() <= 0.25
