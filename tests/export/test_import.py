"""Weights that others trained become a run: the encoder is theirs, unchanged, and can be judged and used."""

import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.networks.nets import SwinUNETR
from typer.testing import CliRunner

from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import OrienteerError, RunError, StoreError
from orienteer.export.bring_in import import_weights
from orienteer.export.card import card
from orienteer.export.contract import Contract
from orienteer.export.doors.nnunet import OURS
from orienteer.export.doors.plain_torch import PlainTorch
from orienteer.export.doors.staged import Architecture
from orienteer.export.foreign import describe, read_foreign
from orienteer.export.run import export
from orienteer.report import report
from orienteer.runs.evaluate import evaluate
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.testing.phantom import phantom_store
from tests.export.damage import DAMAGES, Touches
from tests.runs.conftest import tiny

CONTRACT = """
grid: {spacing_mm: 3.0, axes: RAS}
intensities: {rule: range, range: [0, 2000]}
input: {channels: 1, view_voxels: 16}
licence: Apache-2.0
"""
FAST = ("optimiser.steps=2", "optimiser.batch=2", "evaluation.per_scan=1", "evaluation.final_per_scan=1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and a run of nnU-Net's default encoder, made thin."""
    folder = tmp_path_factory.mktemp("home")
    settings = tiny("optimiser.steps=2", "network={name: plainconv, size: tiny}")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=settings, progress=False)
    return folder


@pytest.fixture(scope="module")
def left(home: Path) -> Path:
    """Its encoder as nnU-Net's master takes it."""
    return export(home / "run", home / "left", to="nnunet", licence="CC BY 4.0", anyway=True)


def _maps(run: Path, view: torch.Tensor, step: Any = "best") -> list[torch.Tensor]:
    with torch.no_grad():
        return Run.open(run).backbone(step).encoder(view)


def _same(one: list[torch.Tensor], other: list[torch.Tensor]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5 * float(a.abs().max()))


