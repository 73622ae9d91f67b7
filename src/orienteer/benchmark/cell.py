"""Doing one cell."""

from dataclasses import dataclass
from pathlib import Path

import torch

from orienteer import __version__
from orienteer.atomic import write_json
from orienteer.benchmark.cost import Cost
from orienteer.benchmark.finished import DONE, basis, resolved
from orienteer.benchmark.plan import Cell
from orienteer.finetune.goal import goal_of
from orienteer.finetune.run import finetune_one
from orienteer.finetune.score import ScoreRow, write_scores
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures, random_features
from orienteer.frozen.position import probe_position
from orienteer.frozen.structures import probe_structures
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.training.devices import one_device, resolve

CASES = "cases.parquet"


@dataclass(frozen=True)
class Shared:
    """What all cells have in common.

    Attributes:
        store: the benchmark's store.
        split: people to score.
        view: view edge of untrained features, voxels: that of the shared pretraining settings.
        drawn: edge of the views whose place is asked about, voxels: the largest of any arm, the same for all.
        alone: one cell runs at a time.
    """

    store: Path
    split: str
    view: int
    drawn: int
    alone: bool


def run_cell(cell: Cell, shared: Shared) -> None:
    """Do a cell, or go on with one that was interrupted; ``cell.json`` is written last."""
    with Cost(cell.folder, alone=shared.alone) as cost:
        if isinstance(cell.settings, PretrainSettings):
            pretrain(shared.store, cell.folder, settings=cell.settings, resume=cell.folder.exists(), progress=False)
        else:
            store = Store.open(shared.store)
            if cell.stage == "finetune":
                source = Run.open(cell.run) if cell.run is not None else None
                finetune_one(store, cell.folder, source=source, settings=cell.settings, split=shared.split)
            else:
                write_scores(cell.folder / CASES, _frozen(cell, cell.settings, store, shared))
    on_gpu = resolve(cell.settings.devices).accelerator == "gpu"
    record = {
        "v": 1,
        "stage": cell.stage,
        "basis": basis(cell, shared.split, shared.drawn),
        "settings": resolved(cell),
        "orienteer_version": __version__,
        "device": torch.cuda.get_device_name() if on_gpu else "CPU",
    }
    write_json(cell.folder / DONE, {**record, **cost.to_json()})


def _frozen(cell: Cell, settings: FinetuneSettings, store: Store, shared: Shared) -> list[ScoreRow]:
    device = one_device(settings.devices)
    features = _features(cell, settings, store, shared.view).to(device)
    if cell.stage == "places":
        return probe_position(features, store, shared.split, settings, device, edge=shared.drawn)
    return probe_structures(features, store, shared.split, goal_of(store, settings), settings, device)


def _features(cell: Cell, settings: FinetuneSettings, store: Store, view: int) -> FrozenFeatures:
    if cell.run is not None:
        run = Run.open(cell.run)
        return FrozenFeatures(run.backbone(), view=run.settings.views.size)
    channels = store.manifest.scans[0].channels
    network = settings.network.model_copy(update={"dense_stride": 2})
    return random_features(network, channels=channels, view=view, seed=settings.seed)
