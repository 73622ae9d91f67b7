"""``finetune``: from a pretrained encoder, or from scratch, to a network with scores per case."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from orienteer import __version__, arguments
from orienteer.atomic import write_json
from orienteer.console import Bar, to_stderr
from orienteer.errors import ConfigError, RunError
from orienteer.evaluation.familiar import learned_from
from orienteer.finetune.agree import fits_run, same_as_started, seeds_agree
from orienteer.finetune.atlas import COARSE, RECORD, Atlas, able, offered
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import goal_of
from orienteer.finetune.labelled import labelled_scans, scored_split
from orienteer.finetune.names import about_categories, about_labels, about_scored
from orienteer.finetune.record import FinetuneRecord
from orienteer.finetune.score import score_scans, write_scores
from orienteer.finetune.settings import FinetuneSettings
from orienteer.finetune.summary import FinetuneSummary, summarise
from orienteer.finetune.work import Finetuning
from orienteer.folders import SEEDS
from orienteer.launched import require_alone
from orienteer.loggers.point import points
from orienteer.loggers.registry import require
from orienteer.loggers.together import Loggers, choose, chosen
from orienteer.memory import explained, peak_mb
from orienteer.records import Measure
from orienteer.records.card import unlisted_metric
from orienteer.records.scores import SCORES
from orienteer.runs.fingerprint import answers_in, fingerprint
from orienteer.runs.ready import digest_of, doubts
from orienteer.runs.record import environment, resumed
from orienteer.runs.run import Run
from orienteer.signals import resumable
from orienteer.store import Parameters, Store
from orienteer.training.devices import build_fabric, one_device, resolve
from orienteer.training.launch import train
from orienteer.training.session import Session
from orienteer.units import counted

AGAIN = "run the same command again with --resume: it goes on from the last checkpoint"
MEMORY = "lower optimiser.batch, patches.size, inference.batch or devices.workers, and start again"


@dataclass(frozen=True, eq=False)
class FinetuneResult:
    """What a fine-tuning left behind.

    Attributes:
        folder: OUT.
        summary: scores by structure, over cases and seeds.
    """

    folder: Path
    summary: FinetuneSummary


def finetune(
    store: Path | str,
    out: Path | str,
    *,
    source: Path | str | None,
    settings: FinetuneSettings | None = None,
    seeds: Sequence[int] = (0,),
    split: str | None = None,
    resume: bool = False,
    progress: bool = True,
    loggers: Sequence[str] | None = None,
) -> FinetuneResult:
    """Train a network on a few labelled scans and score it on held-out subjects.

    Args:
        store: with labels, or with the column to predict.
        out: a new folder, or with ``resume`` one to continue; ``seed_0`` and so on are made in it.
        source: the pretraining run whose weights to start from; None starts from scratch.
        settings: how; the network is the run's unless it starts from scratch.
        seeds: one network each: other labelled scans (with ``labels``), other fresh weights, other patches.
        split: the subjects to score; None takes ``test`` where there is one with labels, else ``val``.
        resume: go on where it stopped; finished seeds are kept.
        progress: show live lines on standard error.
        loggers: where else the figures of each seed go; with ``resume`` by default where they went.

    Raises:
        StoreError: no store, no scans in a split, damaged arrays.
        ConfigError: labels, structures or columns that are not there, settings that contradict each other.
        RunError: a folder in the way, a run without whole checkpoint, a run made by another encoder, several processes
            that were started together.
    """
    require_alone("orienteer finetune")
    wanted = settings or FinetuneSettings()
    arguments.of_finetune(wanted.kind, store, out, source)
    opened, folder = Store.open(store), Path(out)
    before = [name for seed in sorted(folder.glob(SEEDS)) for name in chosen(seed)]
    logged = require(before if loggers is None else loggers)
    run = Run.open(source) if source is not None else None
    measured = split or scored_split(opened, wanted.kind)
    _require_free(folder, resume)
    console = to_stderr(shown=progress)
    if run is not None and (note := fits_run(run, opened, wanted)):
        console.print(note, soft_wrap=True)
    works = [_prepared(opened, run, wanted.model_copy(update={"seed": seed}), measured) for seed in seeds]
    seeds_agree(works)
    for path in sorted(set(folder.glob(SEEDS)) - {folder / f"seed_{seed}" for seed in seeds}):
        if (there := FinetuneFolder(path)).is_claimed:  # `predict` will take their mean
            same_as_started(works[0], there, measured, others=True)
    offer = offered(run, opened, wanted, len(works[0].goal.scans))
    doubted = doubts(run, run.model()) if run is not None and wanted.atlas is not None else ()
    strange = about_scored(opened, (work.goal.structures for work in works), labelled_scans(opened, wanted, measured))
    for note in (*doubted, *about_labels(works[0]), *strange, *about_categories(works[0]), *offer):
        console.print(note, soft_wrap=True)
    with resumable(lambda: _begun(folder), AGAIN):
        for seed, work in zip(seeds, works, strict=True):
            _do(work, FinetuneFolder(folder / f"seed_{seed}"), measured, console, progress, logged)
        summary = summarise([FinetuneFolder(folder / f"seed_{seed}") for seed in seeds], split=measured)
        summary.write(folder)
    return FinetuneResult(folder, summary)


def finetune_one(
    store: Store, folder: Path, *, source: Run | None, settings: FinetuneSettings, split: str
) -> FinetuneFolder:
    """One seed, in a folder of its own; goes on where it stopped. Raises as ``finetune``."""
    one = FinetuneFolder(folder)
    _do(_prepared(store, source, settings, split), one, split, to_stderr(shown=False), progress=False)
    return one


def _require_free(folder: Path, resume: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file", cure="choose another folder; nothing is overwritten")
    begun, empty = _begun(folder), not folder.exists() or not any(folder.iterdir())
    if begun if resume else empty:
        return
    if empty:
        raise RunError(
            f"no fine-tuning at {folder} to resume, and nothing was started",
            cure="check the folder's name, or leave --resume out to start a new one there",
        )
    what = "" if begun else ", and holds nothing of `orienteer finetune`"
    cure = "add --resume to continue it, or choose another folder" if begun else "choose another folder"
    raise RunError(f"{folder} exists and is not empty{what}", cure=f"{cure}; nothing is overwritten")


def _begun(folder: Path) -> bool:
    return any(folder.glob(SEEDS))


def _do(
    work: Finetuning, folder: FinetuneFolder, split: str, console: Console, progress: bool, logged: Sequence[str] = ()
) -> None:
    if folder.is_claimed:
        same_as_started(work, folder, split)
    if not folder.scores.is_file():
        with folder.locked(), explained(MEMORY):
            work = _as_begun(work, folder)
            if work.settings.atlas is not None:
                work = replace(work, atlas_at=folder.atlas)
            _train(work, folder, console, progress, logged)
            _score(work, folder, split, console, progress)
            _conclude(work, folder, split, progress)


def _prepared(store: Store, run: Run | None, settings: FinetuneSettings, split: str) -> Finetuning:
    """Find every mistake that can be found before training starts."""
    if run is not None:
        # The encoder must be the run's own; the decoder goes on to every voxel.
        settings = settings.model_copy(update={"network": run.settings.network.model_copy(update={"dense_stride": 1})})
    channels = set(store.manifest.scans.column("channels"))
    if len(channels) > 1:
        raise RunError(
            f"scans with {sorted(channels)} channels cannot be mixed", cure="ingest them into separate stores"
        )
    if run is not None:
        run.check_store(store, any_spacing=True)
    if settings.atlas is not None:
        able(run, store, settings.kind)
    goal = goal_of(store, settings)
    scored = labelled_scans(store, settings, split)
    devices = resolve(settings.devices)
    if settings.optimiser.batch % devices.devices:
        raise ConfigError(
            f"a batch of {settings.optimiser.batch} patches cannot be shared by {devices.devices} processes",
            cure=f"set optimiser.batch to a multiple of {devices.devices}",
        )
    work = Finetuning(settings.model_copy(update={"devices": devices}), store, goal, run, settings.devices)
    if run is not None and settings.atlas is not None:
        work.atlas_sha256 = digest_of(run.model())
    if goal.answers is not None and settings.column is not None:
        for scan in (*scored, *work.watched):
            goal.answers.encode(store.entry(scan).table[settings.column], scan)
    work.build()
    return work


def _as_begun(work: Finetuning, folder: FinetuneFolder) -> Finetuning:
    """What is resumed goes on, and is scored, in the precision it was begun in."""
    if work.asked.precision != "auto" or not folder.is_claimed or not folder.record_file.is_file():
        return work
    devices = resumed(resolve(work.asked), folder.record().environment)
    return replace(work, settings=work.settings.model_copy(update={"devices": devices}))


def _train(work: Finetuning, folder: FinetuneFolder, console: Console, progress: bool, logged: Sequence[str]) -> None:
    settings = work.settings
    if not folder.is_claimed:
        # As asked for: resolved devices are in the record, and may not exist where it predicts.
        folder.create(settings.model_copy(update={"devices": work.asked}))
    if work.loaded is not None:
        write_json(folder.path / "weights.json", work.loaded.to_json())
        console.print(f"seed {settings.seed}: {work.loaded.sentence()}", soft_wrap=True)
    else:
        console.print(f"seed {settings.seed}: from scratch")
    if not folder.record_file.is_file():
        _record(work).write(folder.path)
    how = settings.atlas
    if how is not None and work.source is not None and not (folder.atlas / RECORD).is_file():
        console.print(
            f"seed {settings.seed}: making the atlas, which keeps voxels of the labelled scans in {folder.atlas}",
            soft_wrap=True, highlight=False,
        )  # fmt: skip
        if digest_of(work.source.model()) != work.atlas_sha256:
            raise RunError(f"{work.run_path} is still learning", cure="wait until it is finished, then start again")
        say = partial(console.print, soft_wrap=True, highlight=False)
        Atlas.of(work.source, work.store, work.goal, how, say).write(folder.atlas)
    choose(folder.path, logged)
    fabric = build_fabric(settings.devices)
    session = Session(work, settings, folder, AGAIN, progress)
    train(session, fabric)


def _score(work: Finetuning, folder: FinetuneFolder, split: str, console: Console, progress: bool) -> None:
    """Record what was trained on, and score the last weights on a split's scans; this marks the seed as finished."""
    settings, store = work.settings, work.store
    network, checkpoint = folder.trained()
    device = one_device(settings.devices)
    learned_from(
        store,
        work.goal.scans,
        [scan for scan, split in zip(store.ids(), store.scans.column("split"), strict=True) if split == "val"],
        network.to(device).eval().encoder,
        size=settings.patches.size,
        device=device,
        seed=settings.seed,
        step=checkpoint.step,
    ).write(folder.path)
    scans = labelled_scans(store, settings, split)
    with Bar(f"scoring {split}", len(scans), console=console, shown=progress) as bar:
        rows = score_scans(
            network, store, scans, work.goal, settings, device,
            atlas=work.atlas, on_scan=bar.update,
        )  # fmt: skip
    ended: dict[str, Any] = {}
    if work.atlas is not None:
        coarse, without = (len(names & set(scans)) for names in (work.atlas.coarse, work.atlas.without))
        if coarse:
            told = f"the atlas has seen {counted(coarse, 'scan')} of {split} {COARSE}"
            console.print(f"seed {settings.seed}: {told}", soft_wrap=True)
        if without:
            told = f"{counted(without, 'scan')} of {split} too thin for the atlas: scored without it"
            console.print(f"seed {settings.seed}: {told}", soft_wrap=True)
        ended = {"atlas_coarse": work.atlas.coarsely_made + coarse, "atlas_without": without}
    ended |= {
        "split": split,
        "steps": checkpoint.step,
        "seconds": checkpoint.state["seconds"],
        "peak_memory_mb": peak_mb(),  # of this process so far, scans and network together
    }
    _record(work).model_copy(update=ended).write(folder.path)
    write_scores(folder.scores, rows)


