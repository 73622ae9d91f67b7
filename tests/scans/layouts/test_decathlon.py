"""Medical Segmentation Decathlon: the volumes of a 4D file are channels where dataset.json names several."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import inspect, read
from tests.scans.files import nifti
from tests.scans.layouts.trees import SHAPE, channel, decathlon, nnunet


def test_decathlon__volumes_are_the_named_channels(tmp_path: Path) -> None:
    laid = lay_out(decathlon(tmp_path))
    assert [layout.text for layout in laid.layouts] == [
        "Medical Segmentation Decathlon (2 channels: FLAIR, T1w), 2 scans, 2 with labels"
    ]
    volume = read(laid.sources[1])
    assert volume.array.shape == (2, *SHAPE)
    assert np.array_equal(volume.array[1], channel(1, 1))
    assert laid.skipped == ()


def test_decathlon__other_volumes_than_named_are_refused(tmp_path: Path) -> None:
    info = inspect(lay_out(decathlon(tmp_path, names=("T2", "ADC", "b0"))).sources[0])
    (found,) = info.findings
    assert found.code == "channels-differ" and "holds 2 channels, 3 are named: T2, ADC, b0" in found.message


def test_decathlon__one_modality_is_an_ordinary_scan(tmp_path: Path) -> None:
    laid = lay_out(decathlon(tmp_path, names=("MRI",), volumes=1))
    assert all(inspect(source).channels == 1 and source.volumes == "first" for source in laid.sources)


def test_decathlon__scans_for_testing_are_held_out(tmp_path: Path) -> None:
    nifti(decathlon(tmp_path) / "imagesTs" / "BRATS_900.nii.gz")
    nifti(tmp_path / "imagesExtra" / "odd.nii.gz")
    laid = lay_out(tmp_path)
    assert [source.split for source in laid.sources] == ["", "", "test"]
    assert [(skip.relative, skip.code) for skip in laid.skipped] == [("imagesExtra/odd.nii.gz", "skipped-layout")]


def test_decathlon__volumes_cannot_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match="4D"):
        lay_out(decathlon(tmp_path), channels=("T1w",))


def test_decathlon__is_not_taken_for_nnunet_nor_the_reverse(tmp_path: Path) -> None:
    decathlon(tmp_path / "d")
    nnunet(tmp_path / "n", {"a": (0, 1)}, key="modality")
    assert [layout.name for layout in lay_out(tmp_path).layouts] == ["Medical Segmentation Decathlon", "nnU-Net raw"]
    with pytest.raises(OrienteerError, match="not laid out as decathlon"):
        lay_out(tmp_path / "n", layout="decathlon")
