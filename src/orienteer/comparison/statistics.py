"""All statistics of a benchmark: scores, paired comparisons, label efficiency, gaps."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.bootstrap import grid_of, interval
from orienteer.comparison.costs import ArmCost, costs_of
from orienteer.comparison.efficiency import Needed, labels_needed
from orienteer.comparison.gaps import gaps
from orienteer.comparison.learning import Learning, learning_of
from orienteer.comparison.paired import ALPHA, Paired, holm, paired
from orienteer.comparison.pretext import Learned, learned_of
from orienteer.comparison.records import MODES, Records
from orienteer.comparison.scores import Cell, Key, cells_of, columns, item_means

SCRATCH, BASELINE = "scratch", "best baseline"


@dataclass(frozen=True)
class Score:
    """The mean over cases and seeds, its 95 % interval over subjects and seeds, and the SD of the seeds' means.

    ``undefined`` of ``numbers`` measured numbers were NaN and left out.
    """

    mean: float
    low: float | None
    high: float | None
    sd_seeds: float | None
    people: int
    cases: int
    seeds: int
    undefined: int
    numbers: int


@dataclass(frozen=True)
class Comparison:
    """``arm`` against ``reference``; ``against`` tells whether that is scratch or the best baseline.

    Each of the two Holm corrections is over all comparisons of one task and mode.
    """

    task: str
    mode: str
    labels: int
    arm: str
    reference: str
    against: str
    paired: Paired
    holm_row: float | None = None
    holm_person: float | None = None
    family: int = 0

    @property
    def significant(self) -> bool:
        """Whether p after Holm is below 0.05 and the interval over subjects and seeds excludes zero.

        p alone is not enough: its pairs share subjects and networks. Between equal arms that differ in training noise
        only, p fell below 0.05 in 32 to 44 % of simulated benchmarks (before Holm), both criteria in 9 to 11 %.
        """
        pair = self.paired
        sure = pair.low is not None and pair.high is not None and (pair.low > 0 or pair.high < 0)
        return sure and self.holm_row is not None and self.holm_row < ALPHA


@dataclass(frozen=True)
class Analysis:
    """All statistics of one benchmark.

    ``undefined`` holds, for every cell, how many of how many measured numbers were NaN; a cell without any defined
    number has no score.
    """

    scores: Mapping[Key, Score]
    undefined: Mapping[Key, tuple[int, int]]
    comparisons: tuple[Comparison, ...]
    needed: Mapping[Key, Needed]
    items: Mapping[str, Mapping[tuple[str, int, str, str], float]]
    costs: tuple[ArmCost, ...]
    learned: tuple[Learned, ...]
    learning: Mapping[tuple[str, int, str], Learning]
    best_baselines: Mapping[tuple[str, str, int], str]
    gaps: tuple[str, ...]

    def modes(self, task: str) -> list[str]:
        """The modes in which ``task`` was measured: fine-tuned first."""
        found = {key.mode for key in self.scores if key.task == task}
        return [mode for mode in MODES if mode in found]

    def labels(self, task: str, mode: str) -> list[int]:
        """The label counts at which ``task`` was measured."""
        return sorted({key.labels for key in self.scores if (key.task, key.mode) == (task, mode)})

    def metrics(self, task: Task) -> list[str]:
        """The secondary metrics of ``task``."""
        return sorted({key.metric for key in self.scores if key.task == task.name} - {task.metric})

    def against(self, task: str, mode: str, labels: int, arm: str, against: str) -> Comparison | None:
        """The comparison of ``arm`` with scratch or with the best baseline, if there is one."""
        wanted = (task, mode, labels, arm, against)
        return next((c for c in self.comparisons if (c.task, c.mode, c.labels, c.arm, c.against) == wanted), None)


def analyse(records: Records) -> Analysis:
    """All statistics of a benchmark, finished or not."""
    benchmark, cells = records.benchmark, cells_of(records.cases)
    scores = {key: score for key, cell in cells.items() if (score := score_of(cell)) is not None}
    best = _best_baselines(benchmark, scores)
    return Analysis(
        scores=scores,
        undefined={key: (cell.undefined, cell.numbers) for key, cell in cells.items()},
        comparisons=tuple(_comparisons(benchmark, cells, best)),
        needed=_needed(benchmark, cells),
        items={task.name: item_means(records.cases, task.name, task.metric) for task in benchmark.tasks},
        costs=costs_of(records.costs, benchmark),
        learned=learned_of(records.pretext, benchmark),
        learning=learning_of(records.learning, benchmark),
        best_baselines=best,
        gaps=tuple(gaps(records, cells)),
    )


def score_of(cell: Cell) -> Score | None:
    """The mean of a cell with its interval; None for an empty cell."""
    if not cell.values.size:
        return None
    grid = grid_of(cell.people, cell.seeds, cell.values)
    ends = interval(grid)
    means = grid.sums.sum(axis=0) / grid.counts.sum(axis=0)
    return Score(
        mean=grid.mean,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        sd_seeds=float(np.std(means, ddof=1)) if means.size > 1 else None,
        people=grid.counts.shape[0],
        cases=np.unique(cell.cases).size,
        seeds=means.size,
        undefined=cell.undefined,
        numbers=cell.numbers,
    )


def _best_baselines(benchmark: Benchmark, scores: Mapping[Key, Score]) -> dict[tuple[str, str, int], str]:
    found: dict[tuple[str, str, int], str] = {}
    for task, mode, labels in columns(benchmark, scores):
        means = {
            arm.name: task.sign * scores[key].mean
            for arm in benchmark.baselines
            if (key := Key(task.name, mode, labels, arm.name, task.metric)) in scores
        }
        if means:
            found[task.name, mode, labels] = max(means, key=lambda name: means[name])
    return found


def _comparisons(
    benchmark: Benchmark, cells: Mapping[Key, Cell], best: Mapping[tuple[str, str, int], str]
) -> Iterator[Comparison]:
    families: dict[tuple[str, str], list[Comparison]] = defaultdict(list)
    scratch = benchmark.scratch.name if benchmark.scratch else None
    for task, mode, labels in columns(benchmark, cells):
        baseline = best.get((task.name, mode, labels))
        for arm in benchmark.arms:
            for against, reference in ((SCRATCH, scratch), (BASELINE, baseline)):
                # Scratch against the best baseline repeats the best baseline against scratch.
                if reference is None or arm.name in (reference, scratch):
                    continue
                pair = [cells.get(Key(task.name, mode, labels, name, task.metric)) for name in (arm.name, reference)]
                found = paired(pair[0], pair[1], task.sign) if pair[0] and pair[1] else None
                if found is not None:
                    families[task.name, mode].append(
                        Comparison(task.name, mode, labels, arm.name, reference, against, found)
                    )
    for family in families.values():
        yield from _corrected(family)


def _corrected(family: list[Comparison]) -> Iterator[Comparison]:
    rows = _holm([one.paired.by_row.p for one in family])
    people = _holm([one.paired.by_person.p for one in family])
    for one, row, person in zip(family, rows, people, strict=True):
        yield replace(one, holm_row=row, holm_person=person, family=len(family))


def _holm(values: list[float | None]) -> list[float | None]:
    corrected = iter(holm([value for value in values if value is not None]))
    return [None if value is None else next(corrected) for value in values]


def _needed(benchmark: Benchmark, cells: Mapping[Key, Cell]) -> dict[Key, Needed]:
    if benchmark.scratch is None:
        return {}
    found: dict[Key, Needed] = {}
    curves: dict[tuple[str, str], dict[int, Cell]] = defaultdict(dict)
    for key, cell in cells.items():
        if key.arm == benchmark.scratch.name and key.metric == benchmark.task(key.task).metric:
            curves[key.task, key.mode][key.labels] = cell
    for key, cell in cells.items():
        task = benchmark.task(key.task)
        if key.metric == task.metric and key.arm != benchmark.scratch.name:
            found[key] = labels_needed(cell, curves[key.task, key.mode], task.sign)
    return found
