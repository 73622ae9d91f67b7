"""The door to plain PyTorch: weights, and one Python file that builds the network and loads them, without Orienteer."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pprint import pformat
from typing import ClassVar

from safetensors.torch import save_file
from torch import nn

from orienteer.atomic import write_text, write_with
from orienteer.errors import OrienteerError
from orienteer.export.exported import TOLERANCE, Exported
from orienteer.networks.blocks import Convolution, ResidualUnit
from orienteer.networks.from_monai import SegResNetEncoder, SwinEncoder, ViTEncoder
from orienteer.networks.nnunet import StagedEncoder
from orienteer.networks.unet import SLOPE, UNetEncoder

WEIGHTS, LOADER = "encoder.safetensors", "load.py"

SOURCES: dict[Callable[..., nn.Module], tuple[Sequence[type], str]] = {
    UNetEncoder: ((Convolution, ResidualUnit, UNetEncoder), "torch safetensors"),
    StagedEncoder: ((StagedEncoder,), "torch safetensors dynamic-network-architectures"),
    SegResNetEncoder: ((SegResNetEncoder,), "torch safetensors monai"),
    SwinEncoder: ((SwinEncoder,), "torch safetensors monai einops"),
    ViTEncoder: ((ViTEncoder,), "torch safetensors monai"),
}
"""The classes that a network is made of, and the packages they need."""

TEMPLATE = '''"""The encoder of this folder in plain PyTorch; needs: pip install {packages}

    encoder = load(".")
    maps = encoder(images)       # (N, {channels}, D, H, W) float32 as contract.json says; a list of maps, finest first

`python load.py` makes the folder's self-test. Written by Orienteer (Apache-2.0), which is not needed to use it.
"""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

SLOPE = {slope}
Tree = dict[str, Any]


{classes}


def load(folder: str | Path = Path(__file__).parent) -> nn.Module:
    """The encoder with its weights, in evaluation mode on the CPU."""
    encoder = {name}(**{arguments})
    encoder.load_state_dict(load_file(Path(folder) / "{weights}"))
    return encoder.eval()


if __name__ == "__main__":
    test = load_file(Path(__file__).parent / "selftest.safetensors")
    with torch.no_grad():
        maps = load()(test["view"][None])
    maps = [maps] if isinstance(maps, Tensor) else list(maps)
    wanted = [test[f"map_{{n}}"] for n in range(len(maps))]
    apart = [float((a[0] - b).abs().max() / b.abs().max()) for a, b in zip(maps, wanted, strict=True)]
    print(f"largest difference: {{max(apart):.1e}}")
    raise SystemExit(max(apart) > {tolerance})
'''


class PlainTorch:
    """``--to torch``."""

    name: ClassVar[str] = "torch"
    usage: ClassVar[str] = """```python
from load import load      # load.py of this folder; Orienteer is not needed

encoder = load(".")
maps = encoder(images)     # a list of maps, finest first
```"""
    """What the card says of its use."""

    def write(self, exported: Exported, folder: Path) -> None:
        """Write weights and loader.

        Raises:
            OrienteerError: a network of the user's own, whose code only its package has.
        """
        known = SOURCES.get(exported.recipe.network)
        if known is None:
            raise OrienteerError(
                f"{exported.contract.network['name']} is code of your own, which cannot travel with the weights",
                cure="load the run with orienteer.Run.open(run).backbone() where that code is installed",
            )
        classes, packages = known
        write_with(folder / WEIGHTS, lambda path: save_file(dict(exported.weights), path))
        text = TEMPLATE.format(
            packages=packages,
            channels=exported.contract.input.channels,
            slope=SLOPE,
            classes="\n\n".join(inspect.getsource(one) for one in classes).rstrip(),
            name=exported.recipe.network.__name__,
            arguments=pformat(json.loads(json.dumps(dict(exported.recipe.arguments))), width=110, sort_dicts=False),
            weights=WEIGHTS,
            tolerance=TOLERANCE,
        )
        write_text(folder / LOADER, text)

    def check(self, folder: Path) -> None:
        """Open the folder again in a process that knows nothing of Orienteer, and make its self-test there.

        Raises:
            OrienteerError: its features differ.
        """
        ran = subprocess.run(  # noqa: S603  # the file that was written just now
            [sys.executable, "-I", LOADER], cwd=folder, capture_output=True, text=True, timeout=300, check=False
        )
        if ran.returncode:
            told = (ran.stdout + ran.stderr).strip().splitlines()[-1:]
            raise OrienteerError(
                f"the exported encoder gives other features than the run's: {' '.join(told)}",
                cure="nothing was written; please report this, with the run's settings.yaml",
            )
