"""An encoder leaves for nnU-Net: its own U-Nets and its own loader take every weight, in the axes that it reads."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch

from orienteer.errors import OrienteerError
from orienteer.export.axes import for_axes, turned
from orienteer.export.contract import Contract
from orienteer.export.doors.nnunet_plain import Plans
from orienteer.export.doors.registry import door_to
from orienteer.export.exported import TOLERANCE, Exported, apart, maps_of
from orienteer.export.run import export
from orienteer.export.verify import verify
from orienteer.networks.encoders import build_encoder, recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.testing.phantom import phantom_store
from tests.export.damage import DAMAGES
from tests.runs.conftest import tiny


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of nnU-Net's default encoder, made thin."""
    folder = tmp_path_factory.mktemp("staged")
    settings = tiny("optimiser.steps=2", "network={name: plainconv, size: tiny}")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=settings)
    return folder / "run"


@pytest.fixture(scope="module")
def adapted(staged: Path) -> Path:
    """Its encoder with an adaptation plan. Read it only."""
    return export(staged, staged.parent / "adapted", to="nnunet", licence="CC0", anyway=True)


def _plans(folder: Path, *, spacing: float = 3.0, stages: int = 3, **changed: Any) -> Path:
    """Plans as nnU-Net 2.8.1 writes them, of a thin network."""
    kwargs = {
        "n_stages": stages,
        "features_per_stage": [8, 16, 32, 64, 80][:stages],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * stages,
        "strides": [[1, 1, 1], *([[2, 2, 2]] * (stages - 1))],
        "n_conv_per_stage": [2] * stages,
        "n_conv_per_stage_decoder": [2] * (stages - 1),
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    architecture = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": kwargs | changed,
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    plans = {
        "dataset_name": "Dataset004_Hippocampus",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [1, 0, 2],
        "configurations": {
            "3d_lowres": {"spacing": [spacing] * 3, "architecture": architecture},
            "3d_fullres": {"inherits_from": "3d_lowres"},
        },
    }
    (folder / "plans.json").write_text(json.dumps(plans))
    return folder / "plans.json"


@pytest.mark.parametrize("axes", ["".join(each) for each in itertools.permutations("RAS")])
@pytest.mark.parametrize("name", ["plainconv", "resenc"])
def test_for_axes__a_turned_view_gives_turned_maps(name: str, axes: str, run: Path) -> None:
    options = {
        "n_stages": 3,
        "kernel_sizes": [[1, 3, 3], [3, 3, 5], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]],
    }
    settings = NetworkSettings(name=name, size="tiny", options=options)
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    own = Exported.of(contract, build_encoder(settings, 1, 16).eval(), recipe(settings, 1, 16))
    there = for_axes(own, axes)
    assert there.contract.grid.axes == axes
    assert (
        apart(tuple(turned(each, axes=axes) for each in own.test.maps), maps_of(there.encoder.network, there.test.view))
        < TOLERANCE
    )
    np.testing.assert_array_equal(turned(there.test.view, axes="RAS", of=axes), own.test.view)
    assert axes == "RAS" or apart(there.test.maps, maps_of(own.encoder.network, there.test.view)) > 0.01


def test_nnunet__the_adaptation_plan_is_complete(adapted: Path) -> None:
    document = torch.load(adapted / "checkpoint_final.pth", weights_only=True)
    plan = document["nnssl_adaptation_plan"]
    assert plan == json.loads((adapted / "adaptation_plan.json").read_text())
    assert (adapted / "config.json").is_file()
    # What nnU-Net's like_nnssl.py and pretrainedTrainer.py read, and nnssl's AdaptationPlan and Plan hold.
    assert set(plan) == {
        "architecture_plans", "pretrain_plan", "pretrain_num_input_channels", "recommended_downstream_patchsize",
        "key_to_encoder", "key_to_stem", "keys_to_in_proj", "key_to_lpe",
    }  # fmt: skip
    assert set(plan["architecture_plans"]) == {"arch_class_name", "arch_kwargs", "arch_kwargs_requiring_import"}
    assert set(plan["pretrain_plan"]) == {
        "dataset_name", "plans_name", "original_median_spacing_after_transp", "image_reader_writer",
        "transpose_forward", "transpose_backward", "configurations", "experiment_planner_used",
    }  # fmt: skip
    (configuration,) = plan["pretrain_plan"]["configurations"].values()
    assert set(configuration) == {
        "data_identifier", "preprocessor_name", "spacing_style", "normalization_schemes", "use_mask_for_norm",
        "resampling_fn_data", "resampling_fn_data_kwargs", "resampling_fn_mask", "resampling_fn_mask_kwargs",
        "spacing", "patch_size",
    }  # fmt: skip
    assert configuration["spacing"] == [3.0] * 3 and configuration["patch_size"] == [16] * 3
    stride = json.loads((adapted / "contract.json").read_text())["input"]["stride"]
    assert all(edge % stride == 0 and edge >= 16 for edge in plan["recommended_downstream_patchsize"])
    assert plan["key_to_lpe"] is None and plan["pretrain_num_input_channels"] == 1


