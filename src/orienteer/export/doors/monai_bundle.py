"""The door to MONAI: a bundle that its tools check, open and run, with weights that its own networks take over."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from orienteer.atomic import write_json, write_text, write_with
from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract
from orienteer.export.doors.door import Door, differs
from orienteer.export.doors.monai_configs import WEIGHTS, inference, metadata
from orienteer.export.doors.source import source
from orienteer.export.exported import Exported, apart, empty_encoder
from orienteer.export.tensors import AGAIN, read_tensors, read_torch
from orienteer.networks.encoders import Encoder
from orienteer.networks.from_monai import SwinEncoder

TEMPLATE = '''"""The encoder that the configs name. Written by Orienteer (Apache-2.0), which is not needed to use it."""

{classes}


class Encoder({base}):
    """The network as MONAI's tools take it: images ``(N, {channels}, D, H, W)`` to one tensor."""

    def maps(self, images: Tensor) -> list[Tensor]:
        """All feature maps, finest first."""
        made = super().forward(images)
        return [made] if isinstance(made, Tensor) else list(made)

    def forward(self, images: Tensor) -> Tensor:
        """The coarsest feature map."""
        return self.maps(images)[-1]


def loaded(network: nn.Module, weights: str) -> nn.Module:
    """The network with its weights, every one of them, in evaluation mode."""
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval()


def selftest(folder: str) -> list[dict[str, Tensor]]:
    """A prepared image, and the coarsest feature map that belongs to it."""
    test = load_file(Path(folder) / "selftest.safetensors")
    last = max((name for name in test if name.startswith("map_")), key=lambda name: int(name[4:]))
    return [{{"image": test["view"], "map": test[last]}}]
