"""A bundle passes MONAI's own checks, gives the run's features there, and hands its weights to MONAI's own networks."""

import hashlib
import json
import pickle
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract, Input, Intensities, least_edge
from orienteer.export.doors.monai_bundle import MonaiBundle
from orienteer.export.doors.monai_configs import edges
from orienteer.export.exported import TOLERANCE, Exported, SelfTest, apart
from orienteer.export.run import _save_phantom, export, tensors
from orienteer.export.verify import verify
from orienteer.networks.encoders import NETWORKS, build_encoder, recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run
from orienteer.seal import sealed
from orienteer.store.convention import convention_of
from tests.export.bundle_schema import SCHEMA

pytest.importorskip("monai.bundle")


@pytest.fixture(scope="module")
def bundle(run: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A run's bundle. Read it only."""

    def make(folder: Path) -> None:
        export(run, folder / "bundle", to="monai", licence="CC BY 4.0", anyway=True)

    return made_once("bundle", make) / "bundle"


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "copy"))


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A new folder in which one stands, as MONAI wants it for a bundle with code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [each for each in sys.modules if each.split(".")[0] == "scripts"]:
        del sys.modules[name]


def exported(run: Path, name: str, view: int = 16, **options: Any) -> Exported:
    """An untrained encoder with the contract of a run."""
    settings = NetworkSettings(name=name, size="tiny", options=options)
    contract = Contract.of(Run.open(run), "CC0", "monai")
    encoder = build_encoder(settings, 1, view).eval()
    asked = contract.input.model_copy(update={"view_voxels": view, "stride": max(encoder.strides)})
    changed = {"network": settings.model_dump(mode="json"), "input": asked}
    return Exported.of(contract.model_copy(update=changed), encoder, recipe(settings, 1, view))


def _command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """``python -m monai.bundle ...``, but for the seconds of its imports."""
    monkeypatch.setattr(sys, "argv", ["monai.bundle", *arguments])
    runpy.run_module("monai.bundle", run_name="__main__")


