"""Tensors from files that others made: read, never executed, and refused with a cure where that cannot be."""

import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from orienteer.errors import OrienteerError

AGAIN = "export it again, or fetch the file once more"
BROKEN = OSError, RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, struct.error
"""What torch lets through when a file is not what it wrote."""


def read_tensors(path: Path) -> Mapping[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        OrienteerError: it is missing, truncated or no safetensors file.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise OrienteerError(f"{path} is missing", cure="copy the whole folder") from None
    except (OSError, SafetensorError) as error:
        raise OrienteerError(f"{path} cannot be read: {error}", cure=AGAIN) from None


def read_torch(path: Path) -> Any:
    """What ``torch.save`` wrote, where that is tensors, numbers, texts, lists and tables alone.

    Raises:
        OrienteerError: it is missing or truncated, or holds objects, whose unpickling runs code.
    """
    if _is_script(path):
        raise OrienteerError(
            f"{path} is a TorchScript archive, a program with its weights, and is not opened: it could run code",
            cure="where you trust it, save its weights alone: torch.save(torch.jit.load(FILE).state_dict(), ...)",
        )
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise OrienteerError(f"{path} is missing", cure="copy the whole folder") from None
    except pickle.UnpicklingError as error:
        raise OrienteerError(
            f"{path} holds more than tensors{_named(error)}, and is not opened: it could run code",
            cure="where you trust it, save its weights alone: torch.save(network.state_dict(), ...)",
        ) from None
    except BROKEN as error:
        told = str(error).splitlines()[0].split(". ")[0] if str(error) else type(error).__name__
        raise OrienteerError(f"{path} is no whole file of torch.save: {told}", cure=AGAIN) from None


def _named(error: Exception) -> str:
    """The function or class that a file asks for, in brackets; PyTorch's own advice is to run it, and is left out."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    return f" ({found[1]})" if found else ""


def _is_script(path: Path) -> bool:
    """Whether it is what ``torch.jit.save`` writes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False
