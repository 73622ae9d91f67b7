"""Tensors from files that others made: read, never executed, and refused with a cure where that cannot be."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from orienteer.errors import OrienteerError

AGAIN = "export it again, or fetch the file once more"


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
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise OrienteerError(f"{path} is missing", cure="copy the whole folder") from None
    except pickle.UnpicklingError as error:
        told = str(error).split("WeightsUnpickler error:")[-1].strip().splitlines()[0]
        raise OrienteerError(
            f"{path} holds more than tensors ({told}), and is not opened: it could run code",
            cure="where you trust it, save its weights alone: torch.save(network.state_dict(), ...)",
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise OrienteerError(f"{path} is no whole file of torch.save: {told}", cure=AGAIN) from None
