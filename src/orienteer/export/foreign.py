"""Weights that others trained, read without running anything: of which network they are, and how its input is prepared.

Known are the folders that ``orienteer export`` writes, checkpoints of nnssl's kind with their adaptation plan, and
MONAI's SwinUNETR, whole or its pretrained ``swinViT`` alone.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from orienteer.config import Tree
from orienteer.errors import OrienteerError
from orienteer.export.axes import OWN, reordered, turned_weights
from orienteer.export.contract import FILE, Preparation
from orienteer.export.doors.nnunet import architecture_of, encoder_weights
from orienteer.export.doors.registry import door_to
from orienteer.export.doors.staged import Architecture
from orienteer.export.exported import without_code
from orienteer.export.stated import EXAMPLE, agreed, preparation_of, read_said, stated_by
from orienteer.export.tensors import read_tensors, read_torch
from orienteer.export.verify import read_contract
from orienteer.folders import require_possible
from orienteer.networks.encoders import CONVOLUTIONAL
from orienteer.networks.settings import NetworkSettings
from orienteer.units import counted

NESTED = "state_dict", "network_weights", "model_state_dict", "model"
"""Where programs put a network's weights in a checkpoint, beside the table itself."""
SWIN_MARK = "patch_embed.proj.weight"
WEIGHTS = torch.float32, torch.float16, torch.bfloat16, torch.float64
WHOLE = torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8
COUNTERS = "num_batches_tracked", "relative_position_index"
"""Ends of the names of whole numbers that networks keep among their weights."""


@dataclass(frozen=True, eq=False)
class Foreign:
    """Weights, and what is known of them.

    Attributes:
        origin: what they were, in words.
        sha256: of the file they were read from.
        network: the network here that takes them.
        weights: under that network's names.
        preparation: of its input.
        note: what was left aside; empty where nothing was.
    """

    origin: str
    sha256: str
    network: NetworkSettings
    weights: Mapping[str, Tensor]
    preparation: Preparation
    note: str = ""


def read_foreign(path: Path, contract: Path | None, view: int | None = None) -> Foreign:
    """Read a file of weights, or a folder made by ``orienteer export``.

    Args:
        path: the file or folder.
        contract: a ``contract.json``, or a few lines of YAML in its words; a folder has its own, and what an adaptation
            plan says is left out.
        view: edge of the views it will be shown, voxels; by default as the contract says.

    Raises:
        OrienteerError: a file that is missing, damaged, unsafe or of no network that is known, or a contract that is
            missing, contradicts the checkpoint, or says what cannot be done here.
    """
    require_possible(path)
    if path.is_dir():
        if contract is not None:
            raise OrienteerError(f"{path} has a contract of its own", cure="leave out --contract")
        found = _exported(path, view)
    elif not path.exists():
        raise OrienteerError(f"{path} is not there", cure="give a file of weights, or a folder of `orienteer export`")
    else:
        found = _from_file(path, contract, view)
    if cannot := found.preparation.cannot:
        raise OrienteerError(
            f"its contract asks for what is not done here: {cannot}",
            cure="leave out what is the same here; what is not, no store can be made for",
        )
    _require_weights(found.weights, path)
    return _upright(found)


