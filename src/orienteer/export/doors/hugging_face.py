"""The door to the Hugging Face hub: a folder for ``huggingface_hub``, and a card that the hub reads facts from."""

import importlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import yaml
from safetensors.torch import save_file
from torch import Tensor

from orienteer.atomic import write_json, write_text, write_with
from orienteer.errors import needs
from orienteer.export.contract import Contract
from orienteer.export.doors.door import Door
from orienteer.export.doors.source import run_selftest, selftest, source
from orienteer.export.exported import Exported
from orienteer.export.tensors import read_tensors

WEIGHTS, CONFIG, CODE, LICENCE = "model.safetensors", "config.json", "modeling.py", "LICENSE"
"""Names that the hub and its mixin look for; ``modeling.py`` is a custom."""

LICENCES = """
apache-2.0 mit bsd bsd-2-clause bsd-3-clause isc mpl-2.0 gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 agpl-3.0 unlicense
cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0
cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 c-uda cdla-sharing-1.0
cdla-permissive-1.0 cdla-permissive-2.0 etalab-2.0 odc-by odbl pddl
"""
"""The hub's identifiers of licences that data and code have: https://huggingface.co/docs/hub/repositories-licenses"""

TEMPLATE = '''"""The encoder of this folder for huggingface_hub; needs: pip install huggingface-hub {packages}

    encoder = Encoder.from_pretrained(".", strict=True)
    maps = encoder(images)       # (N, {channels}, D, H, W) float32 as contract.json says

`python modeling.py` makes the folder's self-test. Written by Orienteer (Apache-2.0), which is not needed to use it.
"""

from huggingface_hub import PyTorchModelHubMixin
{classes}


class Encoder({class_name}, PyTorchModelHubMixin):
    """The network of this folder, whose config.json holds its arguments."""


{selftest}'''


class HuggingFace(Door):
    """``--to huggingface``."""

    name: ClassVar[str] = "huggingface"
    leads_to: ClassVar[str] = "the Hugging Face hub"

    def write(self, exported: Exported, folder: Path) -> None:
        """Weights, the network's arguments and code, and the licence where the hub does not know it."""
        with needs("huggingface", "huggingface_hub"):
            importlib.import_module("huggingface_hub")
        code = source(exported)
        write_with(folder / WEIGHTS, lambda path: save_file(dict(exported.weights), path))
        write_json(folder / CONFIG, json.loads(json.dumps(dict(exported.recipe.arguments))))
        text = TEMPLATE.format(
            packages=code.packages,
            channels=exported.contract.input.channels,
            classes=code.classes,
            class_name=code.class_name,
            selftest=selftest("Encoder.from_pretrained(Path(__file__).parent, strict=True)"),
        )
        write_text(folder / CODE, text)
        if licence_of(exported.contract.licence)["license"] == "other":
            told = f"Licence of the training data, as its owner gave it: {exported.contract.licence}\n"
            write_text(folder / LICENCE, told)

    def weights(self, folder: Path) -> Mapping[str, Tensor]:
        """The model's."""
        return read_tensors(folder / WEIGHTS)

    def check(self, exported: Exported, folder: Path) -> None:
        """Make the folder's self-test by ``from_pretrained``, offline, in a process that knows nothing of Orienteer."""
        run_selftest(folder, CODE)

    def usage(self, contract: Contract) -> str:
        """From the folder, to the hub, and from there."""
        return """```python
from modeling import Encoder   # modeling.py of this folder names the packages it needs

encoder = Encoder.from_pretrained(".", strict=True)   # or the name on the hub: "you/encoder"
maps = encoder(images)                                # maps, finest first
```

To the hub, where `you/encoder` is your name and the model's, and from there:

```bash
hf upload you/encoder .
hf download you/encoder --local-dir encoder
```"""

    def front_matter(self, contract: Contract) -> str:
        """What the hub lists the model by."""
        facts = {
            **licence_of(contract.licence),
            "library_name": "pytorch",
            "pipeline_tag": "image-feature-extraction",
            "tags": ["medical", "3d", "self-supervised", "model_hub_mixin", "pytorch_model_hub_mixin"],
        }
        return f"---\n{yaml.safe_dump(facts, sort_keys=False)}---\n\n"


def licence_of(text: str) -> dict[str, Any]:
    """The hub's words for a licence.

    Examples:
        >>> licence_of("CC BY-NC 3.0")
        {'license': 'cc-by-nc-3.0'}
        >>> licence_of("Not to be shared")
        {'license': 'other', 'license_name': 'not-to-be-shared', 'license_link': 'LICENSE'}
    """
    words = re.findall(r"[a-z0-9.]+", text.lower())
    name = "-".join(
        word for word in words if word not in {"licence", "license", "international", "unported", "universal"}
    )
    name = {"cc0": "cc0-1.0", "apache-2": "apache-2.0"}.get(name, name)
    if name in LICENCES.split():
        return {"license": name}
    return {"license": "other", "license_name": "-".join(words)[:64].strip("-.") or "as-given", "license_link": LICENCE}
