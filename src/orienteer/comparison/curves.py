"""``curves.svg``: the few-label curves as one plot for a README, a paper or a slide."""

import io
import re
import textwrap
from collections.abc import Callable

from orienteer.comparison.benchmark import Arm, Benchmark, Task
from orienteer.comparison.figures import Style, column, styles_of
from orienteer.comparison.statistics import Analysis, Score
from orienteer.comparison.words import MODES, scaled, written
from orienteer.errors import needs

with needs("compare", "matplotlib"):
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, NullLocator

# The page's light colours: an SVG file has no style sheet.
INK = {
    "@model": "#0b66b0", "@chance": "#66727f", "@arm-a": "#c75000", "@arm-b": "#00795a", "@arm-c": "#b0407f",
    "@arm-d": "#8a6a00", "@arm-e": "#4a90c8", "@arm-f": "#6b4fb0", "@arm-g": "#16202b",
}  # fmt: skip
MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "cross": "P", "x": "X",
    "star": "*", "pentagon": "p", "hexagon": "h",
}  # fmt: skip
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dashdot": "-.", "longdash": (0, (8, 3))}
ACROSS = 2
PANEL_INCHES = (5.6, 3.9)
LEGEND_INCHES = 0.24
TITLE_LETTERS = 58
"""Characters that fit above a panel in bold; a safe value, because the SVG file embeds no fonts."""


def curves_svg(analysis: Analysis, benchmark: Benchmark) -> str | None:
    """One panel for each task and mode with several label counts; None if there is none.

    The same records and the same version of matplotlib give the same text.
    """
    panels = [
        (task, mode)
        for task in benchmark.tasks
        for mode in analysis.modes(task.name)
        if len(analysis.labels(task.name, mode)) > 1
    ]
    if not panels:
        return None
    # Fixed names and no date: the file changes only with the records.
    with mpl.rc_context(
        {"svg.hashsalt": "orienteer", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}
    ):
        return _drawn(analysis, benchmark, panels)


def _drawn(analysis: Analysis, benchmark: Benchmark, panels: list[tuple[Task, str]]) -> str:
    across = min(ACROSS, len(panels))
    down = -(-len(panels) // across)
    # One column of names a panel: a label may be as long as a panel is wide.
    keys = -(-len(benchmark.arms) // across) * LEGEND_INCHES + 0.2
    width, height = across * PANEL_INCHES[0], down * PANEL_INCHES[1] + keys
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    styles = styles_of(benchmark)
    for ax, (task, mode) in zip(axes, panels, strict=False):
        _panel(ax, analysis, benchmark, task, mode, styles)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    handles = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = [arm.label for arm in benchmark.arms if arm.label in handles]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=across, frameon=False)
    _settle(figure)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return _counted(stream.getvalue())


def _settle(figure: Figure) -> None:
    """Lay the panels out once and round where they lie.

    The solver of the layout sums in the order of its variables' addresses, so its last digits differ from draw to
    draw.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for ax in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in ax.get_position().bounds)
        ax.set_position((left, bottom, width, height))


def _counted(svg: str) -> str:
    """The same drawing with its clips named in order.

    matplotlib names them by a hash of their corners, whose last bits its layout solver does not always repeat.
    """
    names = dict.fromkeys(re.findall(r'<clipPath id="(\w+)"', svg))
    numbers = {name: f"clip-{number}" for number, name in enumerate(names, 1)}
    return re.sub("|".join(names) or "$^", lambda found: numbers[found[0]], svg)


def _panel(ax: Axes, analysis: Analysis, benchmark: Benchmark, task: Task, mode: str, styles: dict[str, Style]) -> None:
    metric, labels = written(task), analysis.labels(task.name, mode)
    curves = {arm: column(analysis, task, mode, arm, labels) for arm in benchmark.arms}
    points = [arm for arm, scores in curves.items() if len(scores) == 1]
    for arm, scores in curves.items():
        x: list[float] = [*scores]
        if arm in points:
            # Side by side, right of where the curves stand: else they and their whiskers hide each other.
            shift = 0.04 * (1 + points.index(arm))
            x = [count * 2**shift if labels[0] > 0 else count + shift for count in x]
        if scores:
            _curve(ax, arm, styles[arm.name], x, scores, lambda value: scaled(value, metric))
    ax.set_xscale("log" if labels[0] > 0 else "linear")
    ax.set_xticks(labels, [str(count) for count in labels])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_minor_formatter(NullFormatter())
    unit = "points" if metric.fraction else metric.unit
    ax.set_xlabel("labelled scans")
    better = "" if task.better == "higher" else ", lower is better"
    ax.set_ylabel((f"{metric.title} ({unit})" if unit else metric.title) + better)
    title = textwrap.fill(f"{task.words}, {MODES[mode]}", TITLE_LETTERS, break_on_hyphens=False)
    ax.set_title(title, loc="left", fontsize=10, fontweight="bold")
    ax.grid(color="#d9dee4", linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)


def _curve(
    ax: Axes, arm: Arm, style: Style, x: list[float], scores: dict[int, Score], shown: Callable[[float], float]
) -> None:
    means = [shown(score.mean) for score in scores.values()]
    lows = [shown(score.mean if score.low is None else score.low) for score in scores.values()]
    highs = [shown(score.mean if score.high is None else score.high) for score in scores.values()]
    colour, strong = INK[style.colour], style.width > 2
    if len(x) == 1:
        ax.vlines(x, lows, highs, color=colour, linewidth=1.3)
    elif strong:
        # Bands for ours and scratch only; more would hide each other.
        ax.fill_between(x, lows, highs, color=colour, alpha=0.12, linewidth=0)
    ax.plot(
        x, means, label=arm.label, color=colour, linestyle=DASHES[style.dash], marker=MARKERS[style.marker],
        linewidth=2.4 if strong else 1.3, markersize=6 if strong else 4.5, zorder=3 if strong else 2,
    )  # fmt: skip
