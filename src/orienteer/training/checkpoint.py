"""Checkpoints: safetensors and JSON in a folder that appears whole or not at all. Nothing is ever unpickled.

``checkpoints/step_000200/`` holds ``model.safetensors``, ``optimiser.safetensors`` and ``state.json`` with the
SHA-256 of both and of itself. A damaged checkpoint is skipped for the one before it, with a warning.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from orienteer.errors import RunError
from orienteer.seal import sealed, unsealed
from orienteer.signals import signals_deferred

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything needed to continue exactly.

    Attributes:
        step: optimiser steps done.
        model: the model's tensors by name.
        optimiser: the optimiser's tensors by ``parameter.slot``.
        state: counters and bests, plain JSON.
    """

    step: int
    model: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    state: Mapping[str, Any]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint to a temporary folder, flush it to disk, then rename it into place.

    Raises:
        RunError: the disk is full or refuses; earlier checkpoints are untouched.
    """
    final = folder / name_of(checkpoint.step)
    part = folder / f".{final.name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        tensors = {"model.safetensors": checkpoint.model, "optimiser.safetensors": checkpoint.optimiser}
        digests = {}
        for name, values in tensors.items():
            save_file({key: value.detach().cpu().contiguous() for key, value in values.items()}, part / name)
            digests[name] = _digest(part / name)
        state = {"format": FORMAT, "step": checkpoint.step, "sha256": digests, "state": dict(checkpoint.state)}
        (part / "state.json").write_text(json.dumps(sealed(state), indent=2), encoding="utf-8")
        for path in (*part.iterdir(), part):
            _sync(path)
        if final.exists():  # written again after damage or another try: never a moment without either
            final.rename(final.with_name(f".{final.name}.{os.getpid()}.old.part"))
        part.rename(final)
        _sync(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise RunError(
            f"cannot write checkpoint {final}: {error}", cure="free some disk space, then run again with --resume"
        ) from error
    return final


def load_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint and verify its checksums.

    Raises:
        RunError: it is missing, truncated, altered or of another format.
    """
    with signals_deferred():  # safetensors would call a checkpoint damaged that a signal broke off
        return _loaded(path)


def _loaded(path: Path) -> Checkpoint:
    try:
        document = json.loads((path / "state.json").read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise RunError(
                f"checkpoint {path} has format {document['format']}, not {FORMAT}", cure="use the version that wrote it"
            )
        unsealed(document)
        for name, digest in document["sha256"].items():
            if _digest(path / name) != digest:
                raise RunError(
                    f"checkpoint {path}: {name} is damaged (its checksum differs)", cure="use an earlier one"
                )
        return Checkpoint(
            step=document["step"],
            model=load_file(path / "model.safetensors"),
            optimiser=load_file(path / "optimiser.safetensors"),
            state=document["state"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise RunError(f"checkpoint {path} cannot be read: {error}", cure="use an earlier one") from error


def latest_checkpoint(folder: Path) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """The newest checkpoint that is whole, and a warning for each newer one that is not."""
    warnings: list[str] = []
    for path in reversed(checkpoint_paths(folder)):
        try:
            return load_checkpoint(path), tuple(warnings)
        except RunError as error:
            warnings.append(error.message)
    return None, tuple(warnings)


def set_aside(folder: Path, *, after: int) -> None:
    """Rename checkpoints of later steps, which could not be read, to ``damaged_step_...``.

    They are then neither read again nor counted among those that are kept, and can still be inspected.
    """
    for path in checkpoint_paths(folder):
        if path.name > name_of(after):
            aside = path.with_name(f"damaged_{path.name}")
            shutil.rmtree(aside, ignore_errors=True)
            path.rename(aside)


def checkpoint_paths(folder: Path) -> list[Path]:
    """Checkpoint folders, oldest first."""
    return sorted(path for path in folder.glob("step_*") if path.is_dir())


def milestones(steps: int, every: int) -> frozenset[int]:
    """Steps at half, a quarter, an eighth ... of ``steps``, each at the next one at which a checkpoint is written."""
    found, share = set(), steps // 2
    while share >= every // 2 and share > 0:
        found.add(min(steps, -(-share // every) * every))
        share //= 2
    return frozenset(found)


def prune(folder: Path, *, keep: int, best: int | None, also: Collection[int] = ()) -> None:
    """Delete all but the last ``keep`` checkpoints, the best one, an imported one and those of steps ``also`` wanted.

    What is half-written or half-deleted goes too.
    """
    kept = {name_of(step) for step in (0, *also, *(() if best is None else (best,)))}
    for path in checkpoint_paths(folder)[:-keep]:
        if path.name not in kept:
            # Out of sight first: a kill while its files go must not leave a torn checkpoint.
            leaving = path.with_name(f".{path.name}.{os.getpid()}.part")
            path.rename(leaving)
    sweep_checkpoints(folder)


def sweep_checkpoints(folder: Path) -> None:
    """Delete leftovers of killed writes and deletions."""
    for leftover in folder.glob(".step_*.part"):
        shutil.rmtree(leftover, ignore_errors=True)


def name_of(step: int) -> str:
    """Folder name of a step's checkpoint."""
    return f"step_{step:08d}"


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state as flat tensors; its groups and rates are rebuilt from the settings."""
    return {
        f"{index}.{slot}": torch.as_tensor(value)
        for index, slots in optimiser.state_dict()["state"].items()
        for slot, value in slots.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put tensors from ``optimiser_tensors`` back.

    Raises:
        RunError: the optimiser does not fit, e.g. the network's settings were changed in between.
    """
    document = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, slot = key.partition(".")
        state.setdefault(int(index), {})[slot] = value
    document["state"] = state
    try:
        optimiser.load_state_dict(document)
    except (ValueError, KeyError) as error:
        raise RunError(f"the optimiser's state does not fit this model: {error}", cure="start a new run") from error


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
