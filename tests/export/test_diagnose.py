"""Each wrong step of a preparation is named; a right one is called right."""

import itertools
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orienteer.export.contract import Contract, Grid, Input, Intensities, Learned
from orienteer.export.diagnose import diagnose
from orienteer.export.phantom import phantom
from orienteer.geometry import canonical
from orienteer.ingest.foreground import foreground_mask
from orienteer.runs.scan import for_network, prepared, read_scan
from orienteer.store.convention import WINDOW, Convention, Range, ZScore
from orienteer.store.intensity import LIMIT
from orienteer.store.manifest import Parameters

SPACING, VIEW = 3.0, 24


def ours(
    channels: int = 1,
    spacing: float = SPACING,
    convention: Convention = WINDOW,
    ends: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    scan = phantom(SPACING, VIEW, channels, ends)
    shown: NDArray[np.float32] = convention.to_network(prepared(scan, Parameters.of(spacing, convention)).array)
    return shown


def contract(channels: int = 1, convention: Convention = WINDOW) -> Contract:
    return Contract(
        orienteer_version="0",
        grid=Grid(spacing_mm=SPACING),
        intensities=Intensities.of(convention),
        input=Input(channels=channels, channel_names=("T1", "FLAIR")[:channels], view_voxels=VIEW, stride=8),
        learned=Learned(subjects=1, scans=1, verdict="learning", sentence="", judged_on="val"),
        licence="CC0",
        network={},
    )


def z_score(array: NDArray) -> NDArray:
    return (array - array.mean()) / array.std()


def by_percentiles(array: NDArray, percent: float) -> NDArray:
    low, high = np.percentile(array, (percent, 100 - percent))
    return np.clip(2 * (array - low) / (high - low) - 1, -1, 1)


WRONG: dict[str, tuple[Callable[[NDArray], NDArray], list[str], str]] = {
    "right": (lambda a: a, [], ""),
    "mirrored": (lambda a: a[:, ::-1], ["axes"], "LAS"),
    "as ITK has it": (lambda a: a[:, ::-1, ::-1], ["axes"], "LPS"),
    "as an array of ITK": (lambda a: a.transpose(0, 3, 2, 1), ["axes"], "SAR"),
    "z-score": (z_score, ["intensities"], "z-score"),
    "0 to 1": (lambda a: (a + 1) / 2, ["intensities"], "0 ..."),
    "not scaled": (lambda a: 700 * a + 900, ["intensities"], "not scaled"),
    "inverted": (lambda a: -a, ["intensities"], "-1 x"),
    "not cut off": (lambda a: np.where(a >= 1.4, 4.2, a), ["intensities"], "cut off"),
    "cut off too early": (lambda a: np.clip(a, -1, 1), ["intensities"], "cut off at -1 and 1, the contract says"),
    "nothing": (lambda a: a[:, :0], ["shape"], "(1, 0,"),
    "a voxel less": (lambda a: a[:, 1:], ["crop"], "-1 along R"),
    "a voxel less at the end": (lambda a: a[:, :, :, :-1], ["crop"], ""),
    "moved by a voxel": (lambda a: np.roll(a, 1, 2), ["crop"], "+1 along A"),
    "padded": (lambda a: np.pad(a, [(0, 0), (2, 1), (0, 0), (0, 0)], constant_values=-1), ["crop"], "+2 along R"),
    "blurred": (lambda a: gaussian_filter(a, (0, 0.7, 0.7, 0.7)), ["interpolation"], "another interpolation"),
    "mirrored and a voxel less": (lambda a: a[:, ::-1, :, :-1], ["axes", "crop"], "the contract makes"),
    "percentiles of the whole image": (lambda a: by_percentiles(a, 1), ["intensities"], "1 and 99 of the whole image"),
    "no channels": (lambda a: a[0], ["shape"], "(C, D, H, W)"),
    "zeros": (lambda a: 0 * a, ["intensities"], "every voxel is 0"),
    "one value": (lambda a: np.full_like(a, -1), ["intensities"], "every voxel is -1"),
    "too large for float32": (lambda a: a.astype(np.float64) * 1e300, ["intensities"], "finite"),
    "not a number": (lambda a: np.where(a > 1, np.nan, a), ["intensities"], "finite"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", WRONG)
def test_diagnose__names_the_wrong_step(wrong: str) -> None:
    change, steps, words = WRONG[wrong]
    found = diagnose(change(ours()), ours(), contract())
    assert [fault.step for fault in found] == steps
    assert words in " ".join(fault.message for fault in found)


@pytest.mark.parametrize("view", [16, 20, 24, 48])
def test_diagnose__padded_to_a_multiple_of_8_is_in_the_pose_it_was(view: int) -> None:
    shown = WINDOW.to_network(prepared(phantom(SPACING, view), Parameters(spacing=SPACING)).array)
    padded = np.pad(shown, [(0, 0), *((0, -n % 8) for n in shown.shape[1:])], constant_values=-1)
    assert "axes" not in [fault.step for fault in diagnose(padded, shown, contract())]
    mirrored = [fault for fault in diagnose(padded[:, ::-1], shown, contract()) if fault.step == "axes"]
    assert len(mirrored) == 1 and "towards LAS" in mirrored[0].message


@pytest.mark.parametrize("spacing", [1.5, 2.0, 2.7, 3.3, 4.5])
def test_diagnose__names_the_spacing(spacing: float) -> None:
    (fault,) = diagnose(ours(spacing=spacing), ours(), contract())
    assert fault.step == "spacing"
    found = [float(word) for word in fault.message.removeprefix("voxels of ").split(" mm")[0].split(" x ")]
    assert found == pytest.approx([spacing] * 3, rel=0.06)


def test_diagnose__names_swapped_channels() -> None:
    (fault,) = diagnose(ours(2)[::-1], ours(2), contract(2))
    assert fault.step == "channels" and "FLAIR, T1" in fault.message
    assert diagnose(ours(2), ours(2), contract(2)) == []


def test_diagnose__names_a_channel_of_one_value() -> None:
    empty = ours(2) * np.array([1, 0]).reshape(2, 1, 1, 1)
    (fault,) = diagnose(empty, ours(2), contract(2))
    assert fault.step == "intensities" and "channel 1: every voxel is 0" in fault.message


def test_phantom__channels_differ_by_more_than_a_scale() -> None:
    four = ours(4)
    for one, other in itertools.combinations(four, 2):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] < 0.99


def test_diagnose__names_all_that_is_wrong_at_once() -> None:
    found = diagnose(z_score(ours(spacing=2.0))[:, ::-1, ::-1], ours(), contract())
    assert [fault.step for fault in found] == ["axes", "spacing", "intensities"]
    assert "LPS" in found[0].message and "z-score" in found[2].message


def test_diagnose__an_unprepared_scan() -> None:
    found = diagnose(phantom(SPACING, VIEW).array, ours(), contract())
    assert [fault.step for fault in found] == ["axes", "spacing", "intensities"]


def unscaled(spacing: float, ends: tuple[float, float] | None = None, view: int = VIEW) -> NDArray[np.float32]:
    """The phantom on the network's grid in the file's own units."""
    ready = for_network(canonical(phantom(SPACING, view, ends=ends)), Parameters(spacing=spacing))
    (scale,) = ready.intensity
    values: NDArray[np.float32] = (ready.image * scale.slope + scale.intercept).astype(np.float32)
    return values


OF_ZSCORE: dict[str, tuple[Callable[[], NDArray], list[str], str]] = {
    "right": (lambda: ours(convention=ZScore()), [], ""),
    "by percentiles": (ours, ["intensities"], "scaled to -1 ... 1.5: value = 0.357"),
    "not scaled": (lambda: unscaled(SPACING), ["intensities"], "not scaled, 0 to"),
    "over the whole image": (
        lambda: z_score(unscaled(SPACING)),
        ["intensities"],
        "mean 0 and deviation 1 of the whole image (z-score)",
    ),
    "half a deviation off": (lambda: ours(convention=ZScore()) + 0.5, ["intensities"], "x ours +0.5"),
    "not cut off": (
        lambda: np.where(ours(convention=ZScore()) >= 3.7, 9.0, ours(convention=ZScore())),
        ["intensities"],
        "at -3.75 and 3.75",
    ),
}
HU = (-175.0, 250.0)
CT = Range(low=HU[0], high=HU[1])
OF_RANGE: dict[str, tuple[Callable[[], NDArray], list[str], str]] = {
    "right": (lambda: ours(convention=CT, ends=HU), [], ""),
    "as MONAI scales": (lambda: np.clip((unscaled(SPACING, HU) - HU[0]) / (HU[1] - HU[0]), 0, 1), [], ""),
    "not scaled": (lambda: unscaled(SPACING, HU), ["intensities"], "not scaled, -296 to"),
    "to -1 ... 1": (lambda: 2 * ours(convention=CT, ends=HU) - 1, ["intensities"], "value = 2 x ours -1"),
    "by percentiles": (lambda: ours(ends=HU), ["intensities"], "scaled to -1"),
    "z-score": (lambda: z_score(ours(convention=CT, ends=HU)), ["intensities"], "z-score"),
    "not cut off": (lambda: (unscaled(SPACING, HU) - HU[0]) / (HU[1] - HU[0]), ["intensities"], "at 0 and 1"),
}


@pytest.mark.parametrize("wrong", OF_ZSCORE)
def test_diagnose__of_a_network_of_z_scores(wrong: str) -> None:
    make, steps, words = OF_ZSCORE[wrong]
    found = diagnose(make(), ours(convention=ZScore()), contract(convention=ZScore()))
    assert [fault.step for fault in found] == steps
    told = " ".join(fault.message for fault in found)
    assert words in told and (not steps or "the contract says" in told)


@pytest.mark.parametrize("wrong", OF_RANGE)
def test_diagnose__of_a_network_of_a_fixed_range(wrong: str) -> None:
    make, steps, words = OF_RANGE[wrong]
    found = diagnose(make(), ours(convention=CT, ends=HU), contract(convention=CT))
    assert [fault.step for fault in found] == steps
    told = " ".join(fault.message for fault in found)
    assert words in told and (not steps or "the contract says" in told)


@pytest.mark.parametrize("view", [16, 24, 48])
@pytest.mark.parametrize(
    ("convention", "body", "empty"),
    [
        (ZScore(), lambda raw: raw > 300, None),  # the hole in it is left out
        (ZScore(), lambda raw: raw > 0, None),  # what most programs take; blurred edges count as well
        (ZScore(), np.ones_like, None),
        (WINDOW, foreground_mask, None),  # the rule for a constant background is left out
    ],
    ids=["not-filled", "not-zero", "everything", "not-constant"],
)
def test_diagnose__names_intensities_of_another_body(
    convention: Convention, body: Callable[[NDArray], NDArray], empty: float | None, view: int
) -> None:
    scan = phantom(SPACING, view)
    raw = unscaled(SPACING, view=view)
    low, high = convention.ends(raw[body(raw).astype(bool).reshape(raw.shape)], empty)
    theirs = convention.to_network(np.clip(2 * (raw - low) / (high - low) - 1, -LIMIT, LIMIT))
    right = convention.to_network(prepared(scan, Parameters.of(SPACING, convention)).array)
    assert [fault.step for fault in diagnose(theirs, right, contract(convention=convention))] == ["intensities"]
    low, high = convention.ends(raw[foreground_mask(raw)[None]], 0.0)
    theirs = convention.to_network(np.clip(2 * (raw - low) / (high - low) - 1, -LIMIT, LIMIT))
    assert diagnose(theirs, right, contract(convention=convention)) == []


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1000.0, 1000.0), (0.0, 65535.0)])
def test_phantom__fills_a_fixed_range_of_any_unit(ends: tuple[float, float]) -> None:
    shown = ours(convention=Range(low=ends[0], high=ends[1]), ends=ends)
    inside = shown[(shown > 0) & (shown < 1)]
    assert inside.size > 0.4 * shown.size and inside.std() > 0.1
    assert (shown == 0).mean() > 0.1 and (shown == 1).any()


@pytest.mark.parametrize("spacing", [0.5, 0.7, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("view", [16, 24, 32])
def test_phantom__a_file_of_it_is_prepared_the_same(spacing: float, view: int, tmp_path: Path) -> None:
    scan, parameters = phantom(spacing, view), Parameters(spacing=spacing)
    nibabel.save(nibabel.Nifti1Image(scan.array[0], scan.affine), tmp_path / "phantom.nii.gz")
    read = read_scan(tmp_path / "phantom.nii.gz", (1, ()), parameters)
    np.testing.assert_array_equal(read.array, prepared(scan, parameters).array)
    extents = np.array(scan.shape) * scan.spacing / spacing
    assert (np.abs(extents % 1 - 0.5) > 0.15).all()
