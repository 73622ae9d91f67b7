"""What a run's weights become in a new network: every name accounted for, nothing changed in silence."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from orienteer.errors import RunError
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.weights import load_weights
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run
from orienteer.training.checkpoint import latest_checkpoint
from tests.finetune.cohort import untrained_run


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_run(tmp_path_factory.mktemp("weights") / "run")


def segmenter(**changes: object) -> SegmentationNetwork:
    settings = NetworkSettings.model_validate({"size": "tiny", "dense_stride": 1, **changes})
    torch.manual_seed(99)
    return SegmentationNetwork(settings, in_channels=1, patch=16, weights=torch.ones(3), as_pretrained=True)


def of_the_run(run: Path) -> dict[str, Tensor]:
    checkpoint, _ = latest_checkpoint(run / "checkpoints")
    assert checkpoint is not None
    names = checkpoint.model
    return {name.removeprefix("backbone."): names[name] for name in names if name.startswith("backbone.")}


def test_load__accounts_for_every_weight(untrained: Path) -> None:
    network = segmenter()
    loaded = load_weights(network, Run.open(untrained))
    here, there = set(network.state_dict()), set(of_the_run(untrained))
    assert set(loaded.loaded) | set(loaded.missing) == here and not set(loaded.loaded) & set(loaded.missing)
    assert set(loaded.loaded) | set(loaded.unexpected) == there and not set(loaded.loaded) & set(loaded.unexpected)
    # The encoder whole, of the decoder all blocks the run had; the run stopped at stride 2.
    assert {name for name in here if name.startswith("encoder.")} <= set(loaded.loaded)
    fresh = {".".join(name.split(".")[:2]) for name in loaded.missing}
    assert fresh == {"decoder.last", "decoder.blocks", "decoder.sides", "decoder.ups", "head.weight", "head.bias"}
    assert all(name.startswith(("pool.", "decoder.last.")) for name in loaded.unexpected)
    assert loaded.step == 7
    assert f"{len(loaded.loaded)} weights taken (step 7)" in loaded.sentence()


def test_load__changes_the_listed_weights_and_no_others(untrained: Path) -> None:
    network = segmenter()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    loaded, source = load_weights(network, Run.open(untrained)), of_the_run(untrained)
    after = network.state_dict()
    assert all(torch.equal(after[name], source[name]) for name in loaded.loaded)
    assert all(torch.equal(after[name], before[name]) for name in loaded.missing)
    # Random starts differ, so that taking nothing could not pass for taking something.
    convolutions = [name for name in loaded.loaded if before[name].ndim == 5]
    assert convolutions and not any(torch.equal(after[name], before[name]) for name in convolutions)


def test_load__tells_runs_of_one_kind_apart(untrained: Path, tmp_path: Path) -> None:
    other, same = untrained_run(tmp_path / "other", seed=6), untrained_run(tmp_path / "same")
    taken = [load_weights(segmenter(), Run.open(run), decoder=False) for run in (untrained, same, other)]
    assert len({loaded.sentence() for loaded in taken}) == 1
    assert taken[0].sha256 == taken[1].sha256 != taken[2].sha256
    assert load_weights(segmenter(), Run.open(untrained)).sha256 != taken[0].sha256


def test_load__leaves_the_decoder_when_asked(untrained: Path) -> None:
    network = segmenter()
    loaded = load_weights(network, Run.open(untrained), decoder=False)
    assert all(name.startswith("encoder.") for name in loaded.loaded)
    assert any(name.startswith("decoder.") for name in loaded.unexpected)


@pytest.mark.parametrize("stride", [1, 2])
def test_load__the_decoders_last_layer_only_at_its_own_stride(stride: int, tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", network={"dense_stride": stride})
    loaded = load_weights(segmenter(), Run.open(run))
    assert ("decoder.last.weight" in loaded.loaded) == (stride == 1)
    assert ("decoder.last.weight" in loaded.unexpected) == (stride == 2)


def test_load__into_a_network_without_decoder(untrained: Path) -> None:
    network = ScanNetwork(NetworkSettings(size="tiny"), in_channels=1, patch=16, outputs=1)
    loaded = load_weights(network, Run.open(untrained))
    assert {name.split(".")[0] for name in loaded.loaded} == {"encoder"}
    assert {name.split(".")[0] for name in loaded.missing} == {"norm", "head"}


def test_load__from_a_run_without_decoder(tmp_path: Path) -> None:
    loaded = load_weights(segmenter(), Run.open(untrained_run(tmp_path / "run", dense=False)))
    assert {name.split(".")[0] for name in loaded.loaded} == {"encoder"}


@pytest.mark.parametrize(
    "changes",
    [{"size": "small"}, {"name": "unet"}, {"options": {"features": [4, 8, 16]}}],
    ids=["size", "name", "options"],
)
def test_load__another_encoder_is_refused_and_names_a_weight(changes: dict[str, object], untrained: Path) -> None:
    network = segmenter(**changes)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(RunError, match=r"another encoder: encoder\.\S+ is \S+ in the run and \S+ here") as caught:
        load_weights(network, Run.open(untrained))
    assert "network.name" in caught.value.cure
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_load__an_encoder_of_one_size_names_the_size(name: str, tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", network={"name": name})
    made = {
        patch: ScanNetwork(NetworkSettings(name=name, size="tiny"), in_channels=1, patch=patch, outputs=1)
        for patch in (16, 32)
    }
    load_weights(made[16], Run.open(run), patch=16)
    with pytest.raises(RunError, match=r"views of 16 voxels, .* patches of 32: encoder\.") as caught:
        load_weights(made[32], Run.open(run), patch=32)
    assert caught.value.cure == "add --set patches.size=16"


def test_load__other_channels_are_refused(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", channels=2)
    with pytest.raises(RunError, match="another encoder"):
        load_weights(segmenter(), Run.open(run))


def test_load__fails_when_nothing_fits(untrained: Path) -> None:
    class Stranger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(2, 2)

    with pytest.raises(RunError, match="encoder"):
        load_weights(Stranger(), Run.open(untrained))


def test_load__a_run_without_checkpoint(tmp_path: Path) -> None:
    run = untrained_run(tmp_path / "run", checkpoint=False)
    with pytest.raises(RunError, match="no checkpoint yet"):
        load_weights(segmenter(), Run.open(run))
