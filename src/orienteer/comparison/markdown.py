"""``results.md``: everything in one Markdown file; the same records give the same bytes."""

import re
from collections.abc import Iterator

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.facts import (
    METHODS,
    arm_table,
    configuration,
    cost_table,
    environment,
    task_table,
)  # fmt: skip
from orienteer.comparison.statistics import Analysis
from orienteer.comparison.summary import Summary
from orienteer.comparison.tables import (
    LEGEND,
    Entry,
    Table,
    efficiency_table,
    item_table,
    learning_table,
    paired_table,
    pretext_table,
    score_table,
)  # fmt: skip

# Characters with a meaning in Markdown; a "<" or "_" that is unambiguous stays as it is.
SPECIAL = re.compile(r"([\\`*\[\]|~$]|<(?=[A-Za-z/!?])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;))")


def markdown(analysis: Analysis, benchmark: Benchmark, summary: Summary, *, curves: str | None = None) -> str:
    """The whole file as text; ``curves`` is the name of the plot beside it."""
    blocks = [block.strip("\n") for block in _blocks(analysis, benchmark, summary, curves) if block.strip()]
    return "\n\n".join(blocks) + "\n"


def _blocks(analysis: Analysis, benchmark: Benchmark, summary: Summary, curves: str | None) -> Iterator[str]:
    yield f"# {escape(benchmark.title)}"
    yield "Written by `orienteer compare` from the records beside this file; change those, not this."
    yield f"**{escape(summary.headline)}**"
    yield escape(summary.reading)
    if curves:
        yield f"![Few-label curves; bands and bars are 95 % intervals over people and seeds]({curves})"
    for part in summary.parts:
        yield f"{paragraph(part.title)}:\n\n" + "\n".join(f"- {paragraph(sentence)}" for sentence in part.sentences)
    if analysis.gaps:
        yield "**Not complete:**\n\n" + "\n".join(f"- {paragraph(gap)}" for gap in analysis.gaps)
    yield "## What was run on what"
    yield _table(task_table(analysis, benchmark))
    yield _table(arm_table(benchmark))
    yield "; ".join(f"{escape(name)} {escape(value)}" for name, value in environment(benchmark)) + "."
    if benchmark.commands:
        yield _fenced("\n".join(benchmark.commands), "bash")
    if benchmark.credit:
        yield f"Data: {escape(benchmark.credit)}"
    yield "## How to read the tables"
    yield escape(LEGEND)
    for task in benchmark.tasks:
        yield from _task(analysis, benchmark, task)
    yield from _titled(pretext_table(analysis, benchmark))
    yield from _titled(cost_table(analysis, benchmark))
    tests = [
        table
        for task in benchmark.tasks
        for mode in analysis.modes(task.name)
        if (table := paired_table(analysis, benchmark, task, mode)) is not None
    ]
    if tests:
        yield "## Paired comparisons"
        for table in tests:
            yield f"### {escape(table.title)}"
            yield _table(table)
    yield "## How the figures were made"
    yield "\n".join(f"- {line}" for line in METHODS)
    if benchmark.configuration:
        yield "## Settings"
        yield _fenced(configuration(benchmark), "json")


def _task(analysis: Analysis, benchmark: Benchmark, task: Task) -> Iterator[str]:
    modes = analysis.modes(task.name)
    if not modes:
        return
    yield f"## {escape(task.name)}: {escape(task.words)}"
    for mode in modes:
        tables = [
            score_table(analysis, benchmark, task, mode),
            efficiency_table(analysis, benchmark, task, mode),
            learning_table(analysis, benchmark, task) if mode == "finetuned" else None,
            *(score_table(analysis, benchmark, task, mode, name) for name in analysis.metrics(task)),
            *(item_table(analysis, benchmark, task, mode, count) for count in analysis.labels(task.name, mode)[:1]),
        ]
        for table in tables:
            if table is not None:
                yield f"### {escape(table.title)}"
                yield _table(table)


def _titled(table: Table | None) -> Iterator[str]:
    if table is not None:
        yield f"## {escape(table.title)}"
        yield _table(table)


def _table(table: Table) -> str:
    lines = [
        "| " + " | ".join(escape(column) for column in table.columns) + " |",
        "|" + "|".join("---" if place < table.words else "---:" for place in range(len(table.columns))) + "|",
    ]
    lines += ["| " + " | ".join(map(_entry, row)) + " |" for row in table.rows]
    return "\n".join(lines) + (f"\n\n{paragraph(table.note)}" if table.note else "")


def _entry(entry: Entry) -> str:
    text = f"**{escape(entry.text)}**" if entry.strong else escape(entry.text)
    return f"{text} {escape(entry.detail)}".rstrip()


def escape(text: str) -> str:
    """``text`` on one line with Markdown's special characters escaped."""
    return SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def paragraph(text: str) -> str:
    """``text`` escaped so that it starts no heading, quote or list."""
    return re.sub(r"^([#>+-]|\d+(?=[.)]))", r"\\\1", escape(text))


def _fenced(text: str, kind: str) -> str:
    # A fence longer than any run of backticks inside it cannot be closed from within.
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"
