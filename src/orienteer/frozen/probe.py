"""``probe``: what a run's frozen features already know, by linear and kNN probes."""

from dataclasses import dataclass
from pathlib import Path

import torch

from orienteer import arguments
from orienteer.atomic import refuse_place, write_json
from orienteer.console import to_stderr
from orienteer.errors import ConfigError, RunError
from orienteer.finetune.goal import Goal, goal_of
from orienteer.finetune.labelled import labelled_scans, scored_split
from orienteer.finetune.score import ScoreRow, mean_by_metric, write_scores
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.position import probe_position
from orienteer.frozen.structures import probe_structures
from orienteer.memory import ran_out
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.training.devices import one_device


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """What the probes reached.

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
    """Measure what frozen features tell of position, side and, where there are labels, structures.

    Probes are fitted on training subjects and measured on others. Nothing is tuned.

    Args:
        run: a pretraining run.
        store: scans at the run's spacing; labels are optional.
        split: subjects to measure on; None takes ``test`` where there is one, else ``val``.
        settings: structures, number of labelled scans, seed.
        name: folder name under ``RUN/probes``; default the split.
        overwrite: replace a probe of that name.
        progress: say what is being done, on standard error.

    Raises:
        RunError: no run, another spacing or channels, a probe in the way, or a name that is a path.
        ConfigError: labels or structures that are not there, or patches of a size the encoder cannot take.
        StoreError: no store, or no scans in a split.
    """
    arguments.of_probe(run, store)
    opened, learned = Store.open(store), Run.open(run)
    learned.check_store(opened)
    features = FrozenFeatures(
        learned.backbone(), view=learned.settings.views.size, encoder_alone=learned.record.awaits_data
    )
    measured = split or scored_split(opened, "segment")
    folder = learned.folder.subfolder("probes", name or measured)
    if (folder / "probe.json").exists() and not overwrite:
        raise RunError(f"{folder} exists", cure="add --overwrite, or give the probe another --name")
    refuse_place(folder / "probe.json")
    chosen = (settings or FinetuneSettings()).model_copy(update={"kind": "segment"})
    console = to_stderr(shown=progress)
    try:
        goal: Goal | None = goal_of(opened, chosen)
        labelled_scans(opened, chosen, measured)
    except ConfigError as error:
        if chosen.structures is not None or any(opened.manifest.scans.column("labelled")):
            raise
        goal = None
        console.print(f"no structures are probed: {error.message}")
    device = one_device(chosen.devices)
    features.to(device)
    if goal is not None:
        check_patch(features, learned, chosen.patches.size, device)
    rows = probe_position(features, opened, measured, chosen, device)
    console.print("position and side: done")
    if goal is not None:
        count, scans = len(goal.structures.names) if goal.structures else 0, len(goal.scans)
        console.print(f"reading {count} structures out of {scans} labelled scans")
        rows += probe_structures(features, opened, measured, goal, chosen, device, console.print)
        console.print("structures: done")
    means = mean_by_metric(rows)
    write_scores(folder / "cases.parquet", rows)
    labelled = len(goal.scans) if goal else 0
    write_json(folder / "probe.json", {"v": 1, "split": measured, "labelled_scans": labelled, "means": means})
    return ProbeResult(tuple(rows), means, folder)


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
