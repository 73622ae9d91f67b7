"""What a benchmark planned and has not measured yet, so that a part is not taken for the whole."""

from collections.abc import Iterator, Mapping

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.records import Records
from orienteer.comparison.scores import Cell, Key, columns


def gaps(records: Records, cells: Mapping[Key, Cell]) -> Iterator[str]:
    """One sentence for everything that is missing."""
    benchmark = records.benchmark
    for what, table in (("costs", records.costs), ("pretext", records.pretext)):
        if table is None:
            yield f"records/{what}.parquet was not written, so nothing is said about it"
    if benchmark.scratch is None:
        yield "no arm has the role scratch, so nothing is compared with it"
    if not benchmark.baselines:
        yield "no arm has the role baseline, so nothing is compared with the best baseline"
    for task in benchmark.tasks:
        measured = [(mode, labels) for found, mode, labels in columns(benchmark, cells) if found is task]
        if not measured:
            yield f"{task.name}: nothing was measured yet"
            continue
        yield from _not_begun(task, measured)
        for mode, labels in measured:
            yield from _short(benchmark, task, mode, labels, cells)


def _not_begun(task: Task, measured: list[tuple[str, int]]) -> Iterator[str]:
    """Modes and label counts without any score."""
    for mode in task.arms or {}:
        begun = [labels for found, labels in measured if found == mode]
        if not begun:
            yield f"{task.name}, {mode}: nothing was measured yet"
        elif missing := sorted(set(task.labels) - set(begun)):
            yield f"{task.name}, {mode}: nothing was measured yet with {', '.join(map(str, missing))} labels"


def _short(benchmark: Benchmark, task: Task, mode: str, labels: int, cells: Mapping[Key, Cell]) -> Iterator[str]:
    """Arms with fewer scores than others, and seeds without any score."""
    sizes, seeds = {}, set()
    for arm in benchmark.planned(task, mode):
        if arm.labels and labels not in arm.labels:
            continue
        cell = cells.get(Key(task.name, mode, labels, arm.name, task.metric))
        sizes[arm.label] = len(set(zip(cell.cases, cell.seeds, strict=True))) if cell else 0
        seeds |= set(cell.seeds.tolist()) if cell else set()
    where = f"{task.name}, {mode}, labels {labels}"
    if missing := sorted(set(benchmark.seeds) - seeds):
        yield f"{where}: no score yet of seed {', '.join(map(str, missing))}"
    most = max(sizes.values(), default=0)
    if short := [f"{label} {size}" for label, size in sizes.items() if size < most]:
        yield f"{where}: fewer scores than the {most} of other arms: {'; '.join(short)}"
