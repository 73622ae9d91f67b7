"""Doing one cell."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from orienteer.atomic import write_json
from orienteer.benchmark.cost import Cost
from orienteer.benchmark.plan import Cell
from orienteer.observations.files import write_rows
from orienteer.pretraining.run import pretrain
from orienteer.pretraining.settings import PretrainSettings
from orienteer.store import Store
from orienteer.training.devices import build_fabric, resolve, set_threads
from orienteer.transfer.features import FrozenFeatures, features_of, random_features
from orienteer.transfer.finetune import finetune_one
from orienteer.transfer.goal import goal_of
from orienteer.transfer.probe import probe_places, probe_structures
from orienteer.transfer.score import ScoreRow
from orienteer.transfer.settings import FinetuneSettings

DONE = "cell.json"
CASES = "cases.parquet"


def run_cell(cell: Cell, store: Path, split: str, view: int) -> None:
    """Do a cell, or go on with one that was interrupted; ``cell.json`` is written last.

    Args:
        cell: what to do.
        store: the benchmark's store.
        split: people to score.
        view: view edge of untrained features, voxels: that of the shared pretraining settings.
    """
    with Cost(cell.folder) as cost:
        if cell.stage == "pretrain":
            assert isinstance(cell.settings, PretrainSettings)
            pretrain(store, cell.folder, settings=cell.settings, resume=cell.folder.exists(), progress=False)
        else:
            assert isinstance(cell.settings, FinetuneSettings)
            if cell.stage == "finetune":
                finetune_one(Store.open(store), cell.folder, source=cell.run, settings=cell.settings, split=split)
            else:
                _write(cell.folder, _frozen(cell, cell.settings, Store.open(store), split, view))
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    write_json(cell.folder / DONE, {"v": 1, "stage": cell.stage, "device": device, **cost.to_json()})


def _frozen(cell: Cell, settings: FinetuneSettings, store: Store, split: str, view: int) -> list[ScoreRow]:
    devices = resolve(settings.devices).model_copy(update={"devices": 1})
    set_threads(devices)
    device = build_fabric(devices).device
    features = _features(cell, settings, store, view).to(device)
    if cell.stage == "places":
        return probe_places(features, store, split, settings, device)
    return probe_structures(features, store, split, goal_of(store, settings), settings, device)


def _features(cell: Cell, settings: FinetuneSettings, store: Store, view: int) -> FrozenFeatures:
    if cell.run is not None:
        return features_of(cell.run).features
    channels = store.manifest.scans[0].channels
    network = settings.network.model_copy(update={"dense_stride": 2})
    return random_features(network, channels=channels, view=view, seed=settings.seed).features


def _write(folder: Path, rows: list[ScoreRow]) -> None:
    columns: dict[str, Any] = {name: np.array([getattr(row, name) for row in rows]) for name in ScoreRow._fields}
    write_rows(folder / CASES, columns)
