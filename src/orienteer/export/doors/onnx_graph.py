"""The door to ONNX: the encoder as one graph, for ONNX Runtime and what else reads it."""

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orienteer.errors import OrienteerError, needs
from orienteer.export.contract import Contract
from orienteer.export.doors.door import Door, Maps
from orienteer.export.exported import Exported
from orienteer.export.tensors import AGAIN
from orienteer.networks.encoders import CONVOLUTIONAL
from orienteer.networks.quick import as_torch

GRAPH, OPSET, IMAGES, BATCH = "encoder.onnx", 18, "images", "batch"


class OnnxGraph(Door):
    """``--to onnx``."""

    name: ClassVar[str] = "onnx"
    leads_to: ClassVar[str] = "ONNX"
    tolerance: ClassVar[float] = 1e-4

    def write(self, exported: Exported, folder: Path) -> None:
        """The graph; above 2 GB its weights are a file beside it, as the format asks."""
        with needs("onnx", "onnx", "onnxruntime", "onnxscript", "onnx_ir"):
            import onnxruntime  # noqa: F401  # of `check`, which comes later
            from onnx_ir.passes.common import ClearMetadataAndDocStringPass
            from onnxscript import optimizer  # noqa: F401  # torch would miss it in words of its own

        contract, path = exported.contract, folder / GRAPH
        network = as_torch(copy.deepcopy(exported.encoder.network))
        name, asked, strides = contract.network["name"], contract.input, exported.encoder.strides
        stride = max(strides)
        # An edge of one cell would be taken for a constant, so two cells are shown.
        edge = 2 * stride if name in CONVOLUTIONAL else asked.view_voxels
        images = torch.zeros(2, asked.channels, edge, edge, edge)
        outputs = [f"map_{n}" for n in range(len(strides))]
        try:
            with _quiet(), torch.no_grad():
                if name == "swin":
                    # The new exporter takes minutes over Swin's thousands of windowing steps; tracing takes seconds.
                    torch.onnx.export(
                        network,
                        (images,),
                        path,
                        dynamo=False,
                        opset_version=OPSET,
                        input_names=[IMAGES],
                        output_names=outputs,
                        dynamic_axes={each: {0: BATCH} for each in [IMAGES, *outputs]},
                    )
                    return
                free = {0: torch.export.Dim(BATCH)}
                if name in CONVOLUTIONAL:
                    free |= {axis: stride * torch.export.Dim(f"cells_{axis - 2}", min=1) for axis in (2, 3, 4)}
                program = torch.onnx.export(
                    network,
                    (images,),
                    dynamo=True,
                    verbose=False,
                    opset_version=OPSET,
                    input_names=[IMAGES],
                    output_names=outputs,
                    dynamic_shapes=(free,),
                )
                assert program is not None
                ClearMetadataAndDocStringPass()(program.model)  # it names folders of this machine
                program.save(path)
        except Exception as error:
            told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise OrienteerError(
                f"PyTorch cannot write {name} as an ONNX graph: {told}",
                cure="use PyTorch 2.9 or later, or leave by another door: --to torch",
            ) from error

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """None: the names are the graph's.

        Raises:
            OrienteerError: always.
        """
        raise OrienteerError(
            f"{folder} is an ONNX graph, whose weights no network here takes back",
            cure="import what `orienteer export RUN OUT` (--to torch) writes of the same run",
        )

    def maps(self, folder: Path, contract: Contract, view: NDArray[np.float32]) -> Maps:
        """By ONNX Runtime on the CPU, once ``onnx.checker`` has found the graph whole."""
        with needs("onnx", "onnx", "onnxruntime"):
            import onnx
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are raised
        path = folder / GRAPH
        try:
            onnx.checker.check_model(path, full_check=True)
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            return tuple(each[0] for each in session.run(None, {IMAGES: np.ascontiguousarray(view)[None]}))
        except Exception as error:  # of both packages' own kinds, with no common root
            told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise OrienteerError(f"{path} cannot be read: {told}", cure=AGAIN) from error

    def usage(self, contract: Contract) -> str:
        """A session."""
        asked = contract.input
        if contract.network["name"] in CONVOLUTIONAL:
            edges = f"edges may be any multiples of {asked.stride} from {asked.least_edge} on"
        else:
            edges = f"every edge has to be {asked.view_voxels} voxels, as in training"
        return f"""```python
import onnxruntime

session = onnxruntime.InferenceSession("{GRAPH}")
maps = session.run(None, {{"{IMAGES}": images}})   # (N, {asked.channels}, D, H, W) float32; maps, finest first
```

N is free; {edges}. Opset {OPSET}; the outputs are `map_0`, `map_1`, ..."""


@contextmanager
def _quiet() -> Iterator[None]:
    """Context in which the exporters say nothing: what they warn of, sizes that became constants, is checked after."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)
