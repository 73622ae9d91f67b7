"""Run one job of a benchmark."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from orienteer import __version__
from orienteer.atomic import write_json
from orienteer.benchmark.cost import Cost
from orienteer.benchmark.finished import DONE, Data, basis, began, resolved
from orienteer.benchmark.plan import Job
from orienteer.finetune.goal import goal_of
from orienteer.finetune.run import finetune_one
from orienteer.finetune.score import ScoreRow, write_scores
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures, random_features
from orienteer.frozen.position import probe_position
from orienteer.frozen.structures import probe_structures
from orienteer.runs.folder import RunFolder
from orienteer.runs.pretrain import pretrain
from orienteer.runs.record import environment
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.training.devices import one_device, resolve

CASES = "cases.parquet"


@dataclass(frozen=True)
class Shared:
    """What all jobs share.

    Attributes:
        store: the benchmark's store.
        split: subjects to score.
        view: view edge of untrained features, voxels: that of the shared pretraining settings.
        drawn: edge of the views whose position is probed, voxels: the largest of any arm, the same for all.
        alone: jobs run one at a time.
    """

    store: Path
    split: str
    view: int
    drawn: int
    alone: bool


def run_job(job: Job, shared: Shared) -> None:
    """Run a job or resume an interrupted one; ``cell.json`` is written last."""
    data, run = Data(Store.open(shared.store)).of(job), began(job)
    devices, short = environment(resolve(job.settings.devices)), 0
    with Cost(job.folder, alone=shared.alone) as cost:
        if job.stage == "import" and job.imported is not None:
            shutil.rmtree(job.folder, ignore_errors=True)  # what a killed import left takes seconds to make again
            job.imported.bring(job.folder, job.seed, Store.open(shared.store))
        elif isinstance(job.settings, PretrainSettings):
            begun = RunFolder(job.folder).is_claimed
            pretrain(shared.store, job.folder, settings=job.settings, resume=begun, progress=False)
            devices = Run.open(job.folder).record.environment
        else:
            store = Store.open(shared.store)
            if job.stage == "finetune":
                source = Run.open(job.run) if job.run is not None else None
                one = finetune_one(store, job.folder, source=source, settings=job.settings, split=shared.split)
                devices = one.record().environment
                short = one.record().atlas_coarse + one.record().atlas_without
            else:
                write_scores(job.folder / CASES, _frozen(job, job.settings, store, shared))
    record = {
        "v": 1,
        "stage": job.stage,
        "basis": basis(job, shared.split, shared.drawn),
        "settings": resolved(job),
        "data": data,
        "began": run,
        "orienteer_version": __version__,
        "atlas_fell_short": short,
        **devices.model_dump(mode="json", include={"precision", "device", "processor", "python", "torch"}),
    }
    write_json(job.folder / DONE, {**record, **cost.to_json()})


def _frozen(job: Job, settings: FinetuneSettings, store: Store, shared: Shared) -> list[ScoreRow]:
    device = one_device(settings.devices)
    features = _features(job, settings, store, shared.view).to(device)
    if job.stage == "places":
        return probe_position(features, store, shared.split, settings, device, edge=shared.drawn)
    return probe_structures(features, store, shared.split, goal_of(store, settings), settings, device)


def _features(job: Job, settings: FinetuneSettings, store: Store, view: int) -> FrozenFeatures:
    if job.run is not None:
        run = Run.open(job.run)
        if job.imported is not None:  # whatever heads somebody has had trained on it since
            return FrozenFeatures(run.backbone(0), view=run.settings.views.size, encoder_alone=True)
        return FrozenFeatures(run.backbone(), view=run.settings.views.size)
    channels = store.manifest.scans[0].channels
    network = settings.network.model_copy(update={"dense_stride": 2})
    return random_features(
        network, channels=channels, view=view, seed=settings.seed, convention=store.manifest.convention
    )
