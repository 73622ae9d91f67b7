"""Names, units and formatting of the figures, in words a reader knows who never saw the code."""

from dataclasses import dataclass

TASKS = {
    "gap": "gap matrix",
    "adjacency": "adjacency of chunks",
    "route": "directions and routes",
    "position": "position field",
    "masked": "masked autoencoding",
    "genesis": "Models Genesis",
}
SPATIAL = ("gap", "adjacency", "route", "position")
"""Tasks about places, which have cards and sections of their own."""
TITLES = {
    "gap_error_mm": "Gap error",
    "direction_error_deg": "Direction error",
    "route_arrival_mm": "Route arrival",
    "route_closure_mm": "Route closure",
    "adjacency_accuracy": "Adjacency accuracy",
    "gap_error_median_mm": "Gap error, median",
    "gap_error_right_mm": "Gap error, left – right",
    "gap_error_anterior_mm": "Gap error, posterior – anterior",
    "gap_error_superior_mm": "Gap error, inferior – superior",
    "distance_error_mm": "Error of the distance alone",
    "coverage_50": "Truth inside the 50 % interval",
    "coverage_90": "Truth inside the 90 % interval",
    "step_error_mm": "Error of a single step",
    "adjacency_accuracy_all": "Adjacency accuracy, all pairs",
    "adjacency_auc": "Adjacency AUC",
    "similarity_adjacent": "Similarity of adjacent chunks",
    "similarity_distant": "Similarity of distant chunks",
    "embedding_rank": "Effective rank of the chunk embedding",
    "position_error_mm": "Position error",
    "masked_error": "Error in hidden voxels",
    "interpolation_error": "Error of a smooth interpolation",
    "restoration_error": "Restoration error",
    "one_grey_error": "Error of one grey for each view",
    "loss": "Loss",
    "learning_rate": "Learning rate",
    "data_wait_fraction": "Share of time waiting for data",
}
HEADLINES = (
    "gap_error_mm",
    "direction_error_deg",
    "route_arrival_mm",
    "route_closure_mm",
    "adjacency_accuracy",
    "position_error_mm",
)
"""The curves shown at once; the others wait behind a click."""
UNITS = {"mm": "mm", "deg": "°", "fraction": "%", "s": "s"}


@dataclass(frozen=True)
class KeyFigure:
    """One card: which stable key it shows and how it is explained."""

    key: str
    task: str
    unit: str
    meaning: str
    chance_key: str | None = None
    chance: float | None = None
    better: str = "lower"
    instead: tuple[str, str] | None = None
    """Where it could not be measured: the key shown in its place, and what that one means."""


KEY_FIGURES = (
    KeyFigure(
        "gap_error_mm", "gap", "mm",
        "how far off one view is placed, seen from another", chance_key="gap_chance_mm",
    ),
    # A direction drawn at random is 90° off on average, and one of two chunk pairs is right half the time.
    KeyFigure("direction_error_deg", "route", "deg", "angle between predicted and true direction",
    chance=90.0),
    KeyFigure("route_arrival_mm", "route", "mm", "how far from the goal a chain of predicted steps ends"),
    KeyFigure("route_closure_mm", "route", "mm", "how far from its start a predicted round trip ends"),
    KeyFigure("position_error_mm", "position", "mm", "how far off single voxels are placed"),
    KeyFigure(
        "adjacency_accuracy", "adjacency", "fraction",
        "how often the nearer of two chunk pairs is called more alike (pairs that differ by 30 mm or more)",
        chance=0.5, better="higher",
        instead=(
            "adjacency_accuracy_all",
            "how often the nearer of two chunk pairs is called more alike (in scans this small no two differ by 30 mm)",
        ),
    ),
)  # fmt: skip
MEANINGS = {
    "masked_error": "how far off hidden body voxels are restored, in per cent of the intensity window",
    "restoration_error": "how far off the body voxels of a distorted view are restored, in per cent of the intensity "
    "window",
}
"""What the headline of any other task means, where a title does not say it."""


def key_figure(task: str, key: str, unit: str, better: str) -> KeyFigure:
    """The card of a task that has none of its own above: its first measure."""
    return KeyFigure(
        key, task, unit, MEANINGS.get(key, f"headline of the task “{TASKS.get(task, task)}”"), better=better
    )


def title_of(name: str) -> str:
    """A measure's name in words: known ones as written above, others with their unit suffix dropped."""
    if name in TITLES:
        return TITLES[name]
    stem = name.removesuffix("_mm").removesuffix("_deg")
    return stem.replace("_", " ").capitalize()


def scaled(value: float, unit: str) -> float:
    """The value as it is shown: fractions become per cent."""
    return value * 100 if unit == "fraction" else value


def shown_unit(unit: str) -> str:
    """The unit as it is shown; a pure number has none."""
    return UNITS.get(unit, "" if unit == "1" else unit)


def shown(value: float, unit: str) -> str:
    """The value and its unit, to a precision that means something: ``5.4 mm``, ``92.1 %``, ``7.3°``."""
    number = scaled(value, unit)
    text = f"{number:.1f}" if abs(number) < 100 or unit == "fraction" else f"{number:.0f}"
    suffix = shown_unit(unit)
    return f"{text}{suffix}" if suffix == "°" else f"{text} {suffix}".rstrip()


def duration(seconds: float) -> str:
    """Seconds as ``9 min 40 s`` or ``3 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
