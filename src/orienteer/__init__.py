"""Self-supervised pretraining for 3D medical images in which every training signal can be seen.

The library under the commands. Names are imported lazily: ``import orienteer`` needs no torch.

Example::

    import orienteer as ori

    store = ori.Store.open("store")
    views = ori.ViewDataset(store, split="train", count=3, size=24, seed=0)
    run = ori.Run.open("run")
    maps = run.features("scan.nii.gz")                # array, affine and spacing

The commands themselves are functions of ``orienteer.api``: ``ori.api.pretrain("store", "run")``.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from orienteer import api, losses, networks, pretext
    from orienteer.errors import OrienteerError
    from orienteer.ingest import IngestOptions
    from orienteer.pretext.contract import PretextTask
    from orienteer.records import Metric
    from orienteer.records.card import TaskCard
    from orienteer.runs.run import Run
    from orienteer.runs.settings import PretrainSettings
    from orienteer.runs.transforms import PrepareScan, PrepareScand
    from orienteer.sampling.dataset import ViewDataset
    from orienteer.store import Store

_HOMES = {
    "IngestOptions": "orienteer.ingest",
    "Metric": "orienteer.records",
    "OrienteerError": "orienteer.errors",
    "PrepareScan": "orienteer.runs.transforms",
    "PrepareScand": "orienteer.runs.transforms",
    "PretextTask": "orienteer.pretext.contract",
    "PretrainSettings": "orienteer.runs.settings",
    "Run": "orienteer.runs.run",
    "Store": "orienteer.store",
    "TaskCard": "orienteer.records.card",
    "ViewDataset": "orienteer.sampling.dataset",
}
"""Where each public class lives."""
_ROOMS = ("api", "losses", "networks", "pretext")

__all__ = [
    "IngestOptions",
    "Metric",
    "OrienteerError",
    "PrepareScan",
    "PrepareScand",
    "PretextTask",
    "PretrainSettings",
    "Run",
    "Store",
    "TaskCard",
    "ViewDataset",
    "api",
    "losses",
    "networks",
    "pretext",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name in _ROOMS:
        return importlib.import_module(f"orienteer.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'orienteer' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
