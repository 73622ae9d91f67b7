"""Look at every scan below a folder: what is here, what is wrong with it, what an ingest would take."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from orienteer.atomic import refuse_place
from orienteer.console import Bar, to_stderr
from orienteer.errors import OrienteerError
from orienteer.folders import in_order, scans_in
from orienteer.scans.cohort import compare, refuse_spacing, vanishing
from orienteer.scans.estimate import estimate
from orienteer.scans.findings import Finding
from orienteer.scans.labels.find import find_scans
from orienteer.scans.labels.read import inspect_with_labels
from orienteer.scans.mixture import mixture
from orienteer.scans.people import Clue, about_patients, people_of, questions
from orienteer.scans.people_table import refuse_existing, table_beside, write_people
from orienteer.scans.proposal import propose_spacing
from orienteer.scans.record import refuse_other, write_record
from orienteer.scans.result import CheckResult
from orienteer.scans.schema import RecordedTraining
from orienteer.scans.source import ScanInfo, Source
from orienteer.units import some

AHEAD = 16
"""Scans that wait, for each that is read: one large one must not hold up the others."""


def check(
    scans: Path | str,
    *,
    json_path: Path | None = None,
    people_path: Path | None = None,
    workers: int | None = None,
    spacing: float | None = None,
    budget: float | None = None,
    layout: str = "auto",
    channels: Sequence[str] = (),
    labels: Path | str | None = None,
    progress: bool = True,
    rehearse: Callable[[Sequence[ScanInfo], float, float | None], RecordedTraining | None] | None = None,
    contradict: Callable[[Sequence[Source]], Iterable[Finding | None]] | None = None,
) -> CheckResult:
    """Look at every scan below ``scans``; a bad scan is a finding, never the end.

    Args:
        scans: a folder of any mix of formats, or one file.
        json_path: where to write all of it as JSON (``schema_version`` 1); only that of an earlier check is replaced.
        people_path: where to write a table of the usable scans, with a guess who is on them; never an existing file.
        workers: scans read at once; default one a core, at most 8.
        spacing: mm of the store to estimate for; default what is proposed for the cohort.
        budget: seconds that a pretraining may take, for the proposed spacing.
        layout: how the folder is laid out; by default what it says of itself.
        channels: names of the sequences that make one scan together, in order.
        labels: a folder of label files named as the scans; it may be the scans' own.
        progress: show a bar on a terminal.
        rehearse: tells what a pretraining would be like, given the scans, the spacing and the budget.
        contradict: what a run says against the headers of usable scans, in order; None where nothing.

    Raises:
        OrienteerError: there is no scan at all, ``spacing`` is absurd, the folder has not that layout or those
            channels, no label file belongs to any scan, ``people_path`` or something else at ``json_path`` exists, or a
            file cannot be written.

    Examples:
        >>> result = check(Path("hospital/ct"))  # doctest: +SKIP
        >>> [scan.id for scan in result.usable]  # doctest: +SKIP
    """
    begun, scans = time.perf_counter(), Path(scans)
    in_order("orienteer check {}", scans_in(scans))
    if spacing is not None:
        refuse_spacing(spacing)
    if workers is not None and workers < 1:
        raise OrienteerError(f"{workers} workers", cure="give --workers 1 or more")
    if people_path is not None:
        refuse_existing(people_path)
    if json_path is not None:
        refuse_other(json_path)
    for path in (people_path, json_path):
        if path is not None:
            refuse_place(path)
    at_once = workers or min(8, os.cpu_count() or 1)
    found = find_scans(scans, Path(labels) if labels else None, layout=layout, channels=channels)
    infos = tuple(compare(_inspect_all(found.sources, at_once, progress)))
    if contradict:
        infos = tuple(_contradicted(infos, contradict, progress))
    proposed = propose_spacing(infos, budget)
    mm = spacing or (proposed.spacing if proposed else None)
    if mm:
        infos = tuple(info.with_findings(tiny) if (tiny := _tiny(info, mm)) else info for info in infos)
    usable = any(info.usable for info in infos)
    clues = [Clue.of(info) for info in infos if info.usable]
    asked = questions(clues)
    result = CheckResult(
        root=scans,
        scans=infos,
        skipped=found.skipped,
        layouts=found.layouts,
        notes=(
            *found.notes,
            *_without_labels(infos, asked=labels is not None),
            *about_patients(clues),
            *mixture(infos),
        ),
        estimate=estimate(infos, mm, at_once) if mm and usable else None,
        seconds=time.perf_counter() - begun,
        questions=asked,
        table=table_beside(scans, found.sources),
        people=people_path,
        training=rehearse(infos, mm, budget) if rehearse and mm and usable else None,
        why=proposed.reason if proposed and not spacing else "",
    )
    if json_path is not None:
        write_record(json_path, result)
    if people_path is not None:
        write_people(people_path, people_of(clues, asked))
    return result


def _contradicted(
    infos: Sequence[ScanInfo], contradict: Callable[[Sequence[Source]], Iterable[Finding | None]], progress: bool
) -> Iterator[ScanInfo]:
    """The same scans, with what a run says of the usable ones."""
    usable = [info.source for info in infos if info.usable]
    with Bar("orienting", len(usable), shown=progress) as bar:
        found = bar.track(contradict(usable))
        for info in infos:
            said = next(found, None) if info.usable else None
            yield info.with_findings(said) if said else info


def _tiny(info: ScanInfo, mm: float) -> Finding | None:
    return vanishing(info.extent_mm, mm) if info.usable else None


def _without_labels(scans: Sequence[ScanInfo], *, asked: bool) -> list[str]:
    """A note on scans without labels, where a folder of them is named."""
    bare = [scan.id for scan in scans if scan.source.labels is None] if asked else []
    return [f"no labels for {len(bare)} of {len(scans)} scans: {some(bare)}"] if bare else []


def _ahead(pool: ThreadPoolExecutor, sources: Sequence[Source], workers: int) -> Iterator[ScanInfo]:
    """In the order of ``sources``; few wait to be read or to be taken, however many there are."""
    running: deque[Future[ScanInfo]] = deque()
    for source in sources:
        if len(running) == AHEAD * workers:
            yield running.popleft().result()
        running.append(pool.submit(inspect_with_labels, source))
    while running:
        yield running.popleft().result()


def _inspect_all(sources: tuple[Source, ...], workers: int, progress: bool) -> list[ScanInfo]:
    """In the order of ``sources``, whichever is done first.

    Threads, not processes: inflating, hashing and counting leave Python's lock, and a caller needs no
    ``if __name__ == "__main__"``.
    """
    console = to_stderr()
    bar = Bar("reading scans", len(sources), console=console, shown=progress and console.is_terminal)
    with bar, ThreadPoolExecutor(workers) as pool:
        try:
            return list(bar.track(_ahead(pool, sources, workers)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
