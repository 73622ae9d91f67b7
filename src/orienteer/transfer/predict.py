"""``predict``: a fine-tuned network on a folder of scans; each answer lies on its scan's own grid."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orienteer.atomic import write_json
from orienteer.errors import RunError, ScanError
from orienteer.geometry import Volume, canonical
from orienteer.ingest.prepare import Scaled, scaled
from orienteer.scans import Finding, Source, lay_out, read
from orienteer.scans.findings import finding
from orienteer.scans.kinds import channels_text, readable
from orienteer.transfer.ensemble import Ensemble
from orienteer.transfer.native import to_native, write_labels

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


def predict(
    network: Path | str,
    scans: Path | str,
    out: Path | str,
    *,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> PredictResult:
    """Predict every scan below a folder; one that cannot be read is reported and the others go on.

    Args:
        network: what ``finetune`` made; with several seeds their probabilities are averaged.
        scans: a folder of scans in any format, or one file.
        out: a folder for the predictions: ``<id>.nii.gz`` on each scan's own grid and orientation, with class
            numbers named in ``predictions.json``; for classification and regression only that file.
        overwrite: replace predictions that are there already; otherwise they are kept and not made again, and those
            of another network are in the way.
        layout: how the folder is laid out; by default what it says of itself. Files ``CASE_0000``, ``CASE_0001``
            make one scan where they are as many as the network reads.
        channels: names of the sequences that make one scan together, in the order the network learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no finished fine-tuning, predictions of another network in the way, or a prediction that would
            replace a scan.
        OrienteerError: no folder, no scans, or a disk that refuses.
    """
    ensemble, folder = Ensemble.load(Path(network)), Path(out)
    # Predictions of an earlier call, in a folder among the scans, are no scans; the scans' own folder is theirs.
    own = [] if os.path.realpath(folder) == os.path.realpath(scans) else [folder]
    found = lay_out(Path(scans), own, layout=layout, channels=channels, expected=ensemble.channels)
    sources, failed = _unique(found.sources)
    _spare_scans(folder, sources)
    _claim(folder, ensemble, overwrite)
    done: dict[str, Any] = {}
    console = Console(stderr=True, quiet=not progress)
    columns = (TextColumn("predicting"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not progress, transient=True) as bar:
        for source in bar.track(sources):
            try:
                done[source.id] = _one(ensemble, source, folder, overwrite)
            except ScanError as error:
                failed[source.id] = Finding(error.code, "error", error.message, error.cure)
            except (MemoryError, torch.OutOfMemoryError):
                alone = "predict it on its own"
                failed[source.id] = Finding("out-of-memory", "error", "does not fit into memory", alone)
            except OSError as error:
                message = f"{source.relative}: cannot be read: {error.strerror}"
                failed[source.id] = Finding("unreadable", "error", message, "check the file")
    _record(folder, ensemble, done, failed)
    return PredictResult(folder, done, failed)


def _unique(sources: Sequence[Source]) -> tuple[list[Source], dict[str, Finding]]:
    """One scan an id: two would write one file."""
    first: dict[str, Source] = {}
    failed: dict[str, Finding] = {}
    for source in sources:
        owner = first.setdefault(source.id.casefold(), source)
        if owner is not source:
            message = f"{owner.relative} has the id {source.id} as well, and is predicted"
            failed[f"{source.id} ({source.relative})"] = finding("duplicate-id", message)
    return list(first.values()), failed


def _spare_scans(folder: Path, sources: Sequence[Source]) -> None:
    """No scan, nor the labels its layout names, may be taken for a prediction and replaced by one.

    Raises:
        RunError: a prediction would have the place of one of them.
    """
    there = {}
    for source in sources:
        target = _target(folder, source)
        with suppress(OSError):
            there[_file(target)] = target
    for source in sources if there else ():
        for path in (*source.paths, *(source.labels.paths if source.labels else ())):
            with suppress(OSError):
                taken = there.get(_file(path))
                if taken is not None:
                    raise RunError(
                        f"the prediction {taken} would replace {path}", cure="choose another folder for predictions"
                    )


def _target(folder: Path, source: Source) -> Path:
    return folder / f"{source.id}.nii.gz"


def _file(path: Path) -> tuple[int, int]:
    """Which file it is, by whatever path or link it is reached."""
    seen = path.stat()
    return seen.st_dev, seen.st_ino


def _claim(folder: Path, ensemble: Ensemble, overwrite: bool) -> None:
    """A folder belongs to one network: class numbers of two must never lie side by side."""
    try:
        before = json.loads((folder / RECORD).read_text(encoding="utf-8")).get("network")
    except (OSError, ValueError, AttributeError):
        before = None
    if before == ensemble.digest:
        return
    if before is not None and not overwrite:
        raise RunError(
            f"{folder} holds predictions of another network", cure="choose another folder, or add --overwrite"
        )
    _record(folder, ensemble, {}, {})


def _record(folder: Path, ensemble: Ensemble, done: Mapping[str, Any], failed: Mapping[str, Finding]) -> None:
    structures = ensemble.goal.structures
    write_json(
        folder / RECORD,
        {
            "network": ensemble.digest,
            "networks": len(ensemble.networks),
            "classes": {str(n): name for n, name in enumerate(structures.names, start=1)} if structures else None,
            "column": ensemble.settings.column,
            "predictions": dict(done),
            "failed": {
                name: {"code": found.code, "message": found.message, "cure": found.cure}
                for name, found in failed.items()
            },
        },
    )


def _one(ensemble: Ensemble, source: Source, folder: Path, overwrite: bool) -> Any:
    target = _target(folder, source)
    if ensemble.goal.structures is not None and target.exists() and not overwrite:
        return target.name
    volume = _read(ensemble, source)
    ready = scaled(canonical(volume), ensemble.parameters)
    if ensemble.goal.structures is None:
        return ensemble.answer(ready)
    _write(ensemble.probabilities(ready), ready, volume, target)
    return target.name


def _read(ensemble: Ensemble, source: Source) -> Volume:
    """The scan with the channels that the network reads.

    Raises:
        ScanError: it has others, or cannot be read.
    """
    learned = (ensemble.channels, ensemble.channel_names)
    if ensemble.channels > 1 and not source.channel_names:
        # A file of as many volumes as the network reads needs no layout to say that they are channels.
        source = replace(source, volumes="channels")
    volume = read(source)
    held = (len(volume.array), source.channel_names)
    if readable(held, learned):
        return volume
    asked = ",".join(ensemble.channel_names) or "A,B"
    raise ScanError(
        f"{source.relative}: {channels_text(held)}, the network reads {channels_text(learned)}",
        code="channels-mixed",
        cure="give it the channels it was trained on: CASE_0000, CASE_0001, ... with --layout nnunet,"
        f" or files named by sequence with --channels {asked}",
    )


def _write(likely: np.ndarray, ready: Scaled, volume: Volume, target: Path) -> None:
    write_labels(target, to_native(likely, ready.grid, volume.shape, volume.affine), volume.affine)
