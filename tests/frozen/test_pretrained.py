"""The encoder in one's own code: the same scans, the same features as from the store; told when it cannot be."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
import yaml

from orienteer import api
from orienteer.config import load_yaml
from orienteer.errors import OrienteerError, RunError, ScanError
from orienteer.frozen.features import features_of
from orienteer.frozen.pretrained import pretrained
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.finetune.cohort import SPACING, untrained_run


def test_pretrained__says_how_the_run_learned(run: Path) -> None:
    found = api.pretrained(str(run))
    assert (found.spacing, found.channels, found.view) == (SPACING, 1, features_of(run).features.view)
    assert not found.backbone.training
    assert all(weight.requires_grad for weight in found.backbone.parameters())
    assert found.backbone.decoder is not None


@pytest.mark.parametrize("name", ["person_00", "person_03"])
def test_read__gives_the_voxels_and_features_of_the_store(name: str, run: Path, folder: Path, store: Store) -> None:
    """To the bit: the file read by itself, and the same scan out of the store."""
    found = pretrained(run)
    image = found.read(folder / "scans" / f"{name}.nii")
    stored = torch.from_numpy(store.normalise(name, store.read(name)))
    assert image.dtype == torch.float32
    assert torch.equal(image, stored)
    assert image.abs().max() <= 1.5
    crop = (slice(None), *(slice(4, 4 + found.view),) * 3)
    with torch.no_grad():
        own = found.backbone.encoder(image[crop][None])
        said = features_of(run).features.backbone.encoder(stored[crop][None])
    assert all(torch.equal(a, b) for a, b in zip(own, said, strict=True))


def test_read__turns_what_lies_otherwise(run: Path, folder: Path, tmp_path: Path) -> None:
    """The same body stored from the left gives the same voxels, to the bit."""
    nifti = nibabel.load(folder / "scans" / "person_00.nii")
    array = np.asarray(nifti.dataobj)
    affine = np.diag([-SPACING, SPACING, SPACING, 1.0])
    affine[0, 3] = (len(array) - 1) * SPACING
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(array[::-1]), affine), tmp_path / "turned.nii.gz")
    found = pretrained(run)
    straight = found.read(folder / "scans" / "person_00.nii")
    assert torch.equal(found.read(tmp_path / "turned.nii.gz"), straight)
    assert not torch.equal(straight.flip(1), straight)


def test_read__brings_another_spacing_to_the_runs(run: Path, tmp_path: Path) -> None:
    volume, _ = phantom(0, shape=(42, 48, 45), spacing=2.0)
    nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), tmp_path / "fine.nii")
    assert pretrained(run).read(tmp_path / "fine.nii").shape == (1, 28, 32, 30)


def test_read__names_a_scan_that_cannot_be_read(run: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(b"this is no scan")
    with pytest.raises(ScanError, match=r"bad\.nii\.gz"):
        pretrained(run).read(bad)


def test_read__refuses_other_channels(folder: Path, tmp_path: Path) -> None:
    two = pretrained(untrained_run(tmp_path / "two", channels=2))
    with pytest.raises(ScanError, match="the network reads 2 channels"):
        two.read(folder / "scans" / "person_00.nii")


def test_read__takes_one_scan_at_a_time(run: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match="holds 8 scans"):
        pretrained(run).read(folder / "scans")
    with pytest.raises(OrienteerError, match="there is no"):
        pretrained(run).read(tmp_path / "nowhere.nii")


def test_pretrained__weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run")
    settings = load_yaml(run / "settings.yaml")
    settings["network"]["size"] = "small"
    (run / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(RunError, match="not those of the network"):
        pretrained(run)


def test_pretrained__a_folder_without_a_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        pretrained(tmp_path)
