"""``orienteer ingest SCANS STORE``: resample scans to one spacing, ready for training."""

from collections import Counter
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Budget, Channels, Cluster, Layout, channel_names

if TYPE_CHECKING:
    from rich.console import Console

    from orienteer.ingest import IngestResult

MOST = 12
"""Findings printed; the manifest holds all of them."""


@app.command()
def ingest(
    scans: Annotated[Path, typer.Argument(help="A folder of scans in any mix of formats, searched recursively.")],
    store: Annotated[Path, typer.Argument(help="A new or empty folder, or a store to update.")],
    spacing: Annotated[
        float | None, typer.Option(help="mm per voxel, the same on every axis; default what suits the scans.")
    ] = None,
    intensities: Annotated[
        str | None,
        typer.Option(help="How they are scaled: window (percentiles of the body, the default), zscore, or LOW,HIGH."),
    ] = None,
    budget: Budget = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="A folder of label files named like the scans, or the scans' own; also later."),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="TSV or CSV with id and optionally person and split; other numbers and categories are kept."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Keep only these further columns of the table: A,B. You declare them safe.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Scans to read at a time; default one per core.")] = None,
    cluster: Cluster = None,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Check stored scans against their checksums.")
    ] = True,
    prune: Annotated[bool, typer.Option("--prune", help="Remove scans whose files are gone.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read scans again that were left out before and have not changed.")
    ] = False,
    layout: Layout = "auto",
    channels: Channels = None,
    min_extent: Annotated[
        float | None, typer.Option(help="Leave out scans shorter than this along any axis, mm.")
    ] = None,
    keep_names: Annotated[
        bool,
        typer.Option("--keep-names", help="For public data: keep the names of files and table for scans and subjects."),
    ] = False,
) -> None:
    """Turn a folder of scans into a store: one orientation (RAS), one spacing in mm, fast to read.

    Run it again after adding or changing scans: only those are read. Bad scans are reported and left out. Scan files
    are never changed. The exit status is 0 even if scans were left out.

    **Examples**

    `orienteer ingest hospital/ct store`

    `orienteer ingest hospital/mr store --spacing 1.5 --table people.tsv --labels hospital/mr-labels`

    `orienteer ingest hospital/ct store --intensities=-175,250`

    `orienteer ingest hospital/ct store --cluster tcp://node1:8786`
    """
    from rich.console import Console

    from orienteer.ingest import IngestOptions
    from orienteer.ingest import ingest as run
    from orienteer.units import seconds_of

    options = IngestOptions(
        spacing=spacing,
        intensities=intensities,
        budget=None if budget is None else seconds_of(budget),
        labels=labels,
        table=table,
        columns=[name.strip() for name in columns.split(",")] if columns else None,
        workers=workers,
        cluster=cluster,
        prune=prune,
        min_extent=min_extent,
        keep_names=keep_names,
        verify=verify,
        retry=retry,
        layout=layout,
        channels=channel_names(channels),
    )
    _summary(run(scans, store, options), Console(highlight=False, soft_wrap=True, markup=False), labels=bool(labels))


def _summary(result: "IngestResult", console: "Console", *, labels: bool) -> None:
    from orienteer.ingest.quarantine import QUARANTINE
    from orienteer.ingest.result import counted, some

    for layout in result.layouts:
        console.print(f"layout: {layout.text}")
        for note in layout.notes:
            console.print(f"  note: {note}")
    shown = [("left out", name, f) for name, found in result.failed.items() for f in found if f.level == "error"]
    shown += [("note", name, f) for name, found in result.findings.items() for f in found if f.level == "warning"]
    for word, name, finding in shown[:MOST]:
        console.print(f"{word}: {name}: {finding.message} [{finding.code}]")
        console.print(f"  fix: {finding.cure}")
    if len(shown) > MOST:
        console.print(f"and {len(shown) - MOST} more; `orienteer check` lists every finding")
    infos = Counter(f.code for found in result.findings.values() for f in found if f.level == "info")
    if infos:
        told = ", ".join(f"{code} ({counted(count, 'scan')})" for code, count in infos.items())
        console.print(f"note: {told}; `orienteer check` says what this means")
    if result.quarantined:
        count = counted(len(result.quarantined), "scan")
        console.print(f"note: {count} left out before and the same since, not read again (--retry reads them)")
    stale = sorted(set(result.kept) & set(result.failed))
    if stale:
        console.print(f"note: of those left out, the store still holds what was read earlier: {some(stale)}")
    if result.failed:
        console.print(f"list: {result.store / QUARANTINE} (yours alone to read)")
    if result.skipped:
        count = counted(len(result.skipped), "file")
        console.print(f"note: {count} skipped; `orienteer check` lists them")
    for note in result.notes:
        console.print(f"note: {note}")
    if result.removed:
        fate = "taken out" if result.pruned else "kept; --prune takes them out"
        files = counted(len(result.removed), "stored scan")
        console.print(f"note: no file any more for {files}: {some(result.removed)} ({fate})")
    counts = [
        (len(result.added), "added"),
        (len(result.updated), "updated"),
        (len(result.kept) - len(stale), "unchanged"),
        (len(result.failed), "left out"),
    ]
    console.print(", ".join(f"{count} {word}" for count, word in counts if count or word == "added"))
    splits = ", ".join(
        f"{split} {counted(scans, 'scan')} of {counted(subjects, 'subject')}"
        for split, (scans, subjects) in result.splits.items()
    )
    unsure = "; perhaps fewer subjects, see the question" if result.questions else ""
    scans = f"{counted(len(result.manifest.scans), 'scan')} at {result.manifest.spacing:g} mm ({splits}{unsure})"
    console.print(f"{result.store}: {scans}, {result.bytes / 1e6:.1f} MB, {result.seconds:.1f} s")
    convention = result.manifest.convention
    if convention.name != "window":
        console.print(f"intensities: {convention}: a network sees {convention.words}")
    if result.labelled or labels:
        console.print(f"labels: {result.labelled} of {counted(len(result.manifest.scans), 'scan')} have labels")
    if result.manifest.names == "pseudonyms":
        from orienteer.store.private import PRIVATE

        console.print(
            f"names: pseudonyms; only {result.store / PRIVATE} leads back to files and subjects (yours alone)"
        )
    for question in result.questions:
        console.print(f"question: {question}")
    if result.questions:
        console.print(f"  fix: {result.answer}")
    if result.table:
        console.print(
            f"note: {result.table} is about these scans; --table {quote(str(result.table))} uses it. Without it,"
            " scans of one person whose names do not show it count as different subjects, on either side of the split"
        )
    if "val" not in result.splits:
        console.print("note: nobody is held out; a verdict on learning needs another subject in split val")
    if "train" in result.splits:
        first = f"answer the question{'s' * (len(result.questions) > 1)} above, then " if result.questions else ""
        store = quote(str(result.store))
        console.print(f"next: {first}orienteer pretrain {store} RUN")
        if result.labelled:
            console.print(
                f"with a RUN: orienteer finetune segment {store} OUT --from RUN, or orienteer probe RUN {store}"
            )
    else:
        console.print("note: no scan is in split train, so a run can be evaluated on this store but not learn from it")