@pytest.fixture
def view() -> torch.Tensor:
    return torch.rand(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("door", ["torch", "nnunet"])
def test_import__what_left_comes_back_the_same(
    door: str, home: Path, left: Path, view: torch.Tensor, tmp_path: Path
) -> None:
    folder = left if door == "nnunet" else export(home / "run", tmp_path / "out", licence="CC0", anyway=True)
    back = import_weights(folder, tmp_path / "back")
    _same(_maps(home / "run", view), _maps(back, view))
    record = Run.open(back).record
    assert record.imported and record.imported.origin == f"an encoder exported to {door}"
    assert record.imported.licence == ("CC BY 4.0" if door == "nnunet" else "CC0")
    assert record.data.spacing_mm == 3.0 and record.data.scans == {} and record.awaits_data


def test_import__a_checkpoint_with_its_adaptation_plan_needs_no_contract(
    home: Path, left: Path, view: torch.Tensor, tmp_path: Path
) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    document["network_weights"]["decoder.stages.0.convs.0.conv.weight"] = torch.zeros(2)
    torch.save(document, tmp_path / "ours.pth")
    ours = Run.open(import_weights(tmp_path / "ours.pth", tmp_path / "own"))
    assert (ours.record.data.intensities, ours.record.imported and ours.record.imported.licence) == (
        "window",
        "CC BY 4.0",
    )
    del document[OURS]
    torch.save(document, tmp_path / "theirs.pth")
    back = Run.open(import_weights(tmp_path / "theirs.pth", tmp_path / "back"))
    assert (back.record.data.intensities, back.record.data.spacing_mm) == ("zscore", 3.0)
    with torch.no_grad():
        # Its units are z-scores, which are what 2.5 window units make.
        _same(_maps(home / "run", view), back.backbone().encoder(view / 2.5))


def _swin_unetr(use_v2: bool = False) -> SwinUNETR:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        sizes = {"feature_size": 12, "window_size": 4, "depths": (1, 2, 1, 1)}
        network = SwinUNETR(in_channels=1, out_channels=2, use_v2=use_v2, **sizes)
        # MONAI starts its position biases near zero, where a wrong window would not show.
        for name, weight in network.named_parameters():
            if "relative_position" in name:
                torch.nn.init.normal_(weight)
    return network.eval()


@pytest.mark.parametrize("kind", ["whole", "version 2", "pretrained"])
def test_import__monai_s_swin_unetr(kind: str, tmp_path: Path) -> None:
    theirs = _swin_unetr(use_v2=kind == "version 2")
    if kind != "pretrained":
        document: dict[str, Any] = theirs.state_dict()
    else:  # as MONAI's SwinUNETR.load_from takes them: names of an older version, of many GPUs
        own = {name.replace("linear1", "fc1").replace("linear2", "fc2") for name in theirs.swinViT.state_dict()}
        own = {f"module.{name}" for name in own}
        renamed = {name.removeprefix("module.").replace("fc1", "linear1").replace("fc2", "linear2") for name in own}
        assert renamed == set(theirs.swinViT.state_dict())
        values = theirs.swinViT.state_dict()
        document = {
            "state_dict": {
                name: values[name.removeprefix("module.").replace("fc1", "linear1").replace("fc2", "linear2")]
                for name in own
            }
        }
    torch.save(document, tmp_path / "swin.pt")
    (tmp_path / "swin.yaml").write_text(CONTRACT)
    back = Run.open(import_weights(tmp_path / "swin.pt", tmp_path / "back", contract=tmp_path / "swin.yaml", view=32))
    assert back.record.data.intensity_range == (0, 2000) and back.settings.views.size == 32
    window = torch.rand(1, 1, 32, 32, 32) * 2 - 1
    with torch.no_grad():
        expected = theirs.swinViT((window + 1) / 2, True)
        found = back.backbone().encoder(window)
    _same(expected, found)


def test_import__heads_are_trained_on_an_encoder_that_stays(
    home: Path, left: Path, view: torch.Tensor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = import_weights(left, tmp_path / "back", assignments=FAST)
    assert "orienteer evaluate back STORE" in report(run).read_text(), "not: resume the training"
    before, untrained = _maps(run, view), Run.open(run).backbone(0).pool.state_dict()
    with pytest.raises(RunError, match="3 mm, the store"):
        evaluate(run, phantom_store(tmp_path / "coarse", people=4, spacing=4.0))
    assert "heads" not in capsys.readouterr().err
    judged = evaluate(run, home / "store", split="val")
    told = capsys.readouterr().err.replace("\n", " ")
    assert "heads for the tasks are trained on them first" in told and "the encoder stays as it is" in told
    opened = Run.open(run)
    assert judged.record.verdict.label and opened.record.finished and opened.record.data.scans["train"] == 2
    assert opened.record.imported and opened.steps == (0, 2)
    _same(before, _maps(run, view))
    _same(before, _maps(run, view, 0))
    after = opened.backbone().pool.state_dict()
    assert any(not torch.equal(after[name], value) for name, value in untrained.items())
    contract = Contract.of(Run.open(run), "CC0")
    assert contract.learned.imported.startswith("an encoder exported to nnunet, SHA-256 ")
    assert "heads alone were trained" in contract.learned.imported
    assert "the encoder is imported (an encoder exported to nnunet)" in report(run).read_text()
    assert "**Its weights were imported**: an encoder exported to nnunet" in card(contract, PlainTorch())
    evaluate(run, home / "store", split="val", overwrite=True)
    assert "heads for the tasks" not in capsys.readouterr().err


def test_import__on_the_command_line_it_is_probed_and_fine_tuned(home: Path, left: Path, tmp_path: Path) -> None:
    run, store = tmp_path / "back", home / "store"

    def orienteer(*words: str | Path) -> str:
        made = CliRunner().invoke(app, [str(word) for word in words])
        assert made.exit_code == 0, made.output
        return made.output

    assert "next: orienteer evaluate" in orienteer("import", left, run, "--set", "optimiser.steps=2")
    assert "kernels turned from SAR to RAS" in orienteer("import", left, tmp_path / "again")
    orienteer("probe", run, store)
    few = ["--set", "optimiser.steps=1", "--set", "patches.size=16", "--labelled-scans", "1"]
    orienteer("finetune", "segment", store, tmp_path / "out", "--from", run, *few)
    record = json.loads(next((tmp_path / "out").glob("seed_*/finetune.json")).read_text())
    assert record["loaded"].startswith("24 weights taken (step 0)")


@pytest.mark.parametrize("damage", sorted(set(DAMAGES) - {"renamed"}))
def test_import__a_damaged_file_is_refused(damage: str, left: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(left, tmp_path / "copy"))
    DAMAGES[damage](copy / "checkpoint_final.pth", tmp_path / "ran")
    for given in (copy, copy / "checkpoint_final.pth"):
        with pytest.raises(OrienteerError, match=r"copy") as caught:
            import_weights(given, tmp_path / "back")
        assert caught.value.cure and not (tmp_path / "ran").exists() and not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("contract", "words", "cure"),
    [
        (None, "does not say how scans were prepared", "--contract"),
        ("grid: {spacing: 1}", "grid.spacing is unknown", "spacing_mm"),
        ("spacing_mm: 1", "spacing_mm is unknown", "grid:"),
        ("grid: {spacing_mm: 1}", "input", "view_voxels"),
        (CONTRACT.replace("RAS", "SAR"), "along SAR, which swin cannot be turned from", "convolutions"),
        (CONTRACT.replace("RAS", "LPS"), "along LPS", "convolutions"),
        (CONTRACT.replace("range, range: [0, 2000]", "window, percentiles: [1, 99]"), "(1.0, 99.0)", "leave out"),
        (CONTRACT.replace("range, range: [0, 2000]", "zscore, deviations: 1"), "deviations is 1.0, here it is 2.5", ""),
        (CONTRACT.replace("3.0", "-1"), "spacing_mm", ""),
        (CONTRACT.replace("axes: RAS", "axes: RAS, interpolation: cubic"), "grid.interpolation is 'cubic'", ""),
        (CONTRACT.replace("range: [0, 2000]", ""), "range", "LOW,HIGH"),
        (CONTRACT.replace("rule: range", "rule: window"), "has a range, and its rule is window", "leave out one"),
        (CONTRACT.replace("rule: range", "rule: zscore"), "has a range, and its rule is zscore", "leave out one"),
        (CONTRACT.replace("spacing_mm: 3.0", "spacing_mm: 3.0, spacing_mm: 2"), "spacing_mm is there twice", "one of"),
        ("grid: 3", "grid is 3, not a group", "spacing_mm"),
    ],
)  # fmt: skip
def test_import__a_contract_that_will_not_do_is_named(
    contract: str | None, words: str, cure: str, tmp_path: Path
) -> None:
    torch.save(_swin_unetr().state_dict(), tmp_path / "swin.pt")
    given = None
    if contract is not None:
        given = tmp_path / "swin.yaml"
        given.write_text(contract)
    with pytest.raises(OrienteerError) as caught:
        import_weights(tmp_path / "swin.pt", tmp_path / "back", contract=given)
    assert words in caught.value.message and cure in caught.value.cure and not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nonlin": "torch.nn.ReLU"}, "nonlin is 'torch.nn.ReLU'"),
        ({"nonlin_kwargs": {"negative_slope": 0.2}}, "nonlin_kwargs"),
        ({"norm_op_kwargs": {"eps": 1e-3, "affine": True}}, "norm_op_kwargs"),
        ({"nonlin_first": True}, "nonlin_first"),
        ({"kernel_sizes": ...}, "with these arguments is no architecture"),
    ],
)
def test_import__another_architecture_is_refused_not_approximated(
    changed: dict[str, Any], words: str, left: Path, tmp_path: Path
) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    plan = document["nnssl_adaptation_plan"]["architecture_plans"]
    kept = plan["arch_kwargs"] | changed
    plan["arch_kwargs"] = {name: value for name, value in kept.items() if value is not ...}
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError) as caught:
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")
    assert words in caught.value.message and caught.value.cure and not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"normalization_schemes": ["CTNormalization"]}, "intensities by CTNormalization"),
        ({"spacing": [1.0, 1.0, 3.0]}, "voxels of"),
        ({"spacing": [-1.0, -1.0, -1.0]}, "greater than 0"),
    ],
)
def test_import__a_plan_of_another_preparation_needs_a_contract(
    changed: dict[str, Any], words: str, left: Path, tmp_path: Path
) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    (configuration,) = document["nnssl_adaptation_plan"]["pretrain_plan"]["configurations"].values()
    configuration |= changed
    del document[OURS]
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError, match="does not say how scans were prepared") as caught:
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")
    assert words in caught.value.message and "--contract" in caught.value.cure


