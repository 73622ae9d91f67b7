"""The door to plain PyTorch: weights, and one Python file that builds the network and loads them, without Orienteer."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from safetensors.torch import save_file
from torch import Tensor

from orienteer.atomic import write_text, write_with
from orienteer.export.contract import Contract
from orienteer.export.doors.door import Door
from orienteer.export.doors.source import run_selftest, selftest, source
from orienteer.export.exported import Exported
from orienteer.export.tensors import read_tensors

WEIGHTS, LOADER = "encoder.safetensors", "load.py"

TEMPLATE = '''"""The encoder of this folder in plain PyTorch; needs: pip install {packages}

    encoder = load(".")
    maps = encoder(images)       # (N, {channels}, D, H, W) float32 as contract.json says; a list of maps, finest first

`python load.py` makes the folder's self-test. Written by Orienteer (Apache-2.0), which is not needed to use it.
"""

{classes}


def load(folder: str | Path = Path(__file__).parent) -> nn.Module:
    """The encoder with its weights, in evaluation mode on the CPU."""
    encoder = {made}
    encoder.load_state_dict(load_file(Path(folder) / "{weights}"))
    return encoder.eval()


{selftest}'''


class PlainTorch(Door):
    """``--to torch``."""

    name: ClassVar[str] = "torch"
    leads_to: ClassVar[str] = "plain PyTorch"

    def write(self, exported: Exported, folder: Path) -> None:
        """Weights and loader."""
        code = source(exported)
        write_with(folder / WEIGHTS, lambda path: save_file(dict(exported.weights), path))
        text = TEMPLATE.format(
            packages=code.packages,
            channels=exported.contract.input.channels,
            classes=code.classes,
            made=code.made,
            weights=WEIGHTS,
            selftest=selftest("load()"),
        )
        write_text(folder / LOADER, text)

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """Those beside the loader, which is code."""
        return read_tensors(folder / WEIGHTS)

    def check(self, exported: Exported, folder: Path) -> None:
        """Make the folder's self-test in a process that knows nothing of Orienteer."""
        run_selftest(folder, LOADER)

    def usage(self, contract: Contract) -> str:
        """Its loader."""
        return """```python
from load import load      # load.py of this folder names the packages it needs

encoder = load(".")
maps = encoder(images)     # a list of maps, finest first
```"""
