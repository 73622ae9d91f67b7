"""The tables as plain values, shared by the Markdown file, the page and the terminal."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.paired import ALPHA
from orienteer.comparison.scores import Key
from orienteer.comparison.statistics import BASELINE, SCRATCH, Analysis, Comparison, Score
from orienteer.comparison.words import (
    MODES,
    Written,
    chance_of,
    figure,
    gain,
    labelled,
    needed,
    number,
    span,
    written,
)  # fmt: skip
from orienteer.units import DASH

MARKS = {(SCRATCH, True): "▲", (BASELINE, True): "†", (SCRATCH, False): "▼", (BASELINE, False): "‡"}
LEGEND = (
    "Mean over cases and seeds ± SD of the seeds' means (95 % interval over people and seeds); the best mean is bold. "
    "▲ better and ▼ worse than scratch, † better and ‡ worse than the best baseline: p < 0.05 after Holm's correction, "
    "and the interval of the paired gain leaves zero out."
)


@dataclass(frozen=True)
class Entry:
    """One cell of a table; ``strong`` is shown bold, ``detail`` (spread and interval) small beside or below it."""

    text: str
    strong: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """A titled table; the first ``words`` columns are text, the others figures."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    note: str = ""
    words: int = 1


def score_table(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str, name: str | None = None) -> Table:
    """Arms by label counts, for the task's primary metric or another one."""
    metric, labels = written(task, name), analysis.labels(task.name, mode)
    arms = benchmark.planned(task, mode)
    grid = {
        (arm.name, count): analysis.scores.get(Key(task.name, mode, count, arm.name, name or task.metric))
        for arm in arms
        for count in labels
    }
    best = {count: _best([grid[arm.name, count] for arm in arms], metric) for count in labels}
    rows = []
    for arm in arms:
        row = [Entry(arm.label)]
        for count in labels:
            score = grid[arm.name, count]
            marks = "" if name else _marks(analysis, task, mode, count, arm.name)
            text, detail = _score(score, metric)
            strong = score is not None and number(score.mean, metric) == best[count]
            row.append(Entry(f"{text} {marks}".rstrip(), strong, detail))
        rows.append(row)
    found = [score for score in grid.values() if score is not None]
    unit = "points, 0 to 100" if metric.fraction else metric.unit
    way = {"higher": ", higher is better", "lower": ", lower is better", None: ""}[metric.better]
    return Table(
        title=f"{metric.title}{f' ({unit})' if unit else ''}, {MODES[mode]}{way}",
        columns=["arm", *(labelled(count, task) for count in labels)],
        rows=rows,
        note=" ".join(
            part
            for part in (sizes(found), _undefined(analysis, benchmark, task.name, mode, name or task.metric))
            if part
        ),
    )


def paired_table(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str) -> Table | None:
    """Every comparison of one task and mode."""
    found = [c for c in analysis.comparisons if (c.task, c.mode) == (task.name, mode)]
    if not found:
        return None
    metric = written(task)
    rows = [list(_paired_row(one, benchmark, metric)) for one in found]
    reasons = sorted({test.reason for c in found for test in (c.paired.by_row, c.paired.by_person) if test.reason})
    people = sorted({c.paired.by_person.pairs for c in found if c.paired.by_person.p is not None})
    note = (
        f"Family of Holm's correction: the {found[0].family} comparisons of this table, for each kind of p by itself."
    )
    if people:
        note += f" With {people[0]} people no p can be below {chance_of(2.0 ** (1 - people[0]))} before correction."
    if reasons:
        note += f" {DASH}: no test ({'; '.join(reasons)})."
    return Table(
        title=f"{task.words}, {MODES[mode]}",
        columns=[
            "labels", "arm", "against", "gain (95 % interval)", "pairs", "effect", "p", "p Holm",
            "people", "effect by person", "p by person", "p by person, Holm",
        ],
        rows=rows,
        note=note,
        words=3,
    )  # fmt: skip


def efficiency_table(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str) -> Table | None:
    """How many labels scratch needs for each arm's score; None where scratch has no curve."""
    labels = analysis.labels(task.name, mode)
    if len(labels) < 2:
        return None
    rows, reasons = [], set()
    for arm in benchmark.arms:
        found = [analysis.needed.get(Key(task.name, mode, count, arm.name, task.metric)) for count in labels]
        if any(found):
            rows.append([Entry(arm.label), *(Entry(needed(one) if one else DASH) for one in found)])
            reasons |= {one.reason for one in found if one and one.reason}
    if not rows:
        return None
    return Table(
        title=f"Labels scratch needs to score what each arm scores, {MODES[mode]}",
        columns=["arm", *(f"with {labelled(count, task)}" for count in labels)],
        rows=rows,
        note=f"{DASH}: {'; '.join(sorted(reasons))}." if reasons else "",
    )


def learning_table(analysis: Analysis, benchmark: Benchmark, task: Task) -> Table | None:
    """When each arm matched scratch's final score, and when it ended; None where no validations were recorded."""
    counts = sorted({labels for name, labels, _ in analysis.learning if name == task.name})
    if not counts:
        return None
    metric, rows = written(task), []
    for arm in benchmark.arms:
        row = [Entry(arm.label)]
        for count in counts:
            found = analysis.learning.get((task.name, count, arm.name))
            if found is None:
                row.append(Entry(DASH))
                continue
            ended = f"of {_steps(found.ends)}: {number(float(np.mean(found.last)), metric)}"
            row.append(Entry(_steps(found.reached), detail=ended))
        rows.append(row)
    return Table(
        title="Fine-tuning steps until scratch's final score is matched",
        columns=["arm", *(labelled(count, task) for count in counts)],
        rows=rows,
        note="On validation people: the first validated step that is as good as the last one of scratch with the same "
        "seed; then all steps, and the score at the last. Medians over seeds, and the range where they differ; “never” "
        "is the latest. The score is a mean.",
    )