def _theirs(left: Path, file: Path, *, own: bool = False, **changed: Any) -> Path:
    """A checkpoint as nnssl writes it, with other words in the configuration of its plan."""
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    (configuration,) = document["nnssl_adaptation_plan"]["pretrain_plan"]["configurations"].values()
    configuration |= changed
    if not own:
        del document[OURS]
    torch.save(document, file)
    return file


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        "",
        "grid: {spacing_mm: 3, axes: SAR}",
        "input: {channels: 1, view_voxels: 32}",
        "grid: {spacing_mm: 3.0}\ninput: {channels: 1, view_voxels: 16}\n",
    ],
)
def test_import__what_a_contract_leaves_out_is_as_the_plan_says(
    own: bool, said: str, left: Path, view: torch.Tensor, tmp_path: Path
) -> None:
    file = _theirs(left, tmp_path / "theirs.pth", own=own)
    (tmp_path / "c.yaml").write_text(said + ("" if own else "\nlicence: mine"))
    plain = import_weights(file, tmp_path / "plain")
    back = import_weights(file, tmp_path / "back", contract=tmp_path / "c.yaml")
    one, other = Run.open(plain).record, Run.open(back).record
    assert (other.data.intensities, other.data.spacing_mm) == (one.data.intensities, 3.0)
    assert other.data.view_voxels == (32 if "32" in said else 16)
    assert other.imported and other.imported.licence == ("CC BY 4.0" if own else "mine")
    _same(_maps(plain, view), _maps(back, view))


