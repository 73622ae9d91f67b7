"""A check on the terminal: the table, what is wrong and how to fix it, histograms, the estimate."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from shlex import quote

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.cohort import too_small
from orienteer.scans.people import in_words
from orienteer.scans.result import CheckResult
from orienteer.scans.schema import RecordedEstimate, RecordedTraining
from orienteer.scans.source import ScanInfo
from orienteer.units import counted, duration, shortened

COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
CLEAN_ROWS = 60
"""Scans without a finding that are listed one by one; a cohort of thousands would bury what matters."""

SPACING_EDGES = (0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, np.inf)
WIDE = 140
"""Columns from which the codes fit into the table; below, they are only named in the list under it."""

COLUMNS = ("scan", "format", "voxels", "mm", "axes", "type", "range", "kind", "findings")
NARROW = ("scan", "format", "voxels", "mm", "axes", "kind", "findings")
"""Columns that a narrow terminal has room for."""
MOST_ID = 20
"""Columns of an id that are never broken."""

EXACT_VALUES = 8


def print_check(result: CheckResult, console: Console) -> None:
    """Everything a person needs to decide what to do next."""
    for layout in result.layouts:
        console.print(f"[bold]layout[/bold]: {escape(layout.text)}", highlight=False)
        for note in layout.notes:
            console.print(f"  note: {escape(note)}", highlight=False)
    for note in result.notes:
        console.print(f"note: {escape(note)}", highlight=False)
    _print_scans(result, console)
    _print_findings(result, console)
    _print_skipped(result, console)
    _print_people(result, console)
    if result.usable:
        _print_histograms(result.usable, console)
    if result.estimate:
        _print_estimate(result.estimate, result.why, console)
        if result.training:
            _print_training(result.training, result.usable, console)
    else:
        console.print("\n[red]No scan can be used.[/red] Fix the errors above, then check again.")


def _print_scans(result: CheckResult, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1), collapse_padding=True)
    wide = console.width >= WIDE
    names = [_shown(scan.id) for scan in result.scans]
    short = names if wide else [shortened(name, MOST_ID) for name in names]
    if len(set(short)) < len(set(names)):
        short = names  # two scans by one name are worse than folded ones
    longest = max(map(len, short), default=0)
    for name in COLUMNS if wide else NARROW:
        # On a narrow terminal only names may break; a number cut in two cannot be read.
        least = min(longest, MOST_ID) if name == "scan" else None
        table.add_column(name, overflow="fold", no_wrap=name not in ("scan", "findings"), min_width=least)
    clean = 0
    for scan, name in zip(result.scans, short, strict=True):
        if not scan.findings:
            clean += 1
            if clean > CLEAN_ROWS:
                continue
        row = _row(scan, wide=wide) | {"scan": escape(name)}
        table.add_row(*(row[name] for name in (COLUMNS if wide else NARROW)))
    console.print(table)
    if clean > CLEAN_ROWS:
        console.print(f"... and {clean - CLEAN_ROWS} more without findings (--json lists all)")
    named = any(scan.source.labels for scan in result.scans)
    console.print(
        f"\n[bold]{len(result.usable)} of {len(result.scans)} scans can be used[/bold]"
        f"{f', {result.labelled} with labels' if named else ''}"
        f" (read in {duration(max(result.seconds, 0.1))})"
    )


def _shown(name: str) -> str:
    """A name on one line, whatever it holds."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _row(scan: ScanInfo, *, wide: bool) -> dict[str, str]:
    files = f" ({len(scan.source.paths)} files)" if len(scan.source.paths) > 1 else ""
    worst = next((level for level in COLOURS if any(f.level == level for f in scan.findings)), "")
    if wide:
        marks = [f"[{COLOURS[f.level]}]{f.code}[/]" for f in scan.findings]
    else:
        marks = [f"[{COLOURS[worst]}]{'left out' if worst == 'error' else worst}[/]"] if worst else []
    return {
        "format": scan.source.format + files * wide,
        "voxels": f"{scan.channels} of " * (scan.channels > 1) + "x".join(map(str, scan.shape)) or "-",
        "mm": _spacing(scan),
        "axes": scan.axes or "-",
        "type": scan.dtype or "-",
        "range": "-" if scan.low is None else f"{scan.low:.4g}..{scan.high:.4g}",
        "kind": _modality(scan),
        "findings": " ".join(marks) or "[green]ok[/]",
    }


def _modality(scan: ScanInfo) -> str:
    """With a question mark where it is a guess."""
    if scan.modality == "unknown":
        return "-"
    return escape(scan.modality) if scan.modality_said else f"{scan.modality}?"


def _spacing(scan: ScanInfo) -> str:
    sides = [f"{mm:.3g}" for mm in scan.spacing]
    return (sides[0] if len(set(sides)) == 1 else " ".join(sides)) if sides else "-"


