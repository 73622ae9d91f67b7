"""The result of our arm in sentences that claim no more than the statistics do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orienteer.comparison.benchmark import Arm, Benchmark, Task
from orienteer.comparison.paired import ALPHA
from orienteer.comparison.scores import Key
from orienteer.comparison.statistics import BASELINE, SCRATCH, Analysis, Comparison
from orienteer.comparison.words import MODES, equals, gain, labelled, needed, number, written

NOTHING = "Nothing can be said yet: no arm with the role “ours” was measured beside scratch or a baseline."
READING = (
    "p: over cases and seeds, after Holm's correction; by person: each person counted once, not corrected. Two arms "
    "are told apart only where p < 0.05 and the interval over people and seeds leaves zero out."
)


@dataclass(frozen=True)
class Part:
    """One task in one mode: a sentence for each label count; ``headline`` is the first one, shortened."""

    title: str
    headline: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Summary:
    """The headline, a note on which arm is “ours” and how to read p, and all sentences in parts."""

    headline: str
    reading: str
    parts: Sequence[Part]


def summary_of(analysis: Analysis, benchmark: Benchmark) -> Summary:
    """The first task, fine-tuned, with the fewest labels gives the headline."""
    ours = benchmark.ours
    parts = list(_parts(analysis, benchmark, ours)) if ours is not None else []
    if ours is None or not parts:
        return Summary(NOTHING, "", ())
    return Summary(
        headline=parts[0].headline,
        reading=f"“Ours” is {ours.label}. {READING}{_standing(analysis)}",
        parts=parts,
    )


def _standing(analysis: Analysis) -> str:
    """A caveat where several seeds share a pretraining run; empty where each has its own."""
    runs = min((one.seeds for one in analysis.learned), default=0)
    seeds = max((score.seeds for score in analysis.scores.values()), default=0)
    if not 0 < runs < seeds:
        return ""
    if runs == 1:
        return (
            " Each arm was pretrained once, and all its seeds start from that run: its luck is in no p and no"
            " interval, so what is said here holds for these runs."
        )
    return (
        f" Each arm was pretrained {runs} times for {seeds} seeds: those that start from one run share its luck, and"
        " p and intervals take them for independent."
    )


def _parts(analysis: Analysis, benchmark: Benchmark, ours: Arm) -> Iterator[Part]:
    for task in benchmark.tasks:
        for mode in analysis.modes(task.name):
            found = {
                labels: pair
                for labels in analysis.labels(task.name, mode)
                if (pair := _against(analysis, task, mode, labels, ours))
            }
            if found:
                title, fewest = f"{task.words[:1].upper()}{task.words[1:]}, {MODES[mode]}", min(found)
                clauses = "; it is ".join(_clause(one, benchmark, task, short=True) for one in found[fewest])
                yield Part(
                    title=title,
                    headline=f"{title}: with {labelled(fewest, task)}, ours is {clauses}.",
                    sentences=[_sentence(analysis, benchmark, task, ours, pair) for pair in found.values()],
                )


def _against(analysis: Analysis, task: Task, mode: str, labels: int, ours: Arm) -> list[Comparison]:
    found = (analysis.against(task.name, mode, labels, ours.name, what) for what in (SCRATCH, BASELINE))
    return [one for one in found if one is not None]


def _sentence(
    analysis: Analysis, benchmark: Benchmark, task: Task, ours: Arm, pair: Sequence[Comparison]
) -> str:  # fmt: skip
    mode, labels = pair[0].mode, pair[0].labels
    text = f"With {labelled(labels, task)}, ours is {'; it is '.join(_clause(one, benchmark, task) for one in pair)}."
    found = analysis.needed.get(Key(task.name, mode, labels, ours.name, task.metric))
    if found is not None and found.value is not None:
        text += f" Labels that scratch needs for that score: {needed(found)}."
    return text


def _clause(found: Comparison, benchmark: Benchmark, task: Task, *, short: bool = False) -> str:
    metric, pair = written(task), found.paired
    label = benchmark.arm(found.reference).label
    name = f"{label}, the best baseline" if found.against == BASELINE else "scratch"
    unit = metric.unit
    if metric.fraction:
        unit = f"points of {task.unit}" if task.unit not in ("", "fraction") else "points"
    size = f"{gain(abs(pair.gain), metric).removeprefix('+')} {unit}".rstrip()
    words = ("above", "below") if task.better == "higher" else ("better than", "worse than")
    tests = _tests(found, short=short)
    if not short and pair.low is not None and pair.high is not None:
        tests = f"95 % interval {number(pair.low, metric)} to {number(pair.high, metric)}; {tests}"
    if found.significant:
        return f"{size} {words[pair.gain < 0]} {name} ({tests})"
    small = found.holm_row is not None and found.holm_row < ALPHA
    if short and small and pair.low is not None and pair.high is not None:
        tests += f", but the interval, {number(pair.low, metric)} to {number(pair.high, metric)}, holds zero"
    return f"not told apart from {name} ({gain(pair.gain, metric)} {unit}; {tests})"


def _tests(found: Comparison, *, short: bool) -> str:
    row, person = found.holm_row, found.paired.by_person
    if row is None:
        return f"no test: {found.paired.by_row.reason}"
    if short:
        return equals(row)
    return f"{equals(row)}, by person " + (equals(person.p) if person.p is not None else f"no test: {person.reason}")