CONTRADICTING = [
    ("grid: {axes: RAS}", "grid.axes is 'RAS'", "'SAR'"),
    ("grid: {spacing_mm: 1}", "grid.spacing_mm is 1", "3.0"),
    ("input: {channels: 2}", "input.channels is 2", "says 1"),
    ("intensities: {rule: range, range: [0, 1]}", "intensities.rule is 'range'", "says '"),
    ("intensities: {range: [0, 1]}", "intensities.rule is 'range'", "says '"),
]


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("said", "words", "theirs"), CONTRADICTING)
def test_import__a_contract_that_contradicts_the_plan_is_refused(
    own: bool, said: str, words: str, theirs: str, left: Path, tmp_path: Path
) -> None:
    file = _theirs(left, tmp_path / "theirs.pth", own=own)
    (tmp_path / "c.yaml").write_text(said)
    with pytest.raises(OrienteerError) as caught:
        import_weights(file, tmp_path / "back", contract=tmp_path / "c.yaml")
    assert words in caught.value.message and theirs in caught.value.message and "c.yaml" in caught.value.message
    named = words.split()[0].replace("intensities.rule", "intensities")
    assert f"leave {named} out of" in caught.value.cure and not (tmp_path / "back").exists()


def test_import__a_licence_that_a_checkpoint_names_is_not_replaced(left: Path, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("licence: CC0")
    with pytest.raises(OrienteerError, match=r"licence is 'CC0', .* says 'CC BY 4\.0'"):
        import_weights(_theirs(left, tmp_path / "ours.pth", own=True), tmp_path / "back", contract=tmp_path / "c.yaml")


@pytest.mark.parametrize(
    ("changed", "said", "told"),
    [
        (
            {"spacing": [1.0, 1.0, 2.5]},
            "grid: {spacing_mm: 1}",
            "grid.spacing_mm by your contract, its plan has voxels of 1 x 1 x 2.5 mm",
        ),
        (
            {"normalization_schemes": ["CTNormalization"]},
            "intensities: {range: [-175, 250]}",
            "intensities.rule by your contract, its plan has intensities by CTNormalization",
        ),
        (
            {"spacing": []},
            "grid: {spacing_mm: 1}",
            "grid.spacing_mm by your contract, its plan has no grid.spacing_mm that can be read",
        ),
    ],
)
def test_import__what_a_plan_cannot_say_a_contract_says_and_the_rest_stays(
    changed: dict[str, Any], said: str, told: str, left: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = _theirs(left, tmp_path / "theirs.pth", **changed)
    with pytest.raises(OrienteerError) as caught:
        import_weights(file, tmp_path / "back")
    assert said.split(":")[0] in caught.value.cure and "axes" not in caught.value.cure
    (tmp_path / "c.yaml").write_text(said)
    back = import_weights(file, tmp_path / "back", contract=tmp_path / "c.yaml")
    words = capsys.readouterr().err
    assert f"({told}; kernels turned from SAR to RAS)" in words
    data = Run.open(back).record.data
    assert data.intensity_range == ((-175, 250) if "range" in said else None)
    assert data.spacing_mm == (1 if "spacing" in said else 3)


def test_import__two_configurations_need_a_contract_and_keep_their_axes(left: Path, tmp_path: Path) -> None:
    document = torch.load(_theirs(left, tmp_path / "theirs.pth"), weights_only=True)
    plans = document["nnssl_adaptation_plan"]["pretrain_plan"]["configurations"]
    plans["other"] = dict(next(iter(plans.values())))
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError, match=r"\(2 configurations: \w+, other\)") as caught:
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")
    (tmp_path / "c.yaml").write_text(caught.value.cure.partition("--contract:")[2])
    found = read_foreign(tmp_path / "theirs.pth", tmp_path / "c.yaml")
    assert "kernels turned from SAR to RAS" in found.note and found.preparation.grid.spacing_mm == 1.5


def test_import__a_damaged_preparation_of_ours_is_named(left: Path, tmp_path: Path) -> None:
    document = torch.load(_theirs(left, tmp_path / "ours.pth", own=True), weights_only=True)
    document[OURS]["grid"]["spacing_mm"] = -1
    torch.save(document, tmp_path / "ours.pth")
    with pytest.raises(OrienteerError, match=r"ours\.pth: its orienteer_preparation is damaged: grid\.spacing_mm"):
        import_weights(tmp_path / "ours.pth", tmp_path / "back")


def test_import__a_contract_json_with_its_seal_is_a_contract_unless_it_was_changed(
    left: Path, home: Path, tmp_path: Path
) -> None:
    torch.save(_swin_unetr().state_dict(), tmp_path / "swin.pt")
    plain = export(home / "run", tmp_path / "plain", to="torch", licence="CC0", anyway=True)
    contract = json.loads((plain / "contract.json").read_text())
    found = read_foreign(tmp_path / "swin.pt", plain / "contract.json")
    assert found.preparation.grid.spacing_mm == 3 and found.preparation.licence == "CC0"
    contract["grid"]["spacing_mm"] = 1.0
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    with pytest.raises(OrienteerError, match=r"contract\.json was changed since it was exported") as caught:
        read_foreign(tmp_path / "swin.pt", tmp_path / "contract.json")
    assert "seal" in caught.value.cure


@pytest.mark.parametrize("kind", [torch.complex64, torch.int8, torch.bool, torch.int64, torch.float8_e4m3fn])
def test_import__weights_that_are_no_floating_point_numbers_are_named(
    kind: torch.dtype, left: Path, tmp_path: Path
) -> None:
    document = torch.load(_theirs(left, tmp_path / "theirs.pth"), weights_only=True)
    name = next(each for each in document["network_weights"] if "all_modules" in each)
    document["network_weights"][name] = document["network_weights"][name].to(kind)
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError) as caught:
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")
    assert f"{name} holds {str(kind).removeprefix('torch.')}, not floating-point" in caught.value.message
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_import__weights_of_any_precision_are_taken(kind: torch.dtype, left: Path, tmp_path: Path) -> None:
    document = torch.load(_theirs(left, tmp_path / "theirs.pth"), weights_only=True)
    document["network_weights"] = {name: value.to(kind) for name, value in document["network_weights"].items()}
    torch.save(document, tmp_path / "theirs.pth")
    assert import_weights(tmp_path / "theirs.pth", tmp_path / "back").is_dir()


