"""The code of a network as text that needs no Orienteer, for folders that carry their own."""

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pprint import pformat
from typing import NamedTuple

from torch import nn

from orienteer.errors import OrienteerError
from orienteer.export.doors.door import differs
from orienteer.export.exported import TOLERANCE, Exported
from orienteer.networks.blocks import Convolution, ResidualUnit
from orienteer.networks.from_monai import SegResNetEncoder, SwinEncoder, ViTEncoder
from orienteer.networks.nnunet import StagedEncoder
from orienteer.networks.unet import SLOPE, UNetEncoder

OF: dict[Callable[..., nn.Module], tuple[Sequence[type], str]] = {
    UNetEncoder: ((Convolution, ResidualUnit, UNetEncoder), "torch safetensors"),
    StagedEncoder: ((StagedEncoder,), "torch safetensors dynamic-network-architectures"),
    SegResNetEncoder: ((SegResNetEncoder,), "torch safetensors monai"),
    SwinEncoder: ((SwinEncoder,), "torch safetensors monai einops"),
    ViTEncoder: ((ViTEncoder,), "torch safetensors monai"),
}
"""The classes that a network is made of, and the packages that they need."""

HEAD = f"""from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

SLOPE = {SLOPE}
Tree = dict[str, Any]
"""
"""What the classes' code needs above it."""

SELFTEST = """if __name__ == "__main__":
    test = load_file(Path(__file__).parent / "selftest.safetensors")
    with torch.no_grad():
        maps = @LOADED@(test["view"][None])
    maps = [maps] if isinstance(maps, Tensor) else list(maps)
    wanted = [test[f"map_{n}"] for n in range(len(maps))]
    apart = [float((a[0] - b).abs().max() / b.abs().max()) for a, b in zip(maps, wanted, strict=True)]
    print(f"largest difference: {max(apart):.1e}")
    raise SystemExit(not all(each <= @TOLERANCE@ for each in apart))
"""


class Source(NamedTuple):
    """A network as text.

    Attributes:
        packages: that it needs, as ``pip install`` takes them.
        classes: imports and classes.
        class_name: the network's class.
        made: the expression that builds it, ``Class(**{...})``.
    """

    packages: str
    classes: str
    class_name: str
    made: str


def source(exported: Exported) -> Source:
    """The code of an exported encoder's network.

    Raises:
        OrienteerError: a network of the user's own, whose code only its package has.
    """
    known = OF.get(exported.recipe.network)
    if known is None:
        raise OrienteerError(
            f"{exported.contract.network['name']} is code of your own, which cannot travel with the weights",
            cure="load the run with orienteer.Run.open(run).backbone() where that code is installed",
        )
    classes, packages = known
    arguments = pformat(json.loads(json.dumps(dict(exported.recipe.arguments))), width=110, sort_dicts=False)
    return Source(
        packages,
        HEAD + "\n\n" + "\n\n".join(inspect.getsource(one) for one in classes).rstrip(),
        exported.recipe.network.__name__,
        f"{exported.recipe.network.__name__}(**{arguments})",
    )


def selftest(loaded: str) -> str:
    """The end of a file of code that makes its folder's self-test when it is run; ``loaded`` gives the encoder."""
    return SELFTEST.replace("@LOADED@", loaded).replace("@TOLERANCE@", str(TOLERANCE))


def run_selftest(folder: Path, file: str) -> None:
    """Make a folder's self-test, as its own code just written does, in a process that knows nothing of Orienteer.

    Raises:
        OrienteerError: its features differ.
    """
    ran = subprocess.run(  # noqa: S603  # the file that was written just now
        [sys.executable, "-I", file],
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if ran.returncode:
        raise differs(" ".join((ran.stdout + ran.stderr).strip().splitlines()[-1:]))
