"""``report.html``: the tables and interactive plots in one offline file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.facts import METHODS, arm_table, configuration, cost_table, environment, task_table
from orienteer.comparison.figures import curve_figure, forest_figure, item_figure, learning_figure
from orienteer.comparison.statistics import Analysis
from orienteer.comparison.summary import Summary
from orienteer.comparison.tables import (
    LEGEND,
    Table,
    efficiency_table,
    learning_table,
    paired_table,
    pretext_table,
    score_table,
)  # fmt: skip
from orienteer.comparison.words import MODES
from orienteer.report.theme import Figure

EMPHASIS = re.compile(r"^\*\*(.+?)\*\* ")


@dataclass(frozen=True)
class Block:
    """A task in one mode: plots and tables, and further ones that are folded."""

    anchor: str
    title: str
    figures: Sequence[Figure]
    tables: Sequence[Table]
    more_figures: Sequence[Figure]
    more_tables: Sequence[Table]


def render(analysis: Analysis, benchmark: Benchmark, summary: Summary) -> str:
    """The page as a string; every text of the records is escaped by the template."""
    import jinja2
    from plotly.offline import get_plotlyjs

    # Style sheet and drawing script are those of the run's report.
    environment_ = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader("orienteer.comparison"), jinja2.PackageLoader("orienteer.report")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment_.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    # The library is trusted, but a closing tag inside it would end its script element.
    library = get_plotlyjs().replace("</script", "<\\/script")
    return environment_.get_template("comparison.html.j2").render(
        library=library, **contents(analysis, benchmark, summary)
    )


def contents(analysis: Analysis, benchmark: Benchmark, summary: Summary) -> dict[str, object]:
    """The template's variables."""
    blocks = [
        block(analysis, benchmark, task, mode, f"part-{place}-{mode}")
        for place, task in enumerate(benchmark.tasks)
        for mode in analysis.modes(task.name)
    ]
    figures = [figure for part in blocks for figure in (*part.figures, *part.more_figures)]
    return {
        "title": benchmark.title,
        "name": benchmark.name,
        "summary": summary,
        "gaps": list(analysis.gaps),
        "blocks": blocks,
        "legend": LEGEND,
        "figures": {figure.name: {"data": figure.data, "layout": figure.layout} for figure in figures},
        "pretext": pretext_table(analysis, benchmark),
        "costs": cost_table(analysis, benchmark),
        "ran": [task_table(analysis, benchmark), arm_table(benchmark)],
        "facts": environment(benchmark),
        "methods": [_method(line) for line in METHODS],
        "commands": "\n".join(benchmark.commands),
        "settings": configuration(benchmark) if benchmark.configuration else "",
        "credit": benchmark.credit,
    }


def block(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str, anchor: str) -> Block:
    """One task in one mode: the curve, the gains and the fewest labels' structures first."""
    labels = analysis.labels(task.name, mode)
    fine = mode == "finetuned"
    learning = [learning_figure(analysis, benchmark, task, count) for count in labels] if fine else []
    items = [item_figure(analysis, benchmark, task, mode, count) for count in labels]
    first = [curve_figure(analysis, benchmark, task, mode), forest_figure(analysis, benchmark, task, mode)]
    first += [*learning[:1], *items[:1]]
    secondary = [score_table(analysis, benchmark, task, mode, name) for name in analysis.metrics(task)]
    tables = [
        score_table(analysis, benchmark, task, mode),
        efficiency_table(analysis, benchmark, task, mode),
        learning_table(analysis, benchmark, task) if fine else None,
        *secondary,
    ]
    tests = paired_table(analysis, benchmark, task, mode)
    return Block(
        anchor=anchor,
        title=f"{task.name}: {task.words}, {MODES[mode]}",
        figures=[figure for figure in first if figure is not None],
        tables=[table for table in tables if table is not None],
        more_figures=[figure for figure in (*learning[1:], *items[1:]) if figure is not None],
        more_tables=[tests] if tests is not None else [],
    )


def _method(line: str) -> tuple[str, str]:
    found = EMPHASIS.match(line)
    return (found.group(1).rstrip("."), line[found.end() :]) if found else ("", line)
