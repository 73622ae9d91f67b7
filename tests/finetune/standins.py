"""Networks that answer without training, and scans for them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.goal import Goal
from orienteer.finetune.labelled import Answers
from orienteer.finetune.structures import Structures
from orienteer.store.manifest import Parameters
from tests.finetune.cohort import quick
from tests.store.phantoms import turned

BRIGHT = Structures(("bright",), ((1,),))
NORTH = Goal(("x",), None, Answers(("north", "south")))


class Levels(nn.Module):
    """Calls bright what is brighter than the middle between tissue (500) and the structure (1000), normalised."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level

    def scores(self, images: Tensor) -> Tensor:
        score = 20 * (images - self.level)
        return torch.cat([-score, score], dim=1)


class Says(nn.Module):
    """The same scores for every window."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.said = torch.tensor(scores)

    def scores(self, images: Tensor) -> Tensor:
        return self.said.expand(len(images), -1)


class Breaks(nn.Module):
    """Calls everything north; at the second scan it raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    def scores(self, images: Tensor) -> Tensor:
        self.asked += 1
        if self.asked == 2:
            raise self.error
        return torch.tensor([1.0, 0.0]).expand(len(images), -1)


class Stops(Levels):
    """Killed at the second scan."""

    asked = 0

    def scores(self, images: Tensor) -> Tensor:
        self.asked += 1
        if self.asked == 2:
            raise KeyboardInterrupt
        return super().scores(images)


def ensemble(*networks: nn.Module, spacing: float = 3.0, goals: tuple[Goal, ...] = (), digest: str = "a") -> Ensemble:
    goals = goals or (Goal(("x",), BRIGHT, None, (9, 1)),) * len(networks)
    return Ensemble(
        networks=tuple(zip(networks, goals, strict=True)), goal=goals[0], settings=quick(),
        parameters=Parameters(spacing=spacing), channels=1, digest=digest, device=torch.device("cpu"),
    )  # fmt: skip


def whole(*networks: nn.Module) -> Ensemble:
    return whole_scans(ensemble(*networks, goals=(NORTH,) * len(networks)))


def whole_scans(one: Ensemble) -> Ensemble:
    """One window sees a whole scan."""
    patches = one.settings.patches.model_copy(update={"size": 96})
    return replace(one, settings=one.settings.model_copy(update={"patches": patches}))


def scan(folder: Path, name: str, affine: NDArray, every: tuple[int, int, int] = (1, 1, 1)) -> NDArray[np.bool_]:
    """Write a body with an L-shaped bright structure, so that no turn or mirror image of it is the same."""
    shape = (30, 34, 28)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    image = np.where(sum(axis**2 for axis in grid) < 0.95, 500, 0)
    truth = np.zeros(shape, dtype=bool)
    truth[8:22, 10:16, 8:14] = truth[8:14, 10:24, 8:14] = truth[8:14, 10:16, 8:22] = True
    image[truth] = 1000
    inner = tuple(slice(None, None, n) for n in every)
    step = affine @ np.diag([*every, 1.0])
    nifti = nibabel.Nifti1Image(image[inner].astype(np.int16), step)
    nifti.set_qform(step, code=1)
    nifti.header["descrip"], nifti.header["db_name"] = b"NAME^PATIENT", b"19500101"
    nifti.header["aux_file"], nifti.header["intent_name"] = b"NAME^PATIENT", b"NAME^PATIENT"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nifti, folder / name)
    return truth[inner]


def three(folder: Path) -> Path:
    for name in "abc":
        scan(folder, f"{name}.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    return folder


def dice(mine: NDArray, theirs: NDArray) -> float:
    return float(2 * ((mine == 1) & theirs).sum() / ((mine == 1).sum() + theirs.sum()))


def answers(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "predictions.json").read_text())
    return {name: answer["value"] for name, answer in record["predictions"].items()}