def test_import__sparse_weights_are_named(left: Path, tmp_path: Path) -> None:
    document = torch.load(_theirs(left, tmp_path / "theirs.pth"), weights_only=True)
    name = next(each for each in document["network_weights"] if "all_modules" in each)
    document["network_weights"][name] = document["network_weights"][name].to_sparse()
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError, match="sparse_coo, not floating-point"):
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")


def test_import__a_range_alone_says_its_rule(tmp_path: Path) -> None:
    torch.save(_swin_unetr().state_dict(), tmp_path / "swin.pt")
    (tmp_path / "swin.yaml").write_text(CONTRACT.replace("rule: range, ", ""))
    found = read_foreign(tmp_path / "swin.pt", tmp_path / "swin.yaml", 32)
    assert found.preparation.intensities.rule == "range" and "intensities by range" in describe(found)


def test_import__a_plan_that_transposes_is_turned_by_that(
    home: Path, left: Path, view: torch.Tensor, tmp_path: Path
) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    document["nnssl_adaptation_plan"]["pretrain_plan"]["transpose_forward"] = [2, 1, 0]
    del document[OURS]
    torch.save(document, tmp_path / "theirs.pth")
    back = Run.open(import_weights(tmp_path / "theirs.pth", tmp_path / "back"))
    turned = view.permute(0, 1, 4, 3, 2)
    with torch.no_grad():
        found = back.backbone().encoder(turned / 2.5)
    _same(_maps(home / "run", view), [each.permute(0, 1, 4, 3, 2) for each in found])


