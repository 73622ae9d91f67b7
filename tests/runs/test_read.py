"""A scan in one's own code: the voxels and features of the store, to the bit; and told when it cannot be."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from orienteer.errors import OrienteerError, ScanError
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.finetune.cohort import SPACING, untrained_run
from tests.finetune.conftest import folder, run, store

__all__ = ["folder", "run", "store"]


@pytest.mark.parametrize("name", ["person_00", "person_03"])
def test_read__gives_the_voxels_of_the_store(name: str, run: Path, folder: Path, store: Store) -> None:
    """To the bit: the file read by itself, and the same scan out of the store."""
    scan = Run.open(run).read(folder / "scans" / f"{name}.nii")
    assert scan.array.dtype == np.float32
    assert np.array_equal(scan.array, store.normalise(name, store.read(name)))
    assert np.abs(scan.array).max() <= 1.5
    assert np.allclose(scan.affine, store.entry(name).affine)


def test_read__turns_what_lies_otherwise(run: Path, folder: Path, tmp_path: Path) -> None:
    """The same body stored from the left gives the same voxels, to the bit."""
    nifti = nibabel.load(folder / "scans" / "person_00.nii")
    array = np.asarray(nifti.dataobj)
    affine = np.diag([-SPACING, SPACING, SPACING, 1.0])
    affine[0, 3] = (len(array) - 1) * SPACING
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array[::-1]), affine), tmp_path / "turned.nii.gz")
    found = Run.open(run)
    straight = found.read(folder / "scans" / "person_00.nii").array
    assert np.array_equal(found.read(tmp_path / "turned.nii.gz").array, straight)
    assert not np.array_equal(straight[:, ::-1], straight)


def test_read__brings_another_spacing_to_the_runs(run: Path, tmp_path: Path) -> None:
    volume, _ = phantom(0, shape=(42, 48, 45), spacing=2.0)
    nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), tmp_path / "fine.nii")
    assert Run.open(run).read(tmp_path / "fine.nii").array.shape == (1, 28, 32, 30)


def test_read__names_a_scan_that_cannot_be_read(run: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"this is no scan")
    with pytest.raises(ScanError, match=r"bad\.nii\.gz"):
        Run.open(run).read(bad)


def test_read__refuses_other_channels(folder: Path, tmp_path: Path) -> None:
    two = Run.open(untrained_run(tmp_path / "two", channels=2))
    with pytest.raises(ScanError, match="the network reads 2 channels"):
        two.read(folder / "scans" / "person_00.nii")


def test_read__takes_one_scan_at_a_time(run: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match="holds 8 scans"):
        Run.open(run).read(folder / "scans")
    with pytest.raises(OrienteerError, match="there is no"):
        Run.open(run).read(tmp_path / "nowhere.nii")


def test_backbone__is_the_models_in_evaluation_mode_and_can_be_trained(run: Path) -> None:
    opened = Run.open(run)
    backbone, model = opened.backbone(), opened.model()
    assert not backbone.training and not model.training and backbone.decoder is not None
    assert all(weight.requires_grad for weight in backbone.parameters())
    own, whole = backbone.state_dict(), model.backbone.state_dict()
    assert own.keys() == whole.keys() and all(torch.equal(own[name], whole[name]) for name in own)
