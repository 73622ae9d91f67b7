"""An exported encoder is opened without Orienteer, gives the same features, and says what it is."""

import json
import runpy
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from orienteer.errors import OrienteerError, RunError
from orienteer.export.card import _seen
from orienteer.export.contract import Contract
from orienteer.export.doors.plain_torch import PlainTorch
from orienteer.export.exported import TOLERANCE, Exported, apart
from orienteer.export.run import export
from orienteer.networks.encoders import NETWORKS, build_encoder, recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run
from orienteer.seal import unsealed


def test_export__the_folder_says_how_to_prepare_and_what_was_learned(run: Path, encoder: Path) -> None:
    said = json.loads((encoder / "contract.json").read_text())
    assert (said["grid"]["spacing_mm"], said["grid"]["axes"], said["input"]["view_voxels"]) == (3.0, "RAS", 16)
    assert said["licence"] == "CC0" and said["learned"]["subjects"] == 2
    card = (encoder / "README.md").read_text()
    for words in ("Voxels of 3 mm", "Axes: RAS", "CC0", said["learned"]["sentence"], "multiples of 8"):
        assert words in card
    assert set(said["files"]) == {path.name for path in encoder.iterdir()} - {"contract.json"}


def test_export__the_phantom_is_prepared_as_any_scan(run: Path, encoder: Path) -> None:
    test = load_file(encoder / "selftest.safetensors")
    np.testing.assert_array_equal(Run.open(run).read(encoder / "phantom.nii.gz").array, test["prepared"].numpy())
    assert nibabel.aff2axcodes(nibabel.load(encoder / "phantom.nii.gz").affine) == ("S", "L", "P")


def test_export__features_are_those_of_the_run(run: Path, encoder: Path) -> None:
    test = load_file(encoder / "selftest.safetensors")
    with torch.no_grad():
        maps = Run.open(run).backbone().encoder(test["view"][None])
    for number, each in enumerate(maps):
        torch.testing.assert_close(test[f"map_{number}"], each[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_export__every_network_opens_in_plain_torch(name: str, run: Path, tmp_path: Path) -> None:
    settings = NetworkSettings(name=name, size="tiny")
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    exported = Exported.of(contract, build_encoder(settings, 1, 16).eval(), recipe(settings, 1, 16))
    PlainTorch().write(exported, tmp_path)
    assert "orienteer" not in (tmp_path / "load.py").read_text().split('"""', 2)[2].lower()
    opened = runpy.run_path(str(tmp_path / "load.py"))["load"](tmp_path)
    with torch.no_grad():
        maps = opened(torch.from_numpy(exported.test.view.copy())[None])
    maps = [maps] if isinstance(maps, torch.Tensor) else maps
    assert apart(exported.test.maps, tuple(each[0].numpy() for each in maps)) <= TOLERANCE


def test_export__a_run_that_did_not_learn_needs_to_be_wanted(run: Path, encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match=r"is (stuck|cheating)") as caught:
        export(run, tmp_path / "out", licence="CC0")
    assert "--anyway" in caught.value.cure and not (tmp_path / "out").exists()
    assert "exported all the same" in (encoder / "README.md").read_text()


def test_export__refuses_what_it_cannot_do(run: Path, encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match="licence"):
        export(run, tmp_path / "out", licence=" ", anyway=True)
    with pytest.raises(OrienteerError, match="is there already"):
        export(run, encoder, licence="CC0", anyway=True)
    with pytest.raises(OrienteerError, match="no program is known by the name 'caffe'") as caught:
        export(run, tmp_path / "out", to="caffe", licence="CC0", anyway=True)
    assert "torch" in caught.value.cure
    assert list(tmp_path.iterdir()) == []


def test_export__a_copy_that_differs_is_not_handed_out(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PlainTorch.write

    def damaged(door: PlainTorch, exported: Exported, folder: Path) -> None:
        with torch.no_grad():
            for weight in exported.encoder.network.parameters():
                weight.add_(0.01)
        real(door, exported, folder)

    monkeypatch.setattr(PlainTorch, "write", damaged)
    with pytest.raises(OrienteerError, match="gives other features"):
        export(run, tmp_path / "out", licence="CC0", anyway=True)
    assert list(tmp_path.iterdir()) == []


def test_export__a_verdict_on_other_weights_does_not_speak_for_these(run: Path, tmp_path: Path) -> None:
    later = Path(shutil.copytree(run, tmp_path / "later"))
    for file in later.glob("evaluations/*/evaluation.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"step": 1}))
    with pytest.raises(RunError, match="was judged at step 1, its best checkpoint is of step 2") as caught:
        export(later, tmp_path / "out", licence="CC0", anyway=True)
    assert "orienteer evaluate" in caught.value.cure and not (tmp_path / "out").exists()


def test_export__the_card_says_what_was_seen(run: Path, tmp_path: Path) -> None:
    out = export(run, tmp_path / "out", licence="CC0", modality="T1-weighted MR", anatomy="phantoms", anyway=True)
    card, said = (out / "README.md").read_text(), json.loads((out / "contract.json").read_text())["learned"]
    assert "Modality: T1-weighted MR. Anatomy: phantoms. Voxels of " in card and "what became -1 is " in card
    assert len(said["extent_mm"]) == len(said["voxel_mm"]) == 3 and len(said["window"]) == 1
    low, high, *_ = said["window"][0]
    assert low <= high
    contract = Contract.model_validate(unsealed(json.loads((out / "contract.json").read_text())))
    ends = contract.intensities.model_copy(update={"low": 0.0, "high": 2.5})
    told = _seen(contract.model_copy(update={"intensities": ends}))
    assert "what became 0 is " in told and "what became 2.5 lies " in told, "of other conventions than windows"


def test_apart__values_that_are_not_finite_are_never_alike() -> None:
    ones, lost = np.ones((1, 2, 2, 2), np.float32), np.full((1, 2, 2, 2), np.nan, np.float32)
    assert apart((ones, ones), (ones, ones)) == 0
    assert apart((ones, lost), (ones, ones)) == apart((ones, ones), (ones, lost)) == float("inf")


def test_export__a_link_in_place_of_a_folder_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(OrienteerError, match="is there already"):
        export(run, tmp_path / "link", licence="CC0", anyway=True)