'''

CHECK = """
import sys
from pathlib import Path

sys.modules["orienteer"] = None
folder, view, out = map(Path, sys.argv[1:])
sys.path.insert(0, str(folder))

import torch
from monai.bundle import load
from safetensors.torch import load_file, save_file

encoder = load(folder.name, bundle_dir=folder.parent, workflow_type="inference", device="cpu").eval()
with torch.no_grad():
    maps = encoder.maps(load_file(view)["view"][None])
save_file({f"map_{n}": each[0].contiguous() for n, each in enumerate(maps)}, out)
"""
"""Opens a bundle by MONAI alone."""

USAGE = """This folder is a MONAI bundle. MONAI's own commands, and the code below, inside it:

```bash
python -m monai.bundle run --config_file configs/inference.json     # the self-test; needs fire and pytorch-ignite
python -m monai.bundle verify_net_in_out network_def \\
  --meta_file configs/metadata.json --config_file configs/inference.json
```

```python
from monai.bundle import ConfigParser

config = ConfigParser()
config.read_config("configs/inference.json")
encoder = config.get_parsed_content("network")     # with its weights
maps = encoder.maps(images)                        # a list of maps, finest first; encoder(images) is the last of them
```

The configs prepare nothing: MONAI has no transforms that do it as above. With Orienteer installed, this does:

```python
from orienteer import PrepareScan

prepare = PrepareScan({arguments})
image = prepare.parameters.convention.to_network(prepare("scan.nii.gz"))
```"""

OWN = """

The weights are those of MONAI's own `{network}`, under its names; what it has beyond them ({beyond}) is drawn anew:

```python
import torch
from monai.networks.nets import {network}

network = {network}({arguments})
weights = torch.load("models/model.pt", weights_only=True)
{load}
missing = {missing}
assert not told.unexpected_keys and not missing, (told.unexpected_keys, missing)
```"""
"""How a network of MONAI's takes the weights over."""


class MonaiBundle(Door):
    """``--to monai``."""

    name: ClassVar[str] = "monai"
    leads_to: ClassVar[str] = "a MONAI bundle"

    def write(self, exported: Exported, folder: Path) -> None:
        """Configs, weights, code and licence, where MONAI looks for them."""
        code = source(exported)
        for each in ("configs", "models", "scripts"):
            (folder / each).mkdir()
        write_with(folder / WEIGHTS, lambda path: torch.save(dict(exported.weights), path))
        base, channels = exported.recipe.network.__name__, exported.contract.input.channels
        write_text(folder / "scripts" / "__init__.py", '"""The code of this bundle."""\n')
        write_text(
            folder / "scripts" / "encoder.py", TEMPLATE.format(classes=code.classes, base=base, channels=channels)
        )
        write_json(folder / "configs" / "inference.json", inference(exported))
        write_json(folder / "configs" / "metadata.json", metadata(exported, code.packages.split()))
        terms = f"Weights: trained on data under this licence: {exported.contract.licence}\n"
        apache = "Code in scripts/: Apache-2.0, https://www.apache.org/licenses/LICENSE-2.0\n"
        write_text(folder / "LICENSE", terms + apache)

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """The model's; scripts and configs are code."""
        weights = read_torch(folder / WEIGHTS)
        if not isinstance(weights, Mapping) or not all(isinstance(each, Tensor) for each in weights.values()):
            raise OrienteerError(f"{folder / WEIGHTS} is not a table of tensors by name", cure=AGAIN)
        return weights

    def check(self, exported: Exported, folder: Path) -> None:
        """Load the bundle by MONAI, in a process that knows nothing of Orienteer."""
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch) / "maps.safetensors"
            given = [str(folder), str(folder / "selftest.safetensors"), str(made)]
            command = [sys.executable, "-I", "-B", "-c", CHECK, *given]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603  # ours
            if ran.returncode:
                raise differs(" ".join((ran.stdout + ran.stderr).strip().splitlines()[-1:]))
            read = read_tensors(made)
        difference = apart(exported.test.maps, tuple(read[f"map_{n}"].numpy() for n in range(len(read))))
        if not difference <= self.tolerance:
            raise differs(f"the largest difference is {difference:.1e}")

    def usage(self, contract: Contract) -> str:
        """MONAI's commands, and how its own network takes the weights over where it has one."""
        usage = USAGE.format(arguments=_preparing(contract))
        network, channels = contract.network, contract.input.channels
        if network["name"] not in ("segresnet", "swin"):
            return usage
        encoder = empty_encoder(contract)
        arguments = _arguments(encoder, channels, network["options"])
        if network["name"] == "segresnet":
            return usage + OWN.format(
                network="SegResNet",
                beyond="its decoder",
                arguments=arguments,
                load="told = network.load_state_dict(weights, strict=False)",
                missing=_missing_but(("up_layers", "up_samples", "conv_final")),
            )
        absent = tuple(f"layers{stage}" for stage in range(len(encoder.channels), 5))
        few = f", and `swinViT`'s {', '.join(absent)}: views of {contract.input.view_voxels} voxels have no such stages"
        return usage + OWN.format(
            network="SwinUNETR",
            beyond=f"the rest of the U-Net{few if absent else ''}",
            arguments=arguments,
            load='weights = {key.removeprefix("swin."): value for key, value in weights.items()}\n'
            "told = network.swinViT.load_state_dict(weights, strict=False)",
            missing=_missing_but(absent),
        )


def _preparing(contract: Contract) -> str:
    """Arguments of the transform that prepares a scan, as code."""
    given: dict[str, Any] = {"spacing": contract.grid.spacing_mm}
    if contract.input.channels > 1:
        given |= {"channels": contract.input.channels, "channel_names": contract.input.channel_names}
    if contract.intensities.rule != "window":
        given["intensities"] = contract.intensities.range or contract.intensities.rule
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def _missing_but(expected: tuple[str, ...]) -> str:
    """The keys that MONAI's network lacks, without those that it may lack, as code."""
    if not expected:
        return "told.missing_keys"
    prefixes = str(expected).replace("'", '"')
    return f"[key for key in told.missing_keys if not key.startswith({prefixes})]"


def _arguments(encoder: Encoder, channels: int, options: Mapping[str, Any]) -> str:
    """Arguments of MONAI's own network, as code."""
    given: dict[str, Any] = {"in_channels": channels, "out_channels": 2}
    if isinstance(encoder.network, SwinEncoder):
        swin = encoder.network.swin
        given |= {"feature_size": swin.embed_dim, "window_size": swin.window_size}
        renamed = {"drop_path_rate": "dropout_path_rate"}
        options = {renamed.get(name, name): value for name, value in options.items() if name != "embed_dim"}
    else:
        given |= {"init_filters": encoder.channels[0]}
    return ", ".join(f"{name}={value!r}" for name, value in (given | dict(options)).items())