def _steps(steps: Sequence[int | None]) -> str:
    """The median and the range of some steps; None stands for never."""
    if not steps:
        return DASH
    ordered = sorted(math.inf if step is None else step for step in steps)
    told = ["never" if step == math.inf else f"{step:,.0f}" for step in ordered]
    middle, low, high = told[len(told) // 2], told[0], told[-1]
    return middle if low == high else f"{middle} ({low} to {high})"


def item_table(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str, labels: int) -> Table | None:
    """Mean per structure, arms by structures, at one label count."""
    values = analysis.items[task.name]
    items = sorted({item for kind, count, _, item in values if (kind, count) == (mode, labels)})
    if not items:
        return None
    metric = written(task)
    rows = [
        [Entry(arm.label), *(Entry(number(values.get((mode, labels, arm.name, item)), metric)) for item in items)]
        for arm in benchmark.planned(task, mode)
    ]
    return Table(f"{metric.title} of each structure, {MODES[mode]}, {labelled(labels, task)}", ["arm", *items], rows)


def pretext_table(analysis: Analysis, benchmark: Benchmark) -> Table | None:
    """How well each arm learned its own pretext task."""
    rows = [
        [
            Entry(benchmark.arm(one.arm).label), Entry(one.task), Entry(one.title),
            Entry(figure(one.value, one.unit)), Entry(_seed_span(one.low, one.high, one.unit)),
            Entry(figure(one.chance, one.unit)), Entry(DASH if one.skill is None else figure(one.skill)),
            Entry(f"{one.verdict} ({one.agreeing} of {one.seeds})" if one.verdict else DASH),
        ]
        for one in analysis.learned
    ]  # fmt: skip
    if not rows:
        return None
    return Table(
        title="Did each arm learn its own pretext?",
        columns=["arm", "pretext", "measure", "value", "over seeds", "chance", "skill", "verdict (seeds)"],
        rows=rows,
        note="On validation people. Skill: 0 is chance, 1 is perfect.",
        words=3,
    )


def sizes(scores: Sequence[Score]) -> str:
    """``8 cases of 6 people, 3 seeds``; ranges where cells differ."""
    if not scores:
        return ""
    parts = [(sorted({getattr(score, name) for score in scores}), name) for name in ("cases", "people", "seeds")]
    cases, people, seeds = (f"{found[0]}{f'–{found[-1]}' if len(found) > 1 else ''}" for found, _ in parts)
    return f"{cases} cases of {people} people, {seeds} seed{'' if seeds == '1' else 's'}."


def _score(score: Score | None, metric: Written) -> tuple[str, str]:
    if score is None:
        return DASH, ""
    spread = "" if score.sd_seeds is None else f"± {number(score.sd_seeds, metric)} "
    return number(score.mean, metric), (spread + _bracketed(span(score.low, score.high, metric))).strip()


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def _best(column: Sequence[Score | None], metric: Written) -> str | None:
    means = [score.mean for score in column if score is not None]
    if len(means) < 2 or metric.better is None:
        return None
    return number(max(means) if metric.better == "higher" else min(means), metric)


def _marks(analysis: Analysis, task: Task, mode: str, labels: int, arm: str) -> str:
    text = ""
    for against in (SCRATCH, BASELINE):
        found = analysis.against(task.name, mode, labels, arm, against)
        if found is not None and found.significant:
            text += MARKS[against, found.paired.gain > 0]
    return text


def _undefined(analysis: Analysis, benchmark: Benchmark, task: str, mode: str, metric: str) -> str:
    lost, of = Counter[str](), 0
    for key, (undefined, numbers) in analysis.undefined.items():
        if (key.task, key.mode, key.metric) == (task, mode, metric):
            lost[key.arm] += undefined
            of += numbers
    if not lost.total():
        return ""
    arms = ", ".join(f"{arm.label} {lost[arm.name]}" for arm in benchmark.arms if lost[arm.name])
    return (
        f"{lost.total()} of {of} measured numbers are not defined and were left out, which flatters the arms they "
        f"belong to: {arms}."
    )


def _paired_row(one: Comparison, benchmark: Benchmark, metric: Written) -> Iterator[Entry]:
    pair, row, person = one.paired, one.paired.by_row, one.paired.by_person
    label = benchmark.arm(one.reference).label
    yield Entry(str(one.labels))
    yield Entry(benchmark.arm(one.arm).label)
    yield Entry(label if one.against == SCRATCH else f"{label} ({BASELINE})")
    yield Entry(gain(pair.gain, metric), one.significant, _bracketed(span(pair.low, pair.high, metric, signed=True)))
    for test, corrected in ((row, one.holm_row), (person, one.holm_person)):
        yield Entry(str(test.pairs))
        yield Entry(DASH if test.effect is None else f"{test.effect:+.2f}".replace("-", "−"))
        yield Entry(chance_of(test.p))
        yield Entry(chance_of(corrected), corrected is not None and corrected < ALPHA)


def _seed_span(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None or low == high:
        return DASH
    return f"{figure(low, unit)} to {figure(high, unit)}"
