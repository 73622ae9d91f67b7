"""Tasks, arms, environment and costs: the tables beside the scores."""

import json

from pydantic import JsonValue

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.costs import StageCost
from orienteer.comparison.records import STAGES
from orienteer.comparison.statistics import Analysis
from orienteer.comparison.tables import Entry, Table
from orienteer.comparison.words import MODES
from orienteer.units import DASH, duration

ROLES = {"ours": "ours", "baseline": "baseline", "scratch": "no pretraining", "ablation": "ablation"}
STAGE_WORDS = {"pretrain": "pretraining", "finetune": "one fine-tuning", "frozen": "one frozen probe"}
WATT_HOUR = 3600.0
FOREIGN = "in a network of its own, by steps and on people that are not known here; they may be among those scored."
METHODS = (
    "**Score.** The score of a case is the mean over its structures; numbers that are not defined (the distance to an "
    "empty prediction) are left out and counted.",
    "**Interval.** 95 %, percentile bootstrap: people with all their scans, and independently of them seeds with all "
    "their rows, are drawn anew 2,000 times. Two scans of one person, or of one training, are not independent. With "
    "few people and seeds such intervals are somewhat too narrow, and the luck of a pretraining run that several seeds "
    "start from is not in them. Below three people there are none.",
    "**Gain.** How much better an arm is than its reference on the cases and seeds that both have, in the metric's "
    "unit; above zero is better, also where a lower figure is better.",
    "**p.** Wilcoxon's signed-rank test, two-sided, paired over case and seed. Those pairs are not independent (a "
    "person's scans and seeds stand in several of them), so this p is too small; beside it stands the test with each "
    "person counted once. Zero differences are left out of the ranking; if all are zero, p is 1.",
    "**Holm.** All comparisons of one task and mode, at all label counts and against both references, are one family.",
    "**Effect.** Matched-pairs rank-biserial correlation: +1 when every pair speaks for the arm, −1 when every pair "
    "speaks against it.",
    "**Told apart.** Marked in the tables only where p < 0.05 after Holm's correction and the interval of the gain, "
    "over people and seeds, leaves zero out.",
    "**Best baseline.** The baseline with the best mean at that task, mode and label count: chosen on the figures it "
    "is judged by, which favours it.",
    "**Label efficiency.** Scratch's means are made monotone in the number of labels (isotonic regression), joined by "
    "straight lines over its logarithm, and read backwards at the arm's score. The line is not carried on beyond the "
    "measured label counts. In brackets the 95 % interval of the same bootstrap, where it differs from the answer.",
)


def task_table(analysis: Analysis, benchmark: Benchmark) -> Table:
    """Tasks, their metrics, modes and label counts."""
    rows = []
    for task in benchmark.tasks:
        modes = analysis.modes(task.name)
        labels = sorted({count for mode in modes for count in analysis.labels(task.name, mode)})
        words = task.words if task.threshold is None else f"{task.words} (threshold {task.threshold:g})"
        rows.append([
            Entry(task.name), Entry(task.kind), Entry(words), Entry(f"{task.better} is better"),
            Entry(", ".join(MODES[mode] for mode in modes) or DASH), Entry(", ".join(map(str, labels)) or DASH),
        ])  # fmt: skip
    return Table("Tasks", ["task", "kind", "judged by", "direction", "modes", "labelled scans"], rows, words=6)


def arm_table(benchmark: Benchmark) -> Table:
    """Arms and their roles."""
    equal = benchmark.scratch
    rows = []
    for arm in benchmark.arms:
        role = ROLES[arm.role] + (", equal budget" if arm is equal else "")
        rows.append([Entry(arm.label), Entry(arm.name), Entry(f"{role}; {arm.origin}" if arm.origin else role)])
    imported = [arm.label for arm in benchmark.arms if arm.origin]
    note = f"{', '.join(imported)}: trained elsewhere, {FOREIGN}" if imported else ""
    return Table("Arms", ["arm", "name in the records", "role"], rows, words=3, note=note)


def environment(benchmark: Benchmark) -> list[tuple[str, str]]:
    """Names and values that describe the machine and the software."""
    return [
        ("orienteer", benchmark.orienteer_version),
        *((name, plain(value)) for name, value in benchmark.environment.items()),
    ]


def cost_table(analysis: Analysis, benchmark: Benchmark) -> Table | None:
    """Time, energy and memory of each arm's stages."""
    stages = [stage for stage in STAGES if any(stage in cost.stages for cost in analysis.costs)]
    if not stages:
        return None
    energy = any(one.metered for cost in analysis.costs for one in cost.stages.values())
    processor = any(one.cpu_seconds is not None for cost in analysis.costs for one in cost.stages.values())
    columns = ["arm"]
    for stage in stages:
        task = next(cost.stages[stage].task for cost in analysis.costs if stage in cost.stages)
        words = STAGE_WORDS[stage] + (f" ({task})" if task else "")
        columns.append(f"{words}, time")
        columns += [f"{words}, processor time"] if processor else []
        columns += [f"{words}, energy"] if energy else []
    rows = []
    for cost in analysis.costs:
        row = [Entry(benchmark.arm(cost.arm).label)]
        for stage in stages:
            one = cost.stages.get(stage)
            row.append(Entry(_time(one)))
            if processor:
                row.append(Entry(duration(one.cpu_seconds) if one and one.cpu_seconds is not None else DASH))
            if energy:
                row.append(Entry(_energy(one)))
        every = list(cost.stages.values())
        memory = [one.peak_memory_mb for one in every if one.peak_memory_mb is not None]
        row += [
            Entry(f"{max(memory):,.0f} MB" if memory else DASH),
            Entry(", ".join(sorted({device for one in every for device in one.devices}))),
        ]
        rows.append(row)
    return Table(
        "Cost of each arm",
        [*columns, "peak memory", "device"],
        rows,
        note="Mean of a run (× number of runs). A run that was killed and gone on with tells no time. "
        + ("" if energy else "No energy was recorded: this machine does not tell it. ")
        + (
            "Times are of the machine that ran a job"
            if "reused" in benchmark.environment or "; " in str(benchmark.environment.get("processor", ""))
            else "Times are of the machine above"
        )
        + " and whatever else it was doing"
        + ("; processor time leaves other work out." if processor else "."),
    )


def configuration(benchmark: Benchmark) -> str:
    """The resolved settings as indented JSON."""
    return json.dumps(benchmark.configuration, indent=2, ensure_ascii=False, default=str)


def plain(value: JsonValue) -> str:
    """A value of the environment as text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return DASH if value is None else str(value)


def _time(cost: StageCost | None) -> str:
    if cost is None or cost.seconds is None:
        return DASH
    steps = "" if cost.steps is None else f", {cost.steps:,.0f} steps"
    return f"{duration(cost.seconds)}{steps} (× {cost.timed})"


def _energy(cost: StageCost | None) -> str:
    if cost is None or cost.energy_j is None:
        return DASH
    partly = "" if cost.metered == cost.runs else f" ({cost.metered} of {cost.runs} runs)"
    return f"{cost.energy_j / WATT_HOUR:.2f} Wh{partly}"