def _require_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Refuse tensors that can be no weights of a network.

    Raises:
        OrienteerError: one is of another kind, or not finite.
    """
    for name, value in weights.items():
        counts = name.endswith(COUNTERS) and value.dtype in WHOLE
        if value.layout is not torch.strided or not (counts or value.dtype in WEIGHTS):
            kind = str(value.dtype if value.layout is torch.strided else value.layout).removeprefix("torch.")
            raise OrienteerError(
                f"{path}: {name} holds {kind}, not floating-point numbers of 16 bits or more",
                cure="give weights in float32, float16, bfloat16 or float64",
            )
        if not bool(torch.isfinite(value).all()):
            raise OrienteerError(f"{path}: {name} holds values that are not finite", cure="give weights that are whole")


def _shown(said: Preparation, view: int | None) -> Preparation:
    """The same for views of another edge, where one is given."""
    return (
        said if view is None else said.model_copy(update={"input": said.input.model_copy(update={"view_voxels": view})})
    )


def _exported(folder: Path, view: int | None) -> Foreign:
    contract = read_contract(folder)
    door = door_to(contract.door)
    weights = door.weights(folder)
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    network = without_code(NetworkSettings.model_validate(contract.network))
    return Foreign(f"an encoder exported to {contract.door}", digest, network, weights, _shown(contract, view))


def _from_file(path: Path, contract: Path | None, view: int | None) -> Foreign:
    said = None if contract is None else read_said(contract)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    document = read_tensors(path) if path.suffix == ".safetensors" else read_torch(path)
    weights = _weights(document, path)
    if isinstance(document, Mapping) and (stated := stated_by(document, path)):
        network = _staged(architecture_of(document["nnssl_adaptation_plan"]))
        preparation, note = agreed(stated, path, said or {}, contract)
        origin = "a checkpoint with nnssl's adaptation plan"
        return Foreign(origin, digest, network, encoder_weights(weights), _shown(preparation, view), note)
    if said is None or contract is None:
        if (path.parent / FILE).is_file():
            raise OrienteerError(f"{path} alone does not say enough", cure=f"give its folder, {path.parent}")
        raise OrienteerError(
            f"{path} does not say how scans were prepared for it",
            cure=f"say so in a file, and give it with --contract:{EXAMPLE}",
        )
    prefix = _prefix(weights, SWIN_MARK)
    if prefix is not None and any(f"{prefix}layers1.0.blocks.0." in name for name in weights):
        return _swin(digest, prefix, weights, _shown(preparation_of(said, contract), view))
    few = ", ".join(list(weights)[:3])
    raise OrienteerError(
        f"{path} holds weights of no network that is known here: {few} ...",
        cure="known are folders of `orienteer export`, checkpoints with nnssl's adaptation plan, and MONAI's SwinUNETR",
    )


def _weights(document: Any, path: Path) -> dict[str, Tensor]:
    """The table of tensors in a checkpoint, without the prefix that wrappers for several GPUs put before each name."""
    tables = [document, *(document.get(key) for key in NESTED)] if isinstance(document, Mapping) else []
    for table in tables:
        if isinstance(table, Mapping) and table and all(isinstance(each, Tensor) for each in table.values()):
            return {re.sub(r"^(module\.|_orig_mod\.)+", "", str(name)): value for name, value in table.items()}
    raise OrienteerError(f"{path} holds no table of weights by name", cure="save network.state_dict() by torch.save")


def _staged(architecture: Architecture) -> NetworkSettings:
    """nnU-Net's encoder with these arguments.

    Raises:
        OrienteerError: its layers are not those that encoders here are built of.
    """
    if unlike := architecture.other_layers:
        raise OrienteerError(
            f"its {architecture.kind} has other layers than the encoders here: {unlike}",
            cure="only layers as nnU-Net's planners choose them can be imported",
        )
    return architecture.settings


def _prefix(weights: Mapping[str, Tensor], mark: str) -> str | None:
    """What stands before a name that tells a network."""
    found = [name.removesuffix(mark) for name in weights if name.endswith(mark)]
    return found[0] if len(found) == 1 else None


def _swin(digest: str, prefix: str, weights: Mapping[str, Tensor], said: Preparation) -> Foreign:
    """MONAI's Swin transformer; its sizes can be read off its weights."""
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    own = {re.sub(r"\.mlp\.fc([12])\.", r".mlp.linear\1.", name): value for name, value in own.items()}
    bias = "layers{}.0.blocks.0.attn.relative_position_bias_table"
    try:
        tables = [own[bias.format(stage)] for stage in range(1, 5)]
        window = round((round(float(tables[0].shape[0]) ** (1 / 3)) + 1) / 2)
        options: Tree = {
            "embed_dim": int(own[SWIN_MARK].shape[0]),
            "window_size": [window] * 3,
            "depths": [_blocks(own, stage) for stage in range(1, 5)],
            "num_heads": [int(table.shape[1]) for table in tables],
            "use_v2": any(name.startswith("layers1c.") for name in own),
        }
    except KeyError as error:
        raise OrienteerError(
            f"a Swin transformer without {error.args[0]}", cure="give the weights of a SwinUNETR of MONAI's, whole"
        ) from None
    view = said.input.view_voxels
    halvings = (view & -view).bit_length() - 2
    unused = [f"layers{stage}" for stage in range(min(4, halvings) + 1, 5)]
    kept = {f"swin.{name}": value for name, value in own.items() if not name.startswith(tuple(unused))}
    known = {name: value for name, value in kept.items() if "mask_token" not in name}
    note = f"views of {view} voxels have no place for {', '.join(unused)}, left aside" if unused else ""
    network = NetworkSettings(name="swin", size="base", options=options)
    return Foreign("MONAI's SwinUNETR", digest, network, known, said, note)


def _blocks(weights: Mapping[str, Tensor], stage: int) -> int:
    """How many blocks a stage has."""
    found = (re.match(rf"layers{stage}\.0\.blocks\.(\d+)\.", name) for name in weights)
    return len({each[1] for each in found if each})


def _upright(found: Foreign) -> Foreign:
    """The same network for arrays along R, A, S.

    Raises:
        OrienteerError: axes that convolutions cannot be turned from.
    """
    axes = found.preparation.grid.axes
    if axes == OWN:
        return found
    if sorted(axes) != sorted(OWN) or found.network.name not in CONVOLUTIONAL:
        raise OrienteerError(
            f"its arrays run along {axes}, which {found.network.name} cannot be turned from",
            cure="only networks of convolutions can, and only from axes that are R, A and S in another order",
        )
    order = [axes.index(letter) for letter in OWN]
    network = NetworkSettings.model_validate(
        found.network.model_dump() | {"options": reordered(found.network.options, order)}
    )
    grid = found.preparation.grid.model_copy(update={"axes": OWN})
    return replace(
        found,
        network=network,
        weights=turned_weights(found.weights, order),
        preparation=found.preparation.model_copy(update={"grid": grid}),
        note="; ".join(filter(None, (found.note, f"kernels turned from {axes} to {OWN}"))),
    )


def describe(found: Foreign) -> str:
    """One line about it."""
    said = found.preparation
    note = f" ({found.note})" if found.note else ""
    return (
        f"{found.origin}: {found.network.name}, {counted(len(found.weights), 'tensor')}, scans at"
        f" {said.grid.spacing_mm:g} mm, intensities by {said.intensities.rule}{note}"
    )
