"""``orienteer verify``: is an exported folder whole, are its features the same here, is a preparation right?"""

import hashlib
import json
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import numpy as np
from pydantic import ValidationError

from orienteer.errors import OrienteerError
from orienteer.export.axes import turned
from orienteer.export.contract import FILE, VERSION, Contract
from orienteer.export.diagnose import CLOSE, Fault, diagnose
from orienteer.export.doors.registry import door_to
from orienteer.export.exported import apart
from orienteer.export.run import PHANTOM, SELFTEST
from orienteer.export.tensors import read_tensors
from orienteer.folders import Folder, mistaken
from orienteer.runs.scan import read_scan
from orienteer.seal import SEAL, unsealed

AGAIN = "export it again: orienteer export RUN FOLDER"


@dataclass(frozen=True)
class Verified:
    """What was found.

    Attributes:
        contract: of the folder.
        difference: largest difference of features here, as a share of their largest.
        tolerance: the largest that is right.
        preparation: largest difference of the phantom as it is prepared here.
        faults: wrong steps of the user's preparation; None where none was given.
    """

    contract: Contract
    difference: float
    tolerance: float
    preparation: float
    faults: tuple[Fault, ...] | None = None

    @property
    def right(self) -> bool:
        """Whether everything agrees."""
        return self.difference <= self.tolerance and self.preparation <= CLOSE and not self.faults


def verify(folder: Path | str, *, preprocess: Path | str | None = None) -> Verified:
    """Check an exported folder: its files, its features, the preparation of its phantom, and a user's preparation.

    Args:
        folder: made by ``orienteer export``.
        preprocess: a Python file of your own with ``preprocess(path)``, which returns one scan as the network is to
            see it: ``(C, D, H, W)``, an array or a tensor. It is run.

    Raises:
        OrienteerError: a folder that is no export, or damaged; a preparation that fails.
    """
    folder = Path(folder)
    contract = read_contract(folder)
    door = door_to(contract.door)
    test = {name: tensor.numpy() for name, tensor in read_tensors(folder / SELFTEST).items()}
    expected = tuple(test[f"map_{n}"] for n in range(sum(name.startswith("map_") for name in test)))
    learned = (contract.input.channels, contract.input.channel_names)
    asked = contract.parameters
    own = asked.convention.to_network(read_scan(folder / PHANTOM, learned, asked).array)
    here = turned(own, axes=contract.grid.axes)
    difference = apart(expected, door.maps(folder, contract, test["view"]))
    faults = None
    if preprocess is not None:
        faults = tuple(diagnose(_prepared_by(Path(preprocess), folder / PHANTOM), test["prepared"], contract))
    return Verified(
        contract,
        difference,
        door.tolerance,
        float(np.abs(here - test["prepared"]).max()) if here.shape == test["prepared"].shape else float("inf"),
        faults,
    )


def read_contract(folder: Path) -> Contract:
    """The contract of an exported folder, whose files are all there and unchanged.

    Raises:
        OrienteerError: it is no such folder, of a later version, or a file is missing or changed.
    """
    try:
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        contract = Contract.model_validate(unsealed(document))
    except FileNotFoundError:
        raise mistaken(folder, Folder.EXPORT) from None
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        raise OrienteerError(f"{folder / FILE} is damaged: {str(error).splitlines()[0]}", cure=AGAIN) from None
    if SEAL not in document:
        raise OrienteerError(f"{folder / FILE} has lost its seal, and may have been changed", cure=AGAIN)
    if contract.version > VERSION:
        raise OrienteerError(f"{folder / FILE} was written by a newer Orienteer", cure="upgrade orienteer")
    if cannot := contract.cannot:
        raise OrienteerError(f"{folder / FILE} was changed, or is of another version: {cannot}", cure=AGAIN)
    if not contract.files.keys() >= {SELFTEST, PHANTOM}:
        raise OrienteerError(f"{folder / FILE} does not list its files", cure=AGAIN)
    for name, digest in contract.files.items():
        path = folder / name
        if not _within(name) or not path.is_file():
            raise OrienteerError(f"{path} is missing", cure=f"copy the whole folder, or {AGAIN}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise OrienteerError(f"{path} is not what was exported: truncated, damaged or changed", cure=AGAIN)
    return contract


def _within(name: str) -> bool:
    """Whether a name leads to a file of the folder."""
    return not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts


class _Anew(SourceFileLoader):
    """Compiles a file each time: cached bytecode of the same second and size would hide an edit."""

    def path_stats(self, path: str) -> NoReturn:
        """What would tell that kept bytecode is current."""
        raise OSError


def _prepared_by(file: Path, phantom: Path) -> Any:
    """What a user's ``preprocess`` makes of the phantom."""
    if not file.is_file() or file.suffix != ".py":
        raise OrienteerError(f"{file} is no Python file", cure="give one that defines preprocess(path)")
    name = "orienteer_users_preprocess"
    spec = spec_from_file_location(name, file, loader=_Anew(name, str(file)))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(file.resolve().parent))
    try:
        with tempfile.TemporaryDirectory() as folder:  # the file may write what it likes
            spec.loader.exec_module(module)
            made = module.preprocess(Path(shutil.copy(phantom, folder)))
        array = made.detach().cpu().float().numpy() if hasattr(made, "detach") else np.asarray(made)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"it returns {array.dtype}, not real numbers")
    except (Exception, SystemExit) as error:
        lines = [each.lineno for each in traceback.extract_tb(error.__traceback__) if each.filename == str(file)]
        where = f"{file}, line {lines[-1]}" if lines else str(file)
        raise OrienteerError(
            f"{where}: {type(error).__name__}: {error}",
            cure="define preprocess(path), which returns (C, D, H, W) of the scan at path",
        ) from error
    finally:
        sys.path.remove(str(file.resolve().parent))
    return array