def _conclude(work: Finetuning, folder: FinetuneFolder, split: str, progress: bool) -> None:
    """Give the loggers the scores of the last weights."""
    if not chosen(folder.path):
        return
    scores, step = summarise([folder], split=split).scores, folder.record().steps or 0
    with Loggers(folder.path, step, folder.observations, shown=progress) as loggers:
        means = {
            name: Measure(score.mean, (SCORES.get(name) or unlisted_metric(name)).unit)
            for name, score in scores.items()
            if score.mean is not None
        }
        loggers.send(points(step, "summary", work.settings.kind, means))
        loggers.conclude("", "", None)


def _record(work: Finetuning) -> FinetuneRecord:
    store = work.store
    return FinetuneRecord(
        orienteer_version=__version__,
        environment=environment(resolve(work.settings.devices)),
        kind=work.settings.kind,
        goal=work.goal,
        categories=work.categories,
        channels=store.entry(work.goal.scans[0]).channels,
        channel_names=store.manifest.channel_names,
        spacing_mm=store.manifest.spacing,
        parameters=store.manifest.parameters or Parameters(spacing=store.manifest.spacing),
        fingerprint=fingerprint(store, labels=True),
        answers_sha256=answers_in(store, work.settings.column),
        pretrained=work.loaded is not None,
        loaded=work.loaded.sentence() if work.loaded else None,
        loaded_sha256=work.loaded.sha256 if work.loaded else None,
        atlas_sha256=work.atlas_sha256,
    )