@pytest.mark.parametrize("name", ["plainconv", "resenc"])
def test_nnunet__its_own_network_takes_stem_and_stages(name: str, run: Path, tmp_path: Path) -> None:
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    settings = NetworkSettings(name=name, size="tiny")
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    door = door_to("nnunet")
    exported = door.suited(Exported.of(contract, build_encoder(settings, 1, 16).eval(), recipe(settings, 1, 16)))
    door.write(exported, tmp_path)
    door.check(exported, tmp_path)
    document = torch.load(tmp_path / "checkpoint_final.pth", weights_only=True)
    weights, plan = document["network_weights"], document["nnssl_adaptation_plan"]
    said = plan["architecture_plans"]
    network = get_network_from_plans(
        f"dynamic_network_architectures.architectures.unet.{said['arch_class_name']}",
        said["arch_kwargs"], said["arch_kwargs_requiring_import"], 1, 3, deep_supervision=False,
    )  # fmt: skip
    # As nnU-Net's PretrainedTrainer.load_pretrained_weights does, by the keys of the plan.
    for key in (plan["key_to_encoder"], plan["key_to_stem"]):
        part = {each.removeprefix(f"{key}."): value for each, value in weights.items() if each.startswith(f"{key}.")}
        network.get_submodule(key).load_state_dict(part, strict=True)
    assert all(f"{key}.weight" in weights for key in plan["keys_to_in_proj"])
    assert all(key in network.keys_to_in_proj for key in plan["keys_to_in_proj"])
    assert apart(exported.test.maps, maps_of(network.eval().encoder, exported.test.view)) <= TOLERANCE


def test_plain__the_released_loader_takes_every_weight(staged: Path, tmp_path: Path) -> None:
    from nnunetv2.run.load_pretrained_weights import load_pretrained_weights
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plans = _plans(tmp_path, stages=4)
    out = export(staged, tmp_path / "out", to="nnunet-plain", plans=plans, licence="CC0", anyway=True)
    said = json.loads(plans.read_text())["configurations"]["3d_lowres"]["architecture"]
    network = get_network_from_plans(
        said["network_class_name"], said["arch_kwargs"], said["_kw_requires_import"], 1, 3, deep_supervision=True
    )
    load_pretrained_weights(network, str(out / "weights.pth"))
    sent = torch.load(out / "weights.pth", weights_only=True)["network_weights"]
    held = network.state_dict()
    assert all(torch.equal(value, sent[name]) for name, value in held.items() if ".seg_layers." not in name)
    # Its first three stages are ours, in the order S, A, R that its plans transpose to A, S, R.
    own = Run.open(staged).backbone().encoder.network.state_dict()
    first = "encoder.stages.0.0.convs.0.all_modules.0.weight"
    torch.testing.assert_close(held[first], own[first].permute(0, 1, 3, 4, 2))
    assert json.loads((out / "contract.json").read_text())["grid"]["axes"] == "ASR"
    assert "encoder.stages.3.0.convs.0.conv.weight" in sent and not any(
        name.startswith("encoder.stages.3") for name in own
    )
    card = (out / "README.md").read_text()
    assert "Stages from 3 on and the decoder are drawn anew by nnU-Net" in card and "SimpleITKIO" in card
    assert verify(out).right


