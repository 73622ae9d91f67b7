"""What happens to files of ``torch.save`` on the way, while the contract takes them for what was exported."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from orienteer.seal import sealed


def sign(file: Path) -> None:
    """The contract beside takes the file for what was exported."""
    contract = json.loads((file.parent / "contract.json").read_text())
    contract["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (file.parent / "contract.json").write_text(json.dumps(sealed(contract)))


class Touches:
    """Unpickled, it makes a file: code of a stranger."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.path,)


def _truncated(file: Path, ran: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    sign(file)


def _with(change: Callable[[dict[str, Any], Path], dict[str, Any]]) -> Callable[[Path, Path], None]:
    def damage(file: Path, ran: Path) -> None:
        torch.save(change(torch.load(file, weights_only=True), ran), file)
        sign(file)

    return damage


def _renamed(document: dict[str, Any], ran: Path) -> dict[str, Any]:
    weights = document["network_weights"]
    return document | {"network_weights": {f"module.{name}": value for name, value in weights.items()}}


def _mis_shaped(document: dict[str, Any], ran: Path) -> dict[str, Any]:
    weights = document["network_weights"]
    name = next(each for each in weights if "all_modules" in each)  # its other name is not read here
    return document | {"network_weights": weights | {name: weights[name][:1].clone()}}


DAMAGES: dict[str, Callable[[Path, Path], None]] = {
    "truncated": _truncated,
    "renamed": _with(_renamed),
    "mis-shaped": _with(_mis_shaped),
    "without weights": _with(lambda document, _: {key: document[key] for key in document if key != "network_weights"}),
    "code": _with(lambda document, ran: document | {"citations": Touches(ran)}),
}
