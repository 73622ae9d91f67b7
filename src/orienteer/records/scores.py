"""Scores of what an encoder is used for: segmentations, predicted numbers and classes, read-outs of frozen features."""

from orienteer.records.card import unlisted_metric
from orienteer.records.metric import Metric

DICE = Metric(name="dice", title="Dice", unit="fraction", better="higher", meaning="overlap of a structure")
SURFACE_DICE = Metric(
    name="surface_dice",
    title="Surface Dice",
    unit="fraction",
    better="higher",
    meaning="share of both surfaces within the tolerance of each other",
)
HD95 = Metric(name="hd95_mm", title="HD95", unit="mm", meaning="95th percentile of the distances between surfaces")
FALSE_VOLUME = Metric(
    name="false_ml",
    title="False volume (ml)",
    unit="1",
    meaning="volume predicted of a structure that the scan's labels lack",
)
CORRECT = Metric(name="correct", title="Accuracy", unit="fraction", better="higher", meaning="share of cases right")
ABSOLUTE_ERROR = Metric(
    name="absolute_error", title="Absolute error", unit="1", meaning="how far off the number is, in its own unit"
)

JUDGED = {"segment": DICE, "classify": CORRECT, "regress": ABSOLUTE_ERROR}
"""The metric that decides each kind of fine-tuning; a regressed number has the unit of its column."""

LINEAR, NEAREST = "linear", "knn"
"""How frozen features are read out: by one linear layer, or by nearest neighbours."""
READ_OUT_WORDS = {LINEAR: "linear read-out", NEAREST: "nearest neighbours"}


def _read_outs(stem: str, suffix: str, **about: str) -> dict[str, Metric]:
    """The same figure for each way of reading features out."""
    return {how: Metric.model_validate({"name": f"{stem}_{how}{suffix}", **about}) for how in READ_OUT_WORDS}


VIEW_POSITION = _read_outs(
    "position",
    "_mm",
    title="Error of the position",
    unit="mm",
    meaning="position of a view",
    chance="the mean position",
)
VIEW_SIDE = _read_outs(
    "side", "", title="Views whose side is right", unit="fraction", better="higher", meaning="left or right"
)
VOXEL_STRUCTURE = _read_outs(
    "structure", "", title="Voxels right", unit="fraction", better="higher", meaning="structure of a voxel"
)
SCORES = {
    metric.name: metric
    for metric in (
        DICE,
        SURFACE_DICE,
        HD95,
        FALSE_VOLUME,
        CORRECT,
        Metric(name="accuracy", title="Accuracy", unit="fraction", better="higher"),
        Metric(name="balanced_accuracy", title="Balanced accuracy", unit="fraction", better="higher"),
        Metric(name="auc", title="AUC", unit="fraction", better="higher"),
        ABSOLUTE_ERROR,
        *VIEW_POSITION.values(),
        *VIEW_SIDE.values(),
        *VOXEL_STRUCTURE.values(),
    )
}
"""Every score, by name."""


def undefined_where(name: str) -> str:
    """When a score of a case has no value."""
    missing = "the labels or the prediction of a scan lack" if name == HD95.name else "the labels of a scan lack"
    return f"where {missing} a structure"


def words_of(name: str) -> str:
    """A score in a line of its own: ``position of a view, linear read-out``, ``Dice``; unlisted ones by their name."""
    metric = SCORES.get(name) or unlisted_metric(name)
    how = READ_OUT_WORDS.get(name.removesuffix("_mm").rpartition("_")[2])
    return f"{metric.meaning}, {how}" if how else metric.title


def number_of(value: float | None, name: str) -> str:
    """A score's value with its unit: mm to a tenth, everything else to three digits."""
    if value is None:
        return "–"
    metric = SCORES.get(name) or unlisted_metric(name)
    return f"{value:.1f} mm" if metric.unit == "mm" else f"{value:.3f}"
