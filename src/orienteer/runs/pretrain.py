"""``pretrain``: from a store to a run folder that shows what was learned."""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from orienteer import __version__, arguments
from orienteer.atomic import write_json
from orienteer.console import to_stderr
from orienteer.errors import ConfigError, OrienteerError, RunError, StoreError
from orienteer.evaluation.assess import Evaluation
from orienteer.evaluation.familiar import learned_from
from orienteer.evaluation.so_far import NAME
from orienteer.loggers.point import points
from orienteer.loggers.registry import require
from orienteer.loggers.together import Loggers, choose, chosen
from orienteer.memory import explained
from orienteer.records.run import RunRecord
from orienteer.runs.build import build_model
from orienteer.runs.evaluate import evaluate
from orienteer.runs.fingerprint import fingerprint
from orienteer.runs.folder import RunFolder
from orienteer.runs.load import best_checkpoint, load_backbone
from orienteer.runs.opening import opening
from orienteer.runs.proposal import Cohort, propose, warning
from orienteer.runs.record import describe, resumed
from orienteer.runs.resume import extend, require_same, require_same_store
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.runs.work import Pretraining
from orienteer.sampling.fitting import fitting
from orienteer.signals import resumable
from orienteer.store import Store
from orienteer.training.checkpoint import latest_checkpoint
from orienteer.training.devices import build_fabric, one_device, resolve
from orienteer.training.group import by_first, connected, everywhere, shared
from orienteer.training.launch import train
from orienteer.training.session import Session

AGAIN = "run the same command again with --resume: it goes on from the last checkpoint"
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
    loggers: Sequence[str] | None = None,
    page: Callable[[Path], Path] | None = None,
) -> PretrainResult:
    """Pretrain an encoder on a store's training subjects and validate it on its validation subjects.

    Where ``torchrun`` or ``srun`` has started several processes, on one node or many, each of them calls this, and they
    share every step. All need the store; the first alone reads its other arguments, prints, and writes ``run``.

    Args:
        store: made by ``ingest``; needs the splits ``train`` and ``val``.
        run: a new folder, or one to continue.
        settings: what to do; by default what ``orienteer.runs.proposal`` proposes for the store. A resumed run
            keeps the settings it has, but for ``optimiser.steps``, of which it may be given more.
        resume: continue ``run`` exactly where its last whole checkpoint was.
        progress: show a live line on standard error.
        loggers: where else its figures go, e.g. ``["mlflow"]``; a resumed run keeps the ones it had by default.
        page: writes the report that they get at the end, e.g. ``orienteer.api.report``; None gives them none.

    Returns:
        Final figures of the best checkpoint on validation subjects.

    Raises:
        StoreError: no store, or no training or validation subjects in it.
        ConfigError: settings that contradict each other or the data.
        RunError: the folder is in the way, cannot be resumed, or training broke down.
        OrienteerError: the package of a logger is missing.
    """
    folder = RunFolder(Path(run))
    with connected(lambda: "", AGAIN), explained(MEMORY), ExitStack() as held:
        if shared():
            _require_one_store(store, folder)
        begun = by_first(lambda: _begin(store, folder, settings, resume, progress, loggers, page, held))
        if isinstance(begun, PretrainResult):
            return begun
        work, earlier = begun
        if shared():
            work = replace(work, store=Store.open(store))
        session = Session(work, work.settings, folder, AGAIN, progress, earlier)
        train(session, build_fabric(resolve(work.settings.devices)))
        return by_first(lambda: _end(work.store, folder, page, progress))


def _begin(
    store: Path | str,
    folder: RunFolder,
    settings: PretrainSettings | None,
    resume: bool,
    progress: bool,
    loggers: Sequence[str] | None,
    page: Callable[[Path], Path] | None,
    held: ExitStack,
) -> tuple[Pretraining, tuple[int, ...]] | PretrainResult:
    """Check, claim and lock the folder. What is to be trained and its earlier totals, or what a finished run left."""
    arguments.of_pretrain(store, folder.path)
    opened = Store.open(store)
    logged = require(chosen(folder.path) if loggers is None else loggers)
    console = to_stderr(shown=progress)
    if resume:
        folder.require_begun()
        wanted = settings or folder.settings()
        require_same(folder, wanted)
    else:
        wanted = settings or propose(Cohort.of(opened)).settings()
    record = _check(wanted, opened, folder, console, resume=resume)
    if resume and (done := _finished(folder, wanted)) is not None:
        console.print(
            f"{folder.path} is finished with {wanted.optimiser.steps} steps, and nothing was done; for more of them:"
            " --resume --set optimiser.steps=...",
            soft_wrap=True, markup=False,
        )  # fmt: skip
        if loggers is not None:
            with folder.locked():
                choose(folder.path, logged)
                _conclude(done, folder, page, progress)
        return done
    devices = resolve(wanted.devices)
    if resume and wanted.devices.precision == "auto" and folder.record_file.is_file():
        devices = resumed(devices, Run.open(folder.path).record.environment)
    resolved = wanted.model_copy(update={"devices": devices})
    held.enter_context(resumable(lambda: folder.is_claimed, AGAIN))
    held.enter_context(folder.locked())
    _claim(wanted, folder, record)
    choose(folder.path, logged)
    if said := extend(folder, wanted):
        console.print(said, soft_wrap=True, markup=False)
    if progress:
        newest, _ = latest_checkpoint(folder.checkpoints)
        for line in opening(record, resolved, devices, newest.step if newest else 0):
            console.print(line, soft_wrap=True, markup=False)
    earlier = tuple(each.steps_before for each in Run.open(folder.path).record.extensions)
    return Pretraining(resolved, opened, folder.evaluations), earlier