def test_import__weights_that_are_not_finite_are_named(left: Path, tmp_path: Path) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    name = next(each for each in document["network_weights"] if "all_modules" in each)
    document["network_weights"][name][0] = float("nan")
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError, match="not finite"):
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")


def test_import__a_plan_without_an_architecture_is_named(left: Path, tmp_path: Path) -> None:
    document = torch.load(left / "checkpoint_final.pth", weights_only=True)
    del document["nnssl_adaptation_plan"]["architecture_plans"]
    torch.save(document, tmp_path / "theirs.pth")
    with pytest.raises(OrienteerError, match="names no architecture"):
        import_weights(tmp_path / "theirs.pth", tmp_path / "back")


def test_import__weights_of_an_unknown_network_are_named(tmp_path: Path) -> None:
    (tmp_path / "theirs.yaml").write_text(CONTRACT)
    for document, words in (
        (torch.nn.Linear(2, 2).state_dict(), "of no network that is known here: weight, bias"),
        ([1, 2], "no table of weights"),
        ({"state_dict": Touches(tmp_path / "ran")}, "could run code"),
    ):
        torch.save(document, tmp_path / "theirs.pt")
        with pytest.raises(OrienteerError) as caught:
            import_weights(tmp_path / "theirs.pt", tmp_path / "back", contract=tmp_path / "theirs.yaml")
        assert words in f"{caught.value.message} {caught.value.cure}"
    assert not (tmp_path / "ran").exists() and not (tmp_path / "back").exists()