def test_plain__what_does_not_fit_is_refused_with_the_settings_that_do(staged: Path, tmp_path: Path) -> None:
    wider = _plans(tmp_path, features_per_stage=[4, 8, 16])
    with pytest.raises(OrienteerError, match=r"features_per_stage \[8, 16, 32\], there \[4, 8, 16\]") as caught:
        export(staged, tmp_path / "out", to="nnunet-plain", plans=wider, licence="CC0", anyway=True)
    options = json.loads(caught.value.cure.split("network.options=")[1].rstrip("'"))
    wanted = Plans.read(wider, "3d_fullres").architecture.arch_kwargs
    fitting = recipe(NetworkSettings(name="plainconv", size="tiny", options=options), 1, 16)
    assert {key: fitting.arguments["arguments"][key] for key in options} == {key: wanted[key] for key in options}
    assert not (tmp_path / "out").exists()


def test_plain__another_spacing_has_to_be_wanted(staged: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(staged, tmp_path / "learning"))
    for file in run.glob("evaluations/*/evaluation.json"):
        document = json.loads(file.read_text())
        document["verdict"]["label"] = "learning"
        file.write_text(json.dumps(document))
    with pytest.raises(OrienteerError, match=r"plans resample to 1 x 1 x 1 mm, it learned at 3 mm") as caught:
        export(run, tmp_path / "out", to="nnunet-plain", plans=_plans(tmp_path, spacing=1.0), licence="CC0")
    assert "--anyway" in caught.value.cure and not (tmp_path / "out").exists()
    export(run, tmp_path / "out", to="nnunet-plain", plans=_plans(tmp_path, spacing=2.8), licence="CC0")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "plans are missing"),
        ({"plans": "nowhere.json"}, "nowhere.json"),
        ({"plans": "plans.json", "configuration": "2d"}, "no configuration '2d'"),
        ({"plans": "plans.json", "to": "torch"}, "takes no plans"),
    ],
)
def test_plain__says_what_is_missing(
    given: dict[str, str], words: str, staged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _plans(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OrienteerError, match=words) as caught:
        export(staged, tmp_path / "out", **{"to": "nnunet-plain", "licence": "CC0", "anyway": True} | given)  # type: ignore[arg-type]
    assert caught.value.cure and not (tmp_path / "out").exists()


def test_plain__code_named_in_plans_is_never_imported(staged: Path, tmp_path: Path) -> None:
    plans = _plans(tmp_path, nonlin="os.system")
    with pytest.raises(OrienteerError, match=r"nonlin is 'os\.system'"):
        export(staged, tmp_path / "out", to="nnunet-plain", plans=plans, licence="CC0", anyway=True)


def test_nnunet__another_encoder_has_no_u_net_there(run: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match="no U-Net with a 'resunet' encoder") as caught:
        export(run, tmp_path / "out", to="nnunet", licence="CC0", anyway=True)
    assert "network.name=resenc" in caught.value.cure and not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_nnunet__a_damaged_checkpoint_is_refused(damage: str, adapted: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(adapted, tmp_path / "copy"))
    DAMAGES[damage](copy / "checkpoint_final.pth", tmp_path / "ran")
    with pytest.raises(OrienteerError, match=r"checkpoint_final\.pth") as caught:
        verify(copy)
    assert caught.value.cure and not (tmp_path / "ran").exists()


AS_READ = """
from nnunetv2.imageio.nibabel_reader_writer import NibabelIOWithReorient
from orienteer.runs.transforms import PrepareScan

def preprocess(path):
    ready = PrepareScan(spacing=3.0)(path)
    return {returned}
"""


def test_nnunet__its_reader_gives_the_axes_of_the_contract(adapted: Path, tmp_path: Path) -> None:
    from nnunetv2.imageio.nibabel_reader_writer import NibabelIOWithReorient

    read, _ = NibabelIOWithReorient().read_images([str(adapted / "phantom.nii.gz")])
    canonical = nibabel.as_closest_canonical(nibabel.load(adapted / "phantom.nii.gz")).get_fdata(dtype=np.float32)
    np.testing.assert_array_equal(turned(canonical[None], axes="SAR"), read)
    (tmp_path / "mine.py").write_text(AS_READ.format(returned="ready.transpose(1, 3)"))
    assert verify(adapted, preprocess=tmp_path / "mine.py").right
    (tmp_path / "mine.py").write_text(AS_READ.format(returned="ready"))
    found = verify(adapted, preprocess=tmp_path / "mine.py")
    assert [fault.step for fault in found.faults or ()] == ["axes"]
    assert found.faults and "RAS, the contract says SAR" in found.faults[0].message
