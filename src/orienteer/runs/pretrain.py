"""``pretrain``: from a store to a run folder that shows what was learned."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orienteer.atomic import write_json
from orienteer.errors import RunError
from orienteer.evaluation.assess import Evaluation
from orienteer.memory import explained
from orienteer.records.run import RunRecord
from orienteer.runs.build import build_model, measuring_sampler, training_sampler
from orienteer.runs.evaluate import evaluate
from orienteer.runs.folder import RunFolder
from orienteer.runs.record import describe
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.runs.work import Pretraining
from orienteer.signals import resumable
from orienteer.store import Store
from orienteer.training.checkpoint import latest_checkpoint
from orienteer.training.devices import build_fabric, resolve
from orienteer.training.launch import train
from orienteer.training.session import Session

AGAIN = "run the same command again with --resume to go on from here"
MEMORY = "lower optimiser.batch, views.size, network.size or devices.workers, and start a new run"


@dataclass(frozen=True, eq=False)
class PretrainResult:
    """What a finished run left behind.

    Attributes:
        run: its folder.
        summary: what ``summary.json`` holds.
        evaluation: the assessment of the best checkpoint on validation subjects.
    """

    run: Path
    summary: dict[str, Any]
    evaluation: Evaluation


def pretrain(
    store: Path | str,
    run: Path | str,
    *,
    settings: PretrainSettings | None = None,
    resume: bool = False,
    progress: bool = True,
) -> PretrainResult:
    """Pretrain an encoder on a store's training subjects and validate it on its validation subjects.

    Args:
        store: made by ``ingest``; needs the splits ``train`` and ``val``.
        run: a new folder, or one to continue.
        settings: what to do; defaults are the best measured recipe. A resumed run keeps the settings it has.
        resume: continue ``run`` exactly where its last whole checkpoint was.
        progress: show a live line on standard error.

    Returns:
        Final figures of the best checkpoint on validation subjects.

    Raises:
        StoreError: no store, or no training or validation subjects in it.
        ConfigError: settings that contradict each other or the data.
        RunError: the folder is in the way, cannot be resumed, or training broke down.
    """
    opened, folder = Store.open(store), RunFolder(Path(run))
    if resume:
        folder.require_begun()
        chosen = folder.settings()
        if settings is not None and settings != chosen:
            raise RunError(
                f"{folder.path} was started with other settings",
                cure="resume without --config and --set, or start a new run",
            )
    else:
        chosen = settings or PretrainSettings()
    record = _check(chosen, opened, folder, resume=resume)
    devices = resolve(chosen.devices)
    fabric = build_fabric(devices)
    resolved = chosen.model_copy(update={"devices": devices})
    with resumable(lambda: folder.is_claimed, AGAIN), folder.locked(), explained(MEMORY):
        _claim(chosen, folder, record)
        session = Session(Pretraining(resolved, opened), resolved, folder, AGAIN, progress)
        train(session, fabric)
        return _finish(opened, folder, progress)


def _check(settings: PretrainSettings, store: Store, folder: RunFolder, *, resume: bool) -> RunRecord:
    """Find every mistake that can be found before a folder is made; returns the run's record."""
    if not resume:
        folder.require_free()
    training_sampler(settings, store)
    measuring_sampler(settings, store, "val")
    devices = resolve(settings.devices)
    if settings.optimiser.batch % devices.devices:
        raise RunError(
            f"a batch of {settings.optimiser.batch} scans cannot be shared by {devices.devices} devices",
            cure="set optimiser.batch to a multiple of devices.devices",
        )
    channels = {entry.channels for entry in store.manifest.scans}
    if len(channels) > 1:
        raise RunError(
            f"scans with {sorted(channels)} channels cannot be mixed", cure="ingest them into separate stores"
        )
    model = build_model(settings, channels=channels.pop(), spacing=store.manifest.spacing, processes=devices.devices)
    if resume and folder.record_file.is_file() and not Run.open(folder.path).learned_from(store):
        raise RunError(
            f"the store at {store.path} is not the one {folder.path} was trained on",
            cure="resume with the same store, or start a new run",
        )
    return describe(settings, devices, store, model)


def _claim(settings: PretrainSettings, folder: RunFolder, record: RunRecord) -> None:
    """Write what the run is, unless that was written before."""
    if folder.record_file.is_file():
        return
    if not folder.is_claimed:
        folder.create(settings)
    record.model_copy(update={"started": _now()}).write(folder.path)


def _finish(store: Store, folder: RunFolder, progress: bool) -> PretrainResult:
    """Assess the best checkpoint on validation subjects and write ``summary.json``."""
    newest, _ = latest_checkpoint(folder.checkpoints)
    assert newest is not None
    run = Run.open(folder.path)
    evaluation = evaluate(folder.path, store.path, split="val", overwrite=True, progress=progress)
    state = newest.state
    summary = {
        **evaluation.record.summary(),
        "best_step": evaluation.record.step,
        "steps": newest.step,
        "seconds": state["seconds"],
        "data_wait_fraction": state["waited"] / max(state["stepping"], 1e-9),
        "seed": run.settings.seed,
    }
    write_json(folder.summary, summary)
    ended = {"finished": run.record.finished or _now(), "seconds": state["seconds"], "steps": newest.step}
    run.record.model_copy(update=ended).write(folder.path)
    return PretrainResult(folder.path, summary, evaluation)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