def _whole_network(file: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), file)


def _script(file: Path) -> None:
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(torch.nn.Linear(1, 1)).save(str(file))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    ("write", "words", "cure"),
    [
        (_whole_network, "more than tensors (torch.nn.modules.linear.Linear), and is not opened", "state_dict()"),
        (lambda file: torch.save(Touches(file), file), "more than tensors (", "save its weights alone"),
        (lambda file: file.write_bytes(pickle.dumps(Touches(file))), "more than tensors, and", "save its weights"),
        (_script, "is a TorchScript archive", "torch.jit.load"),
        (lambda file: file.write_bytes(b"hello world, no pickle"), "no whole file of torch.save", "once more"),
    ],
)
def test_import__a_file_that_is_not_opened_is_told_in_our_words(
    write: Callable[[Path], Any], words: str, cure: str, tmp_path: Path
) -> None:
    write(tmp_path / "theirs.pt")
    with pytest.raises(OrienteerError) as caught:
        import_weights(tmp_path / "theirs.pt", tmp_path / "back")
    assert words in caught.value.message and cure in caught.value.cure
    assert not any(advice in str(caught.value) for advice in ("weights_only", "safe_globals", "torch.load`"))


@pytest.mark.parametrize(
    ("path", "words", "cure"),
    [
        ("a\0b", "'a\\x00b' is no path", "check"),
        ("a" * 5000, "too long, 5000 characters", "check"),
        ("~/nothing.pth", "only a shell knows", f"give {Path.home() / 'nothing.pth'}"),
    ],
)
@pytest.mark.parametrize("place", ["weights", "run", "contract"])
def test_import__what_cannot_be_a_path_is_told(place: str, path: str, words: str, cure: str, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "theirs.pt")
    given = {"weights": tmp_path / "theirs.pt", "run": tmp_path / "back", place: path}
    with pytest.raises(OrienteerError) as caught:
        import_weights(**given)
    assert words in caught.value.message and cure in caught.value.cure and len(caught.value.message) < 300
    with pytest.raises(OrienteerError):
        read_foreign(Path(given["weights"]), Path(given.get("contract") or "c.yaml"))


def test_import__nothing_is_overwritten(left: Path, home: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="exists and is not empty"):
        import_weights(left, home / "run")
    (tmp_path / "swin.yaml").write_text(CONTRACT)
    with pytest.raises(OrienteerError, match="a contract of its own"):
        import_weights(left, tmp_path / "back", contract=tmp_path / "swin.yaml")
    with pytest.raises(OrienteerError, match="is not there"):
        import_weights(tmp_path / "nothing.pth", tmp_path / "back")
    plain = export(home / "run", tmp_path / "plain", to="torch", licence="CC0", anyway=True)
    with pytest.raises(OrienteerError, match="alone does not say enough") as caught:
        import_weights(plain / "encoder.safetensors", tmp_path / "back")
    assert str(plain) in caught.value.cure
    with pytest.raises(StoreError):
        evaluate(import_weights(left, tmp_path / "back"), tmp_path / "no-store")


def test_architecture__the_preset_that_nnssl_names() -> None:
    preset = Architecture.read("ResEncL", None, None)
    assert preset.stages == 6 and preset.depth == [1, 3, 4, 6, 6, 6]
    assert preset.arch_kwargs["features_per_stage"] == [32, 64, 128, 256, 320, 320]
