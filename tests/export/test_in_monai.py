"""MONAI's own trainer takes a bundle's SegResNet on from the weights of the bundle."""

from pathlib import Path

import pytest
import torch

from orienteer.export.doors.monai_bundle import MonaiBundle
from orienteer.export.run import _write
from orienteer.testing.datasets import write_nnunet
from tests.export.test_monai_bundle import exported

pytest.importorskip("ignite")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_in_monai__every_weight_arrives_and_training_goes_on(run: Path, tmp_path: Path) -> None:
    from benchmarks import in_monai
    from monai.utils import set_determinism

    torch.manual_seed(1)  # its first weights would depend on the tests before; few are as quick to learn
    made = exported(run, "segresnet")
    (tmp_path / "bundle").mkdir()
    _write(made, tmp_path / "bundle", MonaiBundle())
    scans = write_nnunet(tmp_path / "scans", people=3, channels=("T1",), held_out=0)
    items = [
        {"image": str(path), "label": str(scans / "labelsTr" / path.name.replace("_0000", ""))}
        for path in sorted((scans / "imagesTr").iterdir())
    ]
    ready = in_monai.prepared(items, made.contract, 16)
    assert {item["image"].shape[1:] == item["label"].shape[1:] for item in ready} == {True}
    network = in_monai.segresnet(tmp_path / "bundle", 6)
    assert in_monai.arrived(network, tmp_path / "bundle") == len(made.weights)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for name, value in made.weights.items():
        assert torch.equal(before[name], value)
    try:
        curve = in_monai.finetune(network, ready[:2], ready[2:], 16, epochs=18, every=9, seed=0, learning_rate=3e-3)
    finally:
        set_determinism(None)
    assert [epoch for epoch, _ in curve] == [0, 9, 18] and curve[-1][1] > curve[0][1] + 0.05
    after = network.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in made.weights)


def test_in_monai__a_lost_weight_stops_it(run: Path, tmp_path: Path) -> None:
    from benchmarks import in_monai

    MonaiBundle().write(exported(run, "segresnet"), tmp_path)
    weights = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    torch.save(dict(list(weights.items())[:-1]), tmp_path / "models" / "model.pt")
    with pytest.raises(SystemExit, match="1 weights of the encoder did not arrive, among them down_layers"):
        in_monai.arrived(in_monai.segresnet(tmp_path, 6), tmp_path)