def _print_findings(result: CheckResult, console: Console) -> None:
    """Grouped by code and cure, so that a cure is read once and not once a scan."""
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for scan in result.scans:
        for f in scan.findings:
            groups[f.level, f.code, f.cure].append((scan.source.relative, f.message))
    order = {"error": 0, "warning": 1, "info": 2}
    for (level, code, cure), cases in sorted(groups.items(), key=lambda item: (order[item[0][0]], *item[0][1:])):
        left_out = ", left out" if level == "error" else ""
        meaning = CATALOGUE[code].meaning if code in CATALOGUE else ""
        console.print(f"\n[{COLOURS[level]}]{level}[/] [bold]{code}[/bold]{left_out} ({escape(meaning)})")
        for relative, message in cases[:10]:
            console.print(f"  {escape(_without_name(relative, message))}", highlight=False)
        if len(cases) > 10:
            console.print(f"  ... and {len(cases) - 10} more")
        if cure != "nothing to do":
            console.print(f"  [green]fix:[/] {escape(cure)}")


def _without_name(relative: str, message: str) -> str:
    name = relative.rsplit("/", 1)[-1]
    return f"{relative}: {message.removeprefix(f'{name}: ')}"


def _print_skipped(result: CheckResult, console: Console) -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for skip in result.skipped:
        reasons[skip.reason].append(skip.relative)
    if reasons:
        console.print("\n[bold]Skipped[/bold]")
    for reason, names in sorted(reasons.items()):
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        console.print(f"  {reason}: {escape(shown)}", highlight=False)


def _print_people(result: CheckResult, console: Console) -> None:
    """Who may be on several scans, and how to say so."""
    scans = quote(str(result.root))
    for question in in_words(result.questions):
        console.print(f"\n[yellow]question[/]: {escape(question)}", highlight=False)
    answer = f"orienteer check {scans} --people people.tsv writes a table with this guess: correct it, then "
    if result.people:
        answer = f"correct the guess in {result.people}, then "
    if result.questions or result.people:
        table = quote(str(result.people or "people.tsv"))
        console.print(
            f"  [green]fix:[/] {escape(answer)}orienteer ingest {escape(scans)} STORE --table {escape(table)}",
            highlight=False,
            soft_wrap=True,
        )
    if result.table:
        told = f"{result.table} is about these scans; to use it: orienteer ingest {scans} STORE --table"
        console.print(f"\nnote: {escape(told)} {escape(quote(str(result.table)))}", highlight=False, soft_wrap=True)


def _print_histograms(usable: Iterable[ScanInfo], console: Console) -> None:
    scans = list(usable)
    for title, pick in (("Finest voxel side, mm", min), ("Coarsest voxel side, mm", max)):
        _print_bars(f"{title} (scans)", _spacing_counts([pick(scan.spacing) for scan in scans]), console)
    _print_bars("Axes (scans)", dict(sorted(Counter(scan.axes for scan in scans).items())), console)


def _spacing_counts(sides: Iterable[float]) -> dict[str, int]:
    """Scans by voxel side: each value as it is while they are few, else in bins."""
    # Rounded first: a header's float32 0.7500001 belongs to 0.75.
    values = [round(side, 2) for side in sides]
    exact = Counter(values)
    if len(exact) <= EXACT_VALUES:
        return {f"{value:g}": count for value, count in sorted(exact.items())}
    counts, _ = np.histogram(values, SPACING_EDGES)
    bins = zip(SPACING_EDGES, SPACING_EDGES[1:], counts, strict=False)
    return {f"{low:g} to <{high:g}": int(count) for low, high, count in bins if count}


def _print_bars(title: str, counts: Mapping[str, int], console: Console) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    most = max(counts.values())
    for name, count in counts.items():
        console.print(f"  {name:<12} {'█' * max(1, round(30 * count / most))} {count}", highlight=False)


def _print_estimate(guess: RecordedEstimate, why: str, console: Console) -> None:
    lines = [
        f"\n[bold]Estimate of an ingest at {guess.spacing:g} mm[/bold]",
        *[f"  {why}"] * bool(why),
        f"  time    about {duration(guess.seconds)} with {counted(guess.workers, 'worker')}, within a factor of two",
        f"  disk    about {bytes_text(guess.disk_bytes)} for {guess.voxels / 1e6:,.1f} million voxels",
        f"  memory  about {bytes_text(guess.memory_bytes)} while it runs",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _print_training(training: RecordedTraining, usable: Iterable[ScanInfo], console: Console) -> None:
    """What `pretrain` would do by itself, and how long."""
    took = "" if training.seconds is None else f" in about {duration(training.seconds)} on this machine"
    console.print(f"\n[bold]Pretraining[/bold] by itself makes {training.steps:,} steps{took}", highlight=False)
    for reason in training.reasons:
        console.print(f"  {escape(reason)}", highlight=False, soft_wrap=True)
    short = sum(too_small(scan, training.view_mm) is not None for scan in usable)
    if short:
        lack = "is" if short == 1 else "are"
        console.print(
            f"  {counted(short, 'scan')} {lack} shorter than a view along an axis, and would be left out",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def bytes_text(size: int) -> str:
    """``14 MiB``, ``2.1 GiB``; never less than 1 MiB."""
    mebibytes = size / 2**20
    return f"{max(mebibytes, 1):.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"
