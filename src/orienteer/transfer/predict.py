"""``predict``: a fine-tuned network on a folder of scans; each answer lies on its scan's own grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orienteer.atomic import write_json
from orienteer.errors import RunError, ScanError
from orienteer.geometry import Volume, canonical
from orienteer.scans import Finding, Source, discover, read
from orienteer.store.intensity import normalise
from orienteer.store.manifest import Parameters
from orienteer.store.prepare import Scaled, scaled
from orienteer.training.checkpoint import latest_checkpoint
from orienteer.training.devices import autocast, build_fabric, resolve, set_threads
from orienteer.transfer.folder import FinetuneFolder
from orienteer.transfer.goal import Goal
from orienteer.transfer.infer import scan_answer, scan_probabilities
from orienteer.transfer.native import to_native, write_labels
from orienteer.transfer.settings import FinetuneSettings

RECORD = "predictions.json"


@dataclass(frozen=True)
class PredictResult:
    """What became of every scan.

    Attributes:
        folder: where the predictions are.
        predicted: scan id to file name, or to the answer.
        failed: scan id to what was wrong with it.
    """

    folder: Path
    predicted: Mapping[str, Any]
    failed: Mapping[str, Finding]


@dataclass(frozen=True, eq=False)
class Ensemble:
    """The networks of all seeds, which answer together.

    Attributes:
        networks: in evaluation mode, on ``device``.
        goal: what they answer.
        settings: of the first; windows and overlap.
        parameters: how scans are brought onto the store's grid.
        channels: channels of a scan.
        device: where the networks are.
    """

    networks: tuple[Any, ...]
    goal: Goal
    settings: FinetuneSettings
    parameters: Parameters
    channels: int
    device: torch.device

    @classmethod
    def load(cls, out: Path) -> "Ensemble":
        """Every finished seed below ``out``, or the one folder given.

        Raises:
            RunError: no finished fine-tuning, damaged checkpoints, or seeds that learned different things.
        """
        seeds = sorted(out.glob("seed_*"), key=lambda path: (len(path.name), path.name)) or [out]
        folders = [folder for folder in map(FinetuneFolder, seeds) if folder.scores.is_file()]
        if not folders:
            raise RunError(
                f"{out} holds no finished fine-tuning", cure="run `orienteer finetune` first, or --resume it"
            )
        record, settings = folders[0].record(), folders[0].settings()
        devices = resolve(settings.devices).model_copy(update={"devices": 1})
        set_threads(devices)
        device = build_fabric(devices).device
        goal = Goal.from_json(record["goal"])
        networks = []
        for folder in folders:
            own = Goal.from_json(folder.record()["goal"])
            if (own.structures, own.answers and own.answers.categories) != (
                goal.structures,
                goal.answers and goal.answers.categories,
            ):
                raise RunError(
                    f"{folder.path} and {folders[0].path} learned different structures", cure="predict with one of them"
                )
            checkpoint, _ = latest_checkpoint(folder.checkpoints)
            if checkpoint is None:
                raise RunError(f"{folder.path} has no whole checkpoint", cure="fine-tune it again")
            network = own.network(folder.settings(), record["channels"])
            network.load_state_dict(dict(checkpoint.model))
            networks.append((network.to(device).eval(), own))
        return cls(
            networks=tuple(networks),
            goal=goal,
            settings=settings.model_copy(update={"devices": devices}),
            parameters=Parameters.build(record["parameters"]),
            channels=record["channels"],
            device=device,
        )

    def probabilities(self, ready: Scaled) -> np.ndarray:
        """``(classes, D, H, W)`` on the store's grid, averaged over the networks."""
        image = normalise(ready.image, ready.intensity)
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
        mean: np.ndarray = torch.stack(parts).mean(0).numpy()
        return mean

    def answer(self, ready: Scaled) -> dict[str, Any]:
        """The category with its probability, or the number in the column's own unit."""
        image = normalise(ready.image, ready.intensity)
        scores = []
        with autocast(self.settings.devices, self.device):
            for network, own in self.networks:
                said = scan_answer(
                    network.scores,
                    image,
                    patch=self.settings.patches.size,
                    settings=self.settings.inference,
                    device=self.device,
                )
                # Each network learned its number on the scale of its own training scans.
                assert own.answers is not None
                scores.append(said if own.answers.categories else said * own.answers.scale + own.answers.mean)
        assert self.goal.answers is not None
        if not self.goal.answers.categories:
            return {"value": float(np.mean(scores))}
        likely = torch.from_numpy(np.stack(scores)).softmax(1).mean(0)
        best = int(likely.argmax())
        return {"value": self.goal.answers.categories[best], "probability": float(likely[best])}


def predict(
    network: Path | str, scans: Path | str, out: Path | str, *, overwrite: bool = False, progress: bool = True
) -> PredictResult:
    """Predict every scan below a folder; one that cannot be read is reported and the others go on.

    Args:
        network: what ``finetune`` made; with several seeds their probabilities are averaged.
        scans: a folder of scans in any format, or one file.
        out: a folder for the predictions: ``<id>.nii.gz`` on each scan's own grid and orientation, with class
            numbers named in ``predictions.json``; for classification and regression only that file.
        overwrite: replace predictions that are there already; otherwise they are kept and not made again.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no finished fine-tuning.
        OrienteerError: no folder, no scans, or a disk that refuses.
    """
    ensemble, folder = Ensemble.load(Path(network)), Path(out)
    sources = discover(Path(scans))
    done: dict[str, Any] = {}
    failed: dict[str, Finding] = {}
    console = Console(stderr=True, quiet=not progress)
    columns = (TextColumn("predicting"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not progress, transient=True) as bar:
        for source in bar.track(sources):
            try:
                done[source.id] = _one(ensemble, source, folder, overwrite)
            except ScanError as error:
                failed[source.id] = Finding(error.code, "error", error.message, error.cure)
            except MemoryError:
                failed[source.id] = Finding("too-large", "error", "does not fit into memory", "predict it on its own")
    structures = ensemble.goal.structures
    names = {str(n): name for n, name in enumerate(structures.names, start=1)} if structures else None
    write_json(
        folder / RECORD,
        {
            "classes": names,
            "column": ensemble.settings.column,
            "predictions": done,
            "failed": {
                name: {"code": finding.code, "message": finding.message, "cure": finding.cure}
                for name, finding in failed.items()
            },
        },
    )
    return PredictResult(folder, done, failed)


def _one(ensemble: Ensemble, source: Source, folder: Path, overwrite: bool) -> Any:
    target = folder / f"{source.id}.nii.gz"
    if ensemble.goal.structures is not None and target.exists() and not overwrite:
        return target.name
    volume = read(source)
    if len(volume.array) != ensemble.channels:
        raise ScanError(
            f"{source.relative}: {len(volume.array)} channels, the network reads {ensemble.channels}",
            code="channels",
            cure="predict scans with the channels it was trained on",
        )
    ready = scaled(canonical(volume), ensemble.parameters)
    if ensemble.goal.structures is None:
        return ensemble.answer(ready)
    _write(ensemble.probabilities(ready), ready, volume, target)
    return target.name


def _write(likely: np.ndarray, ready: Scaled, volume: Volume, target: Path) -> None:
    write_labels(target, to_native(likely, ready.grid, volume.shape, volume.affine), volume.affine)
