"""An encoder as an ONNX graph: the same features, of other sizes too where it can, and nothing of this machine."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract
from orienteer.export.doors.onnx_graph import OnnxGraph
from orienteer.export.exported import Exported, apart
from orienteer.networks.encoders import CONVOLUTIONAL, build_encoder, recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plainconv", "swin", "vit"])
def test_onnx__a_network_of_each_kind(name: str, run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = NetworkSettings(name=name, size="tiny")
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    encoder = build_encoder(settings, 1, 16).eval()
    exported = Exported.of(contract, encoder, recipe(settings, 1, 16))
    OnnxGraph().write(exported, tmp_path)
    OnnxGraph().check(exported, tmp_path)
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["encoder.onnx"]
    assert b"site-packages" not in (tmp_path / "encoder.onnx").read_bytes()
    session = onnxruntime.InferenceSession(tmp_path / "encoder.onnx")
    assert [each.name for each in session.get_inputs()] == ["images"]
    assert [each.name for each in session.get_outputs()] == [f"map_{n}" for n in range(len(encoder.strides))]
    stride = max(encoder.strides)
    edges = (16 + stride, 16, 2 * stride) if name in CONVOLUTIONAL else (16, 16, 16)
    images = torch.randn(3, 1, *edges)
    with torch.no_grad():
        wanted = tuple(each.numpy() for each in encoder(images))
    assert apart(wanted, tuple(session.run(None, {"images": images.numpy()}))) <= OnnxGraph.tolerance
    assert ("any multiples of" in OnnxGraph().usage(contract)) == (name in CONVOLUTIONAL)


def test_onnx__other_sizes_and_batches(run: Path, folder_to: Callable[[str], Path]) -> None:
    session = onnxruntime.InferenceSession(folder_to("onnx") / "encoder.onnx")
    images = torch.randn(2, 1, 24, 8, 16)
    with torch.no_grad():
        wanted = tuple(each.numpy() for each in Run.open(run).backbone().encoder(images))
    assert apart(wanted, tuple(session.run(None, {"images": images.numpy()}))) <= OnnxGraph.tolerance


def test_onnx__the_exporter_fails_in_words_of_ours(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator\nand much more")

    settings = NetworkSettings(name="unet", size="tiny")
    contract = Contract.of(Run.open(run), "CC0").model_copy(update={"network": settings.model_dump(mode="json")})
    exported = Exported.of(contract, build_encoder(settings, 1, 16).eval(), recipe(settings, 1, 16))
    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(OrienteerError, match="no such operator") as caught:
        OnnxGraph().write(exported, tmp_path)
    assert "--to torch" in caught.value.cure and "much more" not in caught.value.message


def _mis_shaped(graph: onnx.GraphProto) -> None:
    weight = _convolution(graph)
    array = onnx.numpy_helper.to_array(weight)
    weight.CopyFrom(onnx.numpy_helper.from_array(np.repeat(array, 2, axis=1), weight.name))


def _renamed(graph: onnx.GraphProto) -> None:
    _convolution(graph).name = "module.weight"


def _elsewhere(graph: onnx.GraphProto) -> None:
    weight = _convolution(graph)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../weights")


def _convolution(graph: onnx.GraphProto) -> onnx.TensorProto:
    return next(each for each in graph.initializer if len(each.dims) == 5)


@pytest.mark.parametrize("damage", [_mis_shaped, _renamed, _elsewhere])
def test_onnx__a_graph_that_does_not_fit_is_refused(
    damage: Callable[[onnx.GraphProto], None], folder_to: Callable[[str], Path], tmp_path: Path
) -> None:
    model = onnx.load(folder_to("onnx") / "encoder.onnx")
    damage(model.graph)
    (tmp_path / "copy").mkdir()
    (tmp_path / "weights").write_bytes(bytes(100_000))
    (tmp_path / "copy" / "encoder.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(OrienteerError, match="cannot be read") as caught:
        OnnxGraph().maps(tmp_path / "copy", None, np.zeros((1, 16, 16, 16), np.float32))  # type: ignore[arg-type]
    assert caught.value.cure
