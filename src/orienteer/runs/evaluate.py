"""``evaluate``: a run's figures on any store, e.g. new people, another scanner, other anatomy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from orienteer.atomic import sweep
from orienteer.errors import RunError, StoreError
from orienteer.evaluation.assess import Evaluation, assess
from orienteer.evaluation.assess import Progress as Tell
from orienteer.memory import explained
from orienteer.runs.build import best_checkpoint, measuring_sampler, restore_model
from orienteer.runs.fingerprint import fingerprint
from orienteer.runs.folder import RunFolder
from orienteer.store import Store
from orienteer.store.kinds import require_channels, same_spacing
from orienteer.training.devices import build_fabric, resolve, set_threads


def evaluate(
    run: Path | str,
    store: Path | str,
    *,
    split: str | None = "test",
    name: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Evaluation:
    """Measure the best checkpoint of a run on the scans of a store, probe its honesty and judge it.

    Args:
        run: a run folder with at least one checkpoint.
        store: any store of the same spacing and channels.
        split: which of its people; None takes all.
        name: folder name under ``RUN/evaluations``; default the split, or ``all``.
        overwrite: replace an evaluation of that name.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, an evaluation in the way, a name that is a path, or a store that the run
            cannot read.
        StoreError: no store, or no scans in that split.
    """
    folder, opened = RunFolder(Path(run)), Store.open(store)
    try:
        opened.ids(split)
    except StoreError as error:
        raise StoreError(error.message, cure=f"{error.cure}; to evaluate every scan: --split all") from None
    target = folder.place("evaluations", name or split or "all")
    if (target / "evaluation.json").exists() and not overwrite:
        raise RunError(f"{target} exists", cure="add --overwrite, or give the evaluation another --name")
    data = folder.record()["data"]
    if not same_spacing(opened.manifest.spacing, data["spacing_mm"]):
        raise RunError(
            f"the run learned at {data['spacing_mm']:g} mm, the store is at {opened.manifest.spacing:g} mm",
            cure=f"ingest the scans with --spacing {data['spacing_mm']:g}",
        )
    require_channels(opened.manifest, (data["channels"], tuple(data.get("channel_names", ()))), "the run")
    for place in (target, target / "examples"):
        sweep(place)
    checkpoint, warnings = best_checkpoint(folder)
    console = Console(stderr=True, quiet=not progress)
    for warning in warnings:
        console.print(f"[yellow]{warning}; using another[/yellow]")
    model, settings = restore_model(folder, checkpoint)
    devices = resolve(settings.devices).model_copy(update={"devices": 1})
    set_threads(devices)
    device = build_fabric(devices).device
    with explained("lower evaluation.batch"), _bar(console, enabled=progress) as tell:
        return assess(
            model.to(device),
            measuring_sampler(settings, opened, split),
            settings.evaluation,
            folder=target,
            split=split or "all",
            step=checkpoint.step,
            device=device,
            own_store=fingerprint(opened) == data.get("fingerprint"),
            progress=tell,
        )


@contextmanager
def _bar(console: Console, *, enabled: bool) -> Iterator[Tell]:
    columns = (TextColumn("measuring"), BarColumn(bar_width=24), TaskProgressColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not enabled, transient=True) as bar:
        line = bar.add_task("", total=1.0)
        yield lambda what, share: bar.update(line, completed=share, description=what)
