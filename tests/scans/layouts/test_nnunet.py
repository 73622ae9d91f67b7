"""nnU-Net raw: cases and channels by what dataset.json says; nothing is put together without evidence."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import inspect, load, read
from tests.scans.files import AFFINE, nifti
from tests.scans.layouts.trees import SHAPE, channel, describe, nnunet


def codes(info: object) -> list[str]:
    return [found.code for found in info.findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["channel_names", "modality"])
def test_nnunet__a_case_is_one_scan_of_all_its_channels(tmp_path: Path, key: str) -> None:
    nnunet(tmp_path, {"a": (0, 1), "b_2": (0, 1)}, {"t": (0, 1)}, key=key)
    laid = lay_out(tmp_path)
    assert [layout.text for layout in laid.layouts] == [
        "nnU-Net raw (2 channels: T1, FLAIR), 3 scans, 2 with labels, 1 kept for testing"
    ]
    assert [(s.id, s.split, s.labels is not None) for s in laid.sources] == [
        ("imagesTr__a", "", True), ("imagesTr__b_2", "", True), ("imagesTs__t", "test", False),
    ]  # fmt: skip
    volume = read(laid.sources[1])
    assert volume.array.shape == (2, *SHAPE) and volume.array.dtype == np.int16
    assert np.array_equal(volume.array[0], channel(1, 0)) and np.array_equal(volume.array[1], channel(1, 1))
    assert laid.skipped == ()


@pytest.mark.parametrize("place", ["Dataset001_A/imagesTr", "Dataset001_A", "."])
def test_nnunet__is_recognised_from_above_and_from_within(tmp_path: Path, place: str, monkeypatch) -> None:
    nnunet(tmp_path / "Dataset001_A", {"a": (0, 1)})
    nnunet(tmp_path / "Dataset002_B", {"b": (0, 1)})
    monkeypatch.chdir(tmp_path)
    laid = lay_out(Path(place))
    assert len(laid.layouts) == len(laid.sources) == (2 if place == "." else 1)
    assert all(len(source.parts) == 2 and source.labels for source in laid.sources)


def test_nnunet__names_alone_group_nothing(tmp_path: Path) -> None:
    for name in ("scan_0000", "scan_0001", "other_0000", "other_0001"):
        nifti(tmp_path / f"{name}.nii.gz")
    laid = lay_out(tmp_path)
    assert [layout.name for layout in laid.layouts] == ["plain folder"] and len(laid.sources) == 4
    assert "--layout nnunet" in laid.layouts[0].notes[0]
    assert len(lay_out(tmp_path, layout="nnunet").sources) == 2
    # A network that reads two channels is evidence; one that reads three is not.
    assert len(lay_out(tmp_path, expected=2).sources) == 2
    assert len(lay_out(tmp_path, expected=3).sources) == 4


def test_nnunet__a_folder_of_images_without_description_is_grouped_where_cases_agree(tmp_path: Path) -> None:
    for name in ("a_0000", "a_0001", "b_0000", "b_0001"):
        nifti(tmp_path / "imagesTr" / f"{name}.nii.gz")
    (layout,) = lay_out(tmp_path).layouts
    assert (layout.scans, layout.channels) == (2, ("0000", "0001"))


def test_nnunet__a_missing_channel_is_named_and_costs_one_case(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0, 1), "b": (0,), "c": (1,), "d": (0, 1, 2)})
    infos = {info.id[-1]: info for info in map(inspect, lay_out(tmp_path).sources)}
    assert codes(infos["a"]) == []
    assert codes(infos["b"]) == codes(infos["c"]) == ["channel-missing"]
    assert "b_0001 (FLAIR)" in infos["b"].findings[0].message
    assert "c_0000 (T1)" in infos["c"].findings[0].message
    assert codes(infos["d"]) == ["channels-mixed"] and "d_0002" in infos["d"].findings[0].message
    assert load(infos["b"].source)[1] is None


def test_nnunet__channels_on_other_grids_are_refused(tmp_path: Path) -> None:
    nnunet(tmp_path, {"shifted": (0,), "short": (0,), "rounded": (0,)})
    moved, rounded = AFFINE.copy(), AFFINE.copy()
    moved[0, 3] += 0.5
    rounded[0, 3] += 0.05
    nifti(tmp_path / "imagesTr" / "shifted_0001.nii.gz", channel(7), moved)
    nifti(tmp_path / "imagesTr" / "short_0001.nii.gz", channel(7)[:-1])
    nifti(tmp_path / "imagesTr" / "rounded_0001.nii.gz", channel(7), rounded)
    infos = {info.id.rpartition("__")[2]: info for info in map(inspect, lay_out(tmp_path).sources)}
    assert codes(infos["rounded"]) == []
    assert codes(infos["shifted"]) == codes(infos["short"]) == ["channels-differ"]
    assert "corners 0.50 mm apart" in infos["shifted"].findings[0].message
    assert "11x14x10 and 12x14x10 voxels" in infos["short"].findings[0].message


def test_nnunet__channels_can_be_chosen_and_ordered(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0, 1, 2)}, names=("T1", "T2", "FLAIR"))
    (source,) = lay_out(tmp_path, channels=("flair", "T1")).sources
    assert source.channel_names == ("FLAIR", "T1")
    assert np.array_equal(read(source).array[0], channel(0, 2))
    (single,) = lay_out(tmp_path, channels=("T2",)).sources
    assert np.array_equal(read(single).array, channel(0, 1)[None])
    with pytest.raises(OrienteerError, match=r"no channel PD in .* it has T1, T2, FLAIR"):
        lay_out(tmp_path, channels=("PD",))


def test_nnunet__an_error_in_one_channel_names_the_channel(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0, 1)})
    broken = tmp_path / "imagesTr" / "a_0001.nii.gz"
    broken.write_bytes(broken.read_bytes()[:200])
    (info,) = map(inspect, lay_out(tmp_path).sources)
    assert not info.usable and info.findings[0].message.startswith("FLAIR: ")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"channel_names": []}', '{"channel_names": {"1": "T1"}}', '{"channel_names": {"x": 1}}',
             "[" * 100_000, '{"channel_names": {"0": 1, "1": ']
)  # fmt: skip
def test_nnunet__a_broken_description_is_no_evidence(tmp_path: Path, text: str) -> None:
    nnunet(tmp_path, {"a": (0, 1)})
    (tmp_path / "dataset.json").write_text(text)
    assert lay_out(tmp_path).layouts[0].name == "plain folder"


def test_nnunet__names_of_channels_are_short_and_printable(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0, 1)}, names=("T1\x1b[31m" + "x" * 100, ""))
    describe(tmp_path / "dataset.json", channel_names={"0": "zscore", "1": "zscore"})
    assert lay_out(tmp_path).layouts[0].channels == ("zscore 0", "zscore 1")
    describe(tmp_path / "dataset.json", channel_names={"0": "T1\x1b[31m" + "x" * 100, "1": ""})
    first, second = lay_out(tmp_path).layouts[0].channels
    assert first.isprintable() and len(first) <= 40 and second == "unnamed"


def test_nnunet__plain_takes_every_file_by_itself(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0, 1)})
    assert [source.id for source in lay_out(tmp_path, layout="plain").sources] == [
        "imagesTr__a_0000", "imagesTr__a_0001",
    ]  # fmt: skip
