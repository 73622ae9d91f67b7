"""``evaluate``: a run measured on any store, e.g. new subjects, another scanner, other anatomy."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from orienteer import arguments
from orienteer.atomic import refuse_place, sweep
from orienteer.console import Bar, to_stderr
from orienteer.errors import RunError, StoreError
from orienteer.evaluation.assess import Evaluation, assess
from orienteer.evaluation.chosen import spread
from orienteer.evaluation.familiar import WholeScan
from orienteer.memory import explained
from orienteer.pretext.model import SpatialModel
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import unfamiliar
from orienteer.runs.build import measuring_sampler
from orienteer.runs.load import best_checkpoint, load_model
from orienteer.runs.run import Run
from orienteer.sampling.fitting import fitting
from orienteer.scans.findings import Finding
from orienteer.store import Store
from orienteer.training.checkpoint import latest_checkpoint
from orienteer.training.devices import one_device

COMPARED = 64
"""Scans at most that are compared with those of training; each is read whole."""


def evaluate(
    run: Path | str,
    store: Path | str,
    *,
    split: str | None = "auto",
    name: str | None = None,
    overwrite: bool = False,
    shifts: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Measure the best checkpoint of a run on the scans of a store, probe its honesty and judge it.

    Args:
        run: a run folder with at least one checkpoint.
        store: any store of the same spacing and channels.
        split: which of its subjects; None takes all. ``auto`` takes ``test``, or ``val`` where there is no ``test``.
        name: folder name under ``RUN/evaluations``; default the split, or ``all``, with ``-shifts`` where these are
            measured.
        overwrite: replace an evaluation of that name.
        shifts: also measure it where the same subjects look as under another sequence, scanner or protocol.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, an evaluation in the way, a name that is a path, or a store that the run
            cannot read.
        StoreError: no store, or no scans in that split.
    """
    arguments.of_evaluate(run, store)
    learned, opened = Run.open(run), Store.open(store)
    console = to_stderr(shown=progress)
    if learned.record.imported and _without_heads(learned):
        learned.check_store(opened)
        learned = _with_heads(learned, opened, console, progress)
        overwrite = True  # all that is there came with the heads
    if split == "auto":
        splits = set(opened.scans.column("split"))
        split = "test" if "test" in splits or "val" not in splits else "val"
        if split == "val":
            console.print(f"{opened.path} has no scans in split test, so val is measured", soft_wrap=True)
            # What pretraining measured at its end is the same.
            overwrite = overwrite or (name is None and learned.learned_from(opened))
    try:
        opened.ids(split)
    except StoreError as error:
        raise StoreError(error.message, cure=f"{error.cure}; to evaluate every scan: --split all") from None
    learned.check_store(opened)
    target = learned.folder.subfolder("evaluations", name or (split or "all") + ("-shifts" if shifts else ""))
    if (target / "evaluation.json").exists() and not overwrite:
        raise RunError(f"{target} exists", cure="add --overwrite, or give the evaluation another --name")
    refuse_place(target / "evaluation.json")
    for written in (target, target / "examples"):
        sweep(written)
    checkpoint, warnings = best_checkpoint(learned.folder)
    for line in fitting(opened, opened.ids(split), learned.settings.views).lines("the evaluation"):
        console.print(line, soft_wrap=True, markup=False)
    for warning in warnings:
        console.print(f"[yellow]{warning}; using another[/yellow]")
    model, settings = load_model(learned, checkpoint), learned.settings
    device = one_device(settings.devices)
    model.to(device)
    compared = sorted(spread(opened, opened.ids(split), COMPARED, settings.evaluation.seed))
    with explained("lower evaluation.batch"), Bar("measuring", 1.0, console=console, shown=progress) as bar:
        bar.update(0.0, "comparison with the training scans")
        return assess(
            model,
            measuring_sampler(settings, opened, split),
            settings.evaluation,
            folder=target,
            split=split or "all",
            step=checkpoint.step,
            device=device,
            own_store=learned.learned_from(opened),
            unfamiliar=_unfamiliar(learned, model, checkpoint.step, opened, compared),
            compared=len(compared),
            shifted=shifts,
            progress=lambda what, share: bar.update(share, what),
        )


def _without_heads(run: Run) -> bool:
    newest, _ = latest_checkpoint(run.folder.checkpoints)
    return newest is not None and newest.step < run.settings.optimiser.steps


def _with_heads(run: Run, store: Store, console: Console, progress: bool) -> Run:
    """Train what answers the tasks on an imported encoder, which itself stays as it is."""
    from orienteer.runs.pretrain import pretrain  # which ends in an evaluation

    console.print(
        f"{run.path} holds imported weights: heads for the tasks are trained on them first, with {store.path}",
        soft_wrap=True, markup=False,
    )  # fmt: skip
    pretrain(store.path, run.path, resume=True, progress=progress)
    return Run.open(run.path)


def _unfamiliar(
    run: Run, model: SpatialModel, step: int, store: Store, scans: Sequence[str]
) -> dict[str, tuple[Finding, ...]] | None:
    """What about each scan lies outside what the run was trained on; None where the run does not tell."""
    trained = TrainedOn.read(run.path, step=step)
    if trained is None:
        return None
    device, found = one_device(run.settings.devices), {}
    for name in scans:
        scan = WholeScan.stored(store, name)
        content = scan.content(model.backbone.encoder, size=run.settings.views.size, device=device)
        found[name] = unfamiliar(trained, scan.frame, content)
    return {name: each for name, each in found.items() if each}
