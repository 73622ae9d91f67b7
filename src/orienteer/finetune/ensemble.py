"""The networks of all seeds of a fine-tuning, answering together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from orienteer.errors import RunError
from orienteer.evaluation.familiar import WholeScan
from orienteer.finetune.atlas import Atlas, sealing
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import Goal
from orienteer.finetune.infer import scan_answer, scan_probabilities
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.settings import FinetuneSettings
from orienteer.folders import SEEDS, Folder, mistaken, recognised
from orienteer.geometry import Volume
from orienteer.ingest.prepare import Scaled
from orienteer.localize.correspond import FEWEST
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import unfamiliar
from orienteer.runs.scan import MOST_VOXELS, at_half, half_grid
from orienteer.scans.findings import Finding
from orienteer.store.intensity import normalise
from orienteer.store.manifest import Parameters
from orienteer.training.devices import autocast, one_device, resolve
from orienteer.training.settings import DeviceSettings, ResolvedDevices


class Answer(TypedDict):
    """What is predicted of a whole scan."""

    value: str | float
    """The category, or the number in the column's own unit."""
    probability: NotRequired[float]
    """Of the category."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The networks of all seeds, which answer together.

    Attributes:
        networks: in evaluation mode, on ``device``, each with what it learned.
        goal: of the first; what all of them learned agrees.
        settings: of the first; windows and overlap.
        parameters: how scans are brought onto the store's grid.
        channels: channels of a scan.
        digest: SHA-256 of all weights.
        device: where the networks are.
        channel_names: names of the channels, where they are known.
        trained_on: what the training scans of each network were like, where all of them say so.
        atlases: the prior of each network, None for one without; empty where none has one.
        unfinished: names of the seeds that are not used, because they are not finished.
    """

    networks: tuple[tuple[SegmentationNetwork | ScanNetwork, Goal], ...]
    goal: Goal
    settings: FinetuneSettings
    parameters: Parameters
    channels: int
    digest: str
    device: torch.device
    channel_names: tuple[str, ...] = ()
    trained_on: tuple[TrainedOn, ...] = ()
    atlases: tuple[Atlas | None, ...] = ()
    unfinished: tuple[str, ...] = ()

    @classmethod
    def load(cls, out: Path) -> "Ensemble":
        """Every finished seed below ``out``, or the one folder given.

        Raises:
            RunError: no finished fine-tuning, damaged checkpoints, or seeds that learned different things.
        """
        seeds = sorted(out.glob(SEEDS), key=lambda path: (len(path.name), path.name)) or [out]
        folders = [folder for folder in map(FinetuneFolder, seeds) if folder.scores.is_file()]
        if not folders and recognised(out) not in (Folder.FINETUNING, Folder.SEED):
            raise mistaken(out, Folder.FINETUNING)
        if not folders:
            raise RunError(
                f"{out} holds no finished fine-tuning", cure="run `orienteer finetune` first, or --resume it"
            )
        record, settings = folders[0].record(), folders[0].settings()
        devices = _here(settings.devices)
        device, goal = one_device(devices), record.goal
        networks, atlases, digest = [], [], hashlib.sha256()
        for folder in folders:
            own = folder.record().goal
            if differ := _apart(folders[0], folder):
                raise RunError(
                    f"{folder.path} and {folders[0].path} differ in {differ}", cure="predict with one of them"
                )
            network, checkpoint = folder.trained()
            digest.update(save(dict(checkpoint.model)))
            networks.append((network.to(device).eval(), own))
            how = folder.settings().atlas
            atlases.append(Atlas.read(folder.atlas, how) if how is not None else None)
            if how is not None:
                digest.update(sealing(folder.atlas, how))
        return cls(
            networks=tuple(networks),
            goal=goal,
            settings=settings.model_copy(update={"devices": devices}),
            parameters=record.parameters,
            channels=record.channels,
            channel_names=record.channel_names,
            digest=digest.hexdigest(),
            trained_on=_all_known([TrainedOn.read(folder.path) for folder in folders]),
            device=device,
            atlases=tuple(atlases),
            unfinished=tuple(seed.name for seed in seeds if seed not in {folder.path for folder in folders}),
        )

    def probabilities(self, ready: Scaled, upright: Volume) -> np.ndarray:
        """``(classes, D, H, W)`` on the store's grid, averaged over the networks.

        Args:
            ready: a scan on the store's grid.
            upright: the same before that, axes R, A, S.
        """
        image, spacing = normalise(ready.image, ready.intensity), self.parameters.spacing
        with autocast(self.settings.devices, self.device):
            parts = [
                scan_probabilities(
                    network.scores,
                    image,
                    patch=self.settings.patches.size,
                    settings=self.settings.inference,
                    device=self.device,
                )
                for network, _ in self.networks
            ]
        for likely, atlas in zip(parts, self.atlases, strict=False):  # without any atlas there are none
            if atlas is not None:
                atlas.weigh(
                    likely, Volume(image, ready.grid.affine), partial(at_half, upright, ready.intensity, spacing)
                )
        mean: np.ndarray = torch.stack(parts).mean(0).numpy()
        return mean

    def answer(self, ready: Scaled) -> Answer:
        """The category with its probability, or the number in the column's own unit."""
        image = normalise(ready.image, ready.intensity)
        scores = []
        with autocast(self.settings.devices, self.device):
            for network, own in self.networks:
                answer = scan_answer(
                    network.scores,
                    image,
                    patch=self.settings.patches.size,
                    settings=self.settings.inference,
                    device=self.device,
                )
                # Each network learned its number on the scale of its own training scans.
                assert own.answers is not None
                scores.append(answer if own.answers.categories else answer * own.answers.scale + own.answers.mean)
        assert self.goal.answers is not None
        if not self.goal.answers.categories:
            return {"value": float(np.mean(scores))}
        likely = torch.from_numpy(np.stack(scores)).softmax(1).mean(0)
        best = int(likely.argmax())
        return {"value": self.goal.answers.categories[best], "probability": float(likely[best])}

    def about_atlas(self, ready: Scaled, upright: Volume) -> tuple[Finding, ...]:
        """What to say of a scan for which the atlas that the networks have is of less use.

        Args:
            ready: the scan on the network's grid.
            upright: the same before that, axes R, A, S.
        """
        if not any(self.atlases):
            return ()
        if min(ready.grid.shape) < FEWEST:
            told = f"thinner than {FEWEST} voxels on the network's grid, so it is predicted without the atlas"
            return (Finding("too-small", "warning", told, "trust it less, or give a scan that shows more of the body"),)
        if (
            any(atlas.how.finer for atlas in self.atlases if atlas)
            and half_grid(upright, self.parameters.spacing) is None
        ):
            told = (
                f"above {MOST_VOXELS:,} voxels at half the network's spacing, so the atlas sees it as coarsely as that"
            )
            return (Finding("too-large", "warning", told, "crop it to the body that the network learned from"),)
        return ()

    def unfamiliar(self, ready: Scaled, voxel_mm: NDArray[np.float64]) -> tuple[Finding, ...]:
        """What about a scan lies outside what the training scans of every network had, as the first would say it.

        Args:
            ready: the scan on the network's grid.
            voxel_mm: ``(3,)`` its voxel size before that, along R, A, S.
        """
        if not self.trained_on:
            return ()
        scan, size = WholeScan.prepared(ready, voxel_mm, self.parameters), self.settings.patches.size
        found = [
            unfamiliar(trained, scan.frame, scan.content(network.encoder, size=size, device=self.device))
            for (network, _), trained in zip(self.networks, self.trained_on, strict=True)
        ]
        agreed = set.intersection(*({each.code for each in of} for of in found))
        return tuple(each for each in found[0] if each.code in agreed)


def _apart(one: FinetuneFolder, other: FinetuneFolder) -> str:
    """Why two networks cannot answer together, in words; empty where they can."""
    mine, theirs, my, their = one.record(), other.record(), one.settings(), other.settings()
    alike = {
        "what they learned": (mine.goal.learned, my.kind, my.column) == (theirs.goal.learned, their.kind, their.column),
        "how scans are prepared": mine.parameters == theirs.parameters,
        "channels": (mine.channels, mine.channel_names) == (theirs.channels, theirs.channel_names),
        "the size of patches": my.patches.size == their.patches.size,
    }
    return ", ".join(name for name, same in alike.items() if not same)


def _all_known(each: Sequence[TrainedOn | None]) -> tuple[TrainedOn, ...]:
    known = tuple(one for one in each if one is not None)
    return known if len(known) == len(each) else ()


def _here(trained: DeviceSettings) -> ResolvedDevices:
    """One device of the machine that predicts, whatever it was trained on; full precision stays full."""
    precision = "32-true" if trained.precision == "32-true" else "auto"
    return resolve(DeviceSettings(devices=1, precision=precision))