def _require_one_store(store: Path | str, folder: RunFolder) -> None:
    """Check that every node has the store that the first process has; it alone needs the run.

    Raises:
        RunError: one has not.
    """

    def content() -> str:
        return fingerprint(Store.open(store))

    def of_first() -> tuple[str, str]:
        arguments.of_pretrain(store, folder.path)
        return __version__, content()

    version, wanted = by_first(of_first)

    def check() -> None:
        if version != __version__:
            raise RunError(
                f"Orienteer {__version__} is installed, and the first process has {version}",
                cure="give every node the same",
            )
        if content() != wanted:
            raise StoreError(f"{store} is not the store that the first process has", cure="give every node the same")

    everywhere(check)


def _end(store: Store, folder: RunFolder, page: Callable[[Path], Path] | None, progress: bool) -> PretrainResult:
    """Judge what was learned, and tell the loggers."""
    result = _finish(store, folder, progress)
    _conclude(result, folder, page, progress)
    return result


def _check(settings: PretrainSettings, store: Store, folder: RunFolder, console: Console, *, resume: bool) -> RunRecord:
    """Find every mistake that can be found before a folder is made; returns the run's record."""
    if not resume:
        folder.require_free()
    elif folder.record_file.is_file():
        before = Run.open(folder.path)
        if before.record.awaits_data:
            before.check_store(store)
        else:
            require_same_store(before, store)
    left_out: list[str] = []
    for split, what in (("train", "training"), ("val", "validation")):
        found = fitting(store, store.ids(split), settings.views)
        left_out += found.too_small
        for line in found.lines(what):
            console.print(line, soft_wrap=True, markup=False)
    if not resume and (unsuitable := warning(settings, Cohort.of(store))):
        console.print(f"warning: {unsuitable}", soft_wrap=True, markup=False)
    devices = resolve(settings.devices)
    if settings.optimiser.batch % devices.devices:
        raise ConfigError(
            f"a batch of {settings.optimiser.batch} scans cannot be shared by {devices.devices} processes",
            cure=f"set optimiser.batch to a multiple of {devices.devices}",
        )
    channels = set(store.manifest.scans.column("channels"))
    if len(channels) > 1:
        raise RunError(
            f"scans with {sorted(channels)} channels cannot be mixed", cure="ingest them into separate stores"
        )
    model = build_model(
        settings,
        channels=channels.pop(),
        spacing=store.manifest.spacing,
        convention=store.manifest.convention,
        processes=devices.devices,
    )
    record = describe(settings, devices, store, model, left_out)
    return record.model_copy(update={"left_out": tuple(left_out)}) if left_out else record


def _claim(settings: PretrainSettings, folder: RunFolder, record: RunRecord) -> None:
    """Write what the run is, unless that was written before; imported weights meet their first store."""
    if folder.record_file.is_file():
        before = RunRecord.read(folder.path)
        if not before.awaits_data:
            return
        record = record.model_copy(update={"imported": before.imported})
    if not folder.is_claimed:
        folder.create(settings)
    record.model_copy(update={"started": _now()}).write(folder.path)


def _finished(folder: RunFolder, settings: PretrainSettings) -> PretrainResult | None:
    """What a run that has ended left behind; None where something is still to be done."""
    newest, _ = latest_checkpoint(folder.checkpoints)
    if newest is None or newest.step < settings.optimiser.steps or newest.state.get("validate"):
        return None
    try:
        run = Run.open(folder.path)
        summary = json.loads(folder.summary.read_text(encoding="utf-8"))
        evaluation = Evaluation(run.evaluations["val"], folder.subfolder("evaluations", "val"))
    except (OrienteerError, KeyError, OSError, ValueError):
        return None
    return PretrainResult(folder.path, summary, evaluation) if run.record.finished else None


def _finish(store: Store, folder: RunFolder, progress: bool) -> PretrainResult:
    """Assess the best checkpoint on validation subjects and write ``summary.json``."""
    newest, _ = latest_checkpoint(folder.checkpoints)
    assert newest is not None
    run = Run.open(folder.path)
    _record_training_scans(run, store)
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
    shutil.rmtree(folder.subfolder("evaluations", NAME), ignore_errors=True)
    ended = {"finished": run.record.finished or _now(), "seconds": state["seconds"], "steps": newest.step}
    run.record.model_copy(update=ended).write(folder.path)
    return PretrainResult(folder.path, summary, evaluation)


def _conclude(result: PretrainResult, folder: RunFolder, page: Callable[[Path], Path] | None, progress: bool) -> None:
    """Give the loggers the figures of the best checkpoint, the verdict and the report."""
    if not chosen(folder.path):
        return
    record, written = result.evaluation.record, page(folder.path) if page else None
    with Loggers(folder.path, result.summary["steps"], folder.observations, shown=progress) as loggers:
        for task in record.tasks:
            figures = {metric.name: value.measure for metric, value in task.key_figures}
            loggers.send(points(record.step, "summary", task.card.name, figures))
        loggers.conclude(record.verdict.label, record.verdict.sentence, written)


def _record_training_scans(run: Run, store: Store) -> None:
    """Write what the training scans are like, as the best checkpoint sees them."""
    checkpoint, _ = best_checkpoint(run.folder)
    device = one_device(run.settings.devices)
    train, val = ([scan for scan in store.ids(split) if scan not in run.record.left_out] for split in ("train", "val"))
    learned_from(
        store,
        train,
        val,
        load_backbone(run, checkpoint).to(device).encoder,
        size=run.settings.views.size,
        device=device,
        seed=run.settings.seed,
        step=checkpoint.step,
    ).write(run.path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
