"""``probe``: what a run's frozen features already know, read out by linear layers and nearest neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from orienteer.atomic import write_json
from orienteer.console import to_stderr
from orienteer.errors import ConfigError, RunError
from orienteer.finetune.goal import Goal, class_weights, goal_of
from orienteer.finetune.labelled import labelled_scans, scored_split
from orienteer.finetune.score import ScoreRow, score_scans
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.linear import neighbours
from orienteer.frozen.places import place_rows, sampled_views
from orienteer.frozen.voxels import linear_segmenter, sampled_voxels
from orienteer.memory import ran_out
from orienteer.records.metric import finite
from orienteer.records.rows import write_rows
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.training.devices import build_fabric, resolve, set_threads

VIEWS_TRAIN, VIEWS_TEST = 96, 48
"""Views per scan that the read-outs of place are fitted on, and measured on."""


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """What the read-outs reached.

    Attributes:
        rows: per case.
        means: per metric, over cases.
        folder: where they were written.
    """

    rows: tuple[ScoreRow, ...]
    means: dict[str, float | None]
    folder: Path


def probe(
    run: Path | str,
    store: Path | str,
    *,
    split: str | None = None,
    settings: FinetuneSettings | None = None,
    name: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> ProbeResult:
    """Read position, side and, where there are labels, structures out of frozen features.

    Everything is fitted on training people and measured on others. Nothing is tuned.

    Args:
        run: a pretraining run.
        store: scans at the run's spacing; labels are optional.
        split: people to measure on; None takes ``test`` where there is one, else ``val``.
        settings: structures, number of labelled scans, seed.
        name: folder name under ``RUN/probes``; default the split.
        overwrite: replace a probe of that name.
        progress: say what is being done, on standard error.

    Raises:
        RunError: no run, another spacing or channels, a probe in the way, or a name that is a path.
        ConfigError: labels or structures that are not there, or patches of a size the encoder cannot take.
        StoreError: no store, or no scans in a split.
    """
    opened, learned = Store.open(store), Run.open(run)
    learned.check_store(opened)
    features = FrozenFeatures(learned.backbone(), view=learned.settings.views.size)
    measured = split or scored_split(opened, "segment")
    folder = learned.folder.subfolder("probes", name or measured)
    if (folder / "probe.json").exists() and not overwrite:
        raise RunError(f"{folder} exists", cure="add --overwrite, or give the probe another --name")
    chosen = (settings or FinetuneSettings()).model_copy(update={"kind": "segment"})
    console = to_stderr(shown=progress)
    try:
        goal: Goal | None = goal_of(opened, chosen)
        labelled_scans(opened, chosen, measured)
    except ConfigError as error:
        if chosen.structures is not None or any(entry.labelled for entry in opened.manifest.scans):
            raise
        goal = None
        console.print(f"no structures are probed: {error.message}")
    device = _device(chosen)
    features.to(device)
    if goal is not None:
        check_patch(features, learned, chosen.patches.size, device)
    rows = probe_places(features, opened, measured, chosen, device)
    console.print("position and side: done")
    if goal is not None:
        count, scans = len(goal.structures.names) if goal.structures else 0, len(goal.scans)
        console.print(f"reading {count} structures out of {scans} labelled scans")
        rows += probe_structures(features, opened, measured, goal, chosen, device)
        console.print("structures: done")
    means = mean_by_metric(rows)
    write_rows(folder / "cases.parquet", {key: np.array([getattr(r, key) for r in rows]) for key in ScoreRow._fields})
    labelled = len(goal.scans) if goal else 0
    write_json(folder / "probe.json", {"v": 1, "split": measured, "labelled_scans": labelled, "means": means})
    return ProbeResult(tuple(rows), means, folder)


def probe_places(
    features: FrozenFeatures,
    store: Store,
    split: str,
    settings: FinetuneSettings,
    device: torch.device,
    *,
    drawn: int | None = None,
) -> list[ScoreRow]:
    """Position and side, from views; they need no labels, so every training scan takes part.

    ``drawn`` is the edge of the views that are placed, voxels (:func:`sampled_views`).
    """
    train, test = (
        sampled_views(
            features, store, store.ids(among), per_scan=count, seed=settings.seed + place, device=device, drawn=drawn
        )
        for place, (among, count) in enumerate((("train", VIEWS_TRAIN), (split, VIEWS_TEST)))
    )
    return place_rows(train, test, store)


def probe_structures(
    features: FrozenFeatures, store: Store, split: str, goal: Goal, settings: FinetuneSettings, device: torch.device
) -> list[ScoreRow]:
    """Structures: Dice of a linear read-out, and how often single voxels are named right, every class alike."""
    assert goal.structures is not None
    devices = resolve(settings.devices)
    settings = settings.model_copy(update={"devices": devices})
    train = sampled_voxels(features, store, goal.scans, goal, settings, device)
    network = linear_segmenter(features, train, class_weights(goal.voxels, settings.loss.rarity))
    scans = labelled_scans(store, settings, split)
    rows = score_scans(network, store, scans, goal, settings, device)
    test = sampled_voxels(features, store, scans, goal, settings, device, per_class=100)
    near, share = neighbours(train.features, test.features)
    classes = goal.structures.classes
    # Neighbours vote with the rarity of their class: in the sample every class is as frequent as in the scan at most.
    votes = torch.zeros(len(test.target), classes).scatter_add_(1, train.target[near], share)
    answers = {"linear": network.readout.scores(test.features).argmax(1), "knn": votes.argmax(1)}
    for name, answer in answers.items():
        for place, scan in enumerate(scans):
            here = test.scan == place
            for number in range(1, classes):
                mine = here & (test.target == number)
                right = float((answer[mine] == number).float().mean()) if bool(mine.any()) else float("nan")
                item = goal.structures.names[number - 1]
                rows.append(ScoreRow(scan, store.entry(scan).person, item, f"structure_{name}", right))
    return rows


def check_patch(features: FrozenFeatures, run: Run, size: int, device: torch.device) -> None:
    """Some encoders (vit, swin) take images of one size only; found here, not after minutes of other work.

    Raises:
        ConfigError: this one cannot take patches of ``size`` voxels.
    """
    try:
        features.dense(torch.zeros(1, run.record.data.channels, size, size, size, device=device))
    except Exception as error:  # a user's network may raise anything
        if ran_out(error):
            raise
        raise ConfigError(
            f"{run.path} learned on views of {features.view} voxels, and its encoder cannot take patches of {size}",
            cure=f"add --set patches.size={features.view}",
        ) from error


def mean_by_metric(rows: Sequence[ScoreRow]) -> dict[str, float | None]:
    """Per metric the mean over cases of the mean over items."""
    means: dict[str, float | None] = {}
    for metric in dict.fromkeys(row.metric for row in rows):
        cases: dict[str, list[float]] = {}
        for row in rows:
            if row.metric == metric and not np.isnan(row.value):
                cases.setdefault(row.case, []).append(row.value)
        values: Any = [np.mean(each) for each in cases.values()]
        means[metric] = finite(float(np.mean(values))) if values else None
    return means


def _device(settings: FinetuneSettings) -> torch.device:
    devices = resolve(settings.devices).model_copy(update={"devices": 1})
    set_threads(devices)
    device: torch.device = build_fabric(devices).device
    return device