@pytest.mark.filterwarnings("ignore")
def test_bundle__passes_the_commands_of_monai(
    bundle: Path, inside: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fire")
    shutil.copytree(bundle, inside, dirs_exist_ok=True)
    (inside / "schema.json").write_text(json.dumps(SCHEMA))
    meta, config = ("--meta_file", "configs/metadata.json"), ("--config_file", "configs/inference.json")
    metadata = ("verify_metadata", *meta, "--filepath", "schema.json")  # a schema that is there is not fetched
    _command(monkeypatch, *metadata)
    for n in ("1", "2"):
        _command(monkeypatch, "verify_net_in_out", "network_def", *meta, *config, "--n", n)
    _command(monkeypatch, "run", *config)
    (difference,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("largest difference:")]
    assert float(difference.split()[-1]) <= TOLERANCE
    said = json.loads((inside / "configs" / "metadata.json").read_text())
    del said["network_data_format"]["outputs"]["pred"]["format"]
    (inside / "configs" / "metadata.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match="Failed validating"):
        _command(monkeypatch, *metadata)


def test_bundle__says_what_goes_in_and_comes_out(bundle: Path) -> None:
    said = json.loads((bundle / "configs" / "metadata.json").read_text())["network_data_format"]
    image, pred = said["inputs"]["image"], said["outputs"]["pred"]
    assert (image["spatial_shape"], image["value_range"], image["channel_def"]) == (
        ["16*n"] * 3,
        [-1.5, 1.5],
        {"0": "image"},
    )
    assert (pred["format"], pred["num_channels"], pred["spatial_shape"]) == ("latent", 64, ["2*n"] * 3)
    assert "CC BY 4.0" in (bundle / "LICENSE").read_text() and "Apache-2.0" in (bundle / "LICENSE").read_text()
    assert {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()} == {
        *("LICENSE", "README.md", "contract.json", "phantom.nii.gz", "selftest.safetensors", "models/model.pt"),
        *("configs/inference.json", "configs/metadata.json", "scripts/__init__.py", "scripts/encoder.py"),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_bundle__every_network_opens_in_monai(name: str, run: Path, inside: Path) -> None:
    from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

    made = exported(run, name)
    MonaiBundle().write(made, inside)
    assert "orienteer" not in (inside / "scripts" / "encoder.py").read_text().split('"""', 2)[2].lower()
    workflow = ConfigWorkflow("configs/inference.json", workflow_type="inference")
    workflow.initialize()
    (inside / "selftest.safetensors").write_bytes(save(tensors(made.test)))
    assert workflow.check_properties() == []
    verify_net_in_out("network_def", "configs/metadata.json", "configs/inference.json", device="cpu")
    config = ConfigParser()
    config.read_config("configs/inference.json")
    opened = config.get_parsed_content("network")
    with torch.no_grad():
        view = torch.from_numpy(made.test.view.copy())[None]
        maps, last = opened.maps(view), opened(view)
    assert apart(made.test.maps, tuple(each[0].numpy() for each in maps)) <= TOLERANCE
    torch.testing.assert_close(last, maps[-1])


def test_bundle__a_size_is_a_number_where_only_one_fits(run: Path) -> None:
    said = {}
    for name in ("vit", "swin", "resunet"):
        encoder = build_encoder(NetworkSettings(name=name, size="tiny"), 1, 16)
        stride = max(encoder.strides)
        asked = Input(view_voxels=16, stride=stride, least_edge=least_edge(encoder, 1, 16))
        said[name] = edges(asked)
    assert said == {"vit": (16, 2), "swin": ("16*n", "1*n"), "resunet": ("16*n", "2*n")}


def _by_the_card(made: Exported, folder: Path) -> Any:
    """MONAI's own network, as the last lines of code on the card make it."""
    (folder / "models").mkdir()
    torch.save(dict(made.weights), folder / "models" / "model.pt")
    told: dict[str, Any] = {}
    exec(MonaiBundle().usage(made.contract).split("```python")[-1].split("```")[0], told)
    return told["network"].eval()


@pytest.mark.parametrize(("view", "stages"), [(16, 3), (24, 2), (32, 4)])
def test_bundle__swin_goes_over_into_swin_unetr(view: int, stages: int, run: Path, inside: Path) -> None:
    made = exported(run, "swin", view)
    network = _by_the_card(made, inside)
    with torch.no_grad():
        hidden: list[Tensor] = network.swinViT(torch.from_numpy(made.test.view.copy())[None])
    assert len(made.test.maps) == stages + 1
    assert apart(made.test.maps, tuple(each[0].numpy() for each in hidden[: stages + 1])) <= TOLERANCE


@pytest.mark.parametrize("options", [{}, {"init_filters": 16, "blocks_down": [1, 1, 2], "blocks_up": [1, 1]}])
def test_bundle__segresnet_goes_over_into_segresnet(options: dict[str, Any], run: Path, inside: Path) -> None:
    made = exported(run, "segresnet", **options)
    network = _by_the_card(made, inside)
    with torch.no_grad():
        _, maps = network.encode(torch.from_numpy(made.test.view.copy())[None])
    assert apart(made.test.maps, tuple(each[0].numpy() for each in maps)) <= TOLERANCE


def test_bundle__a_lost_weight_is_not_passed_over(run: Path, inside: Path) -> None:
    made = exported(run, "segresnet")
    code = MonaiBundle().usage(made.contract).split("```python")[-1].split("```")[0]
    (inside / "models").mkdir()
    torch.save(dict(list(made.weights.items())[1:]), inside / "models" / "model.pt")
    with pytest.raises(AssertionError, match="convInit"):
        exec(code, {})


class _Evil:
    """Runs when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def _weights(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    path = folder / "models" / "model.pt"
    torch.save(change(torch.load(path, weights_only=True)), path)


def _cut(folder: Path) -> None:
    path = folder / "models" / "model.pt"
    path.write_bytes(path.read_bytes()[:-999])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (_cut, "no whole file"),
    "renamed weight": (lambda f: _weights(f, lambda w: {f"module.{name}": w[name] for name in w}), "missing"),
    "mis-shaped": (lambda f: _weights(f, lambda w: {name: each[:1] for name, each in w.items()}), "another shape"),
    "a list": (lambda f: _weights(f, lambda w: list(w.values())), "not a table of tensors"),
    "nested": (lambda f: _weights(f, lambda w: {"model": w}), "not a table of tensors"),
    "malicious": (lambda f: _weights(f, lambda w: {**w, "x": _Evil(f / "marker")}), "could run code"),
    "pickled": (lambda f: (f / "models/model.pt").write_bytes(pickle.dumps(_Evil(f / "marker"), 2)), "could run code"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify__refuses_damaged_weights_and_never_runs_them(damage: str, copy: Path) -> None:
    change, words = DAMAGE[damage]
    change(copy)
    with pytest.raises(OrienteerError, match="not what was exported"):
        verify(copy)
    contract = json.loads((copy / "contract.json").read_text())
    contract["files"]["models/model.pt"] = hashlib.sha256((copy / "models/model.pt").read_bytes()).hexdigest()
    (copy / "contract.json").write_text(json.dumps(sealed(contract)))
    with pytest.raises(OrienteerError) as caught:
        verify(copy)
    assert words in caught.value.message and caught.value.cure
    assert not (copy / "marker").exists()


def test_verify__a_bundle_is_right_and_its_code_is_not_run(copy: Path) -> None:
    found = verify(copy)
    assert found.right and found.difference == 0
    (copy / "scripts" / "__pycache__").mkdir()  # what MONAI's commands leave
    code = copy / "scripts" / "encoder.py"
    code.write_text(f"open({str(copy / 'marker')!r}, 'w')")
    contract = json.loads((copy / "contract.json").read_text())
    contract["files"]["scripts/encoder.py"] = hashlib.sha256(code.read_bytes()).hexdigest()
    (copy / "contract.json").write_text(json.dumps(sealed(contract)))
    assert verify(copy).right and not (copy / "marker").exists()


@pytest.mark.parametrize("asked", ["window", "zscore", (0.0, 2000.0)])
def test_bundle__the_card_prepares_a_scan_as_the_contract_says(
    asked: str | tuple[float, float], run: Path, tmp_path: Path
) -> None:
    made = exported(run, "unet")
    contract = made.contract.model_copy(update={"intensities": Intensities.of(convention_of(asked))})
    test = SelfTest.of(contract, made.encoder)
    _save_phantom(test, tmp_path / "phantom.nii.gz")
    usage = MonaiBundle().usage(contract)
    code = usage[usage.index("from orienteer import PrepareScan") :].split("```")[0]
    told: dict[str, Any] = {}
    exec(code.replace("scan.nii.gz", str(tmp_path / "phantom.nii.gz")), told)
    np.testing.assert_allclose(told["image"].numpy(), test.prepared, atol=1e-6)
