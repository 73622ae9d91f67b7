"""Shared by tasks that predict displacements between views: head, columns, measures and metrics."""

from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.pretext.contract import sample_column, to_numpy, vector_columns, view_columns
from orienteer.records import Measure, Metric, Rows
from orienteer.records.statistics import mean, median, vectors

Form = Literal["difference", "pairwise"]


class PairHead(nn.Module):
    """Displacements of every ordered pair of views.

    ``difference``: one position per view, step = p_j - p_i. Every route then closes by algebra, trained or not.
    ``pairwise``: step = h(z_i, z_j). Steps can contradict each other, so closure must be learned.

    Args:
        embedding: E.
        form: which of the two.
        outputs: numbers per pair (3 for a displacement).
        hidden: width of the hidden layer.
    """

    def __init__(self, embedding: int, form: Form, *, outputs: int = 3, hidden: int = 256) -> None:
        super().__init__()
        self.form = form
        inputs = embedding if form == "difference" else 2 * embedding
        self.mlp = nn.Sequential(
            nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, outputs)
        )

    def forward(self, z: Float[Tensor, "B K E"]) -> Float[Tensor, "B K K outputs"]:
        """``[b, i, j]``: the step from view i to view j. The diagonal of ``pairwise`` is not forced to zero."""
        if self.form == "difference":
            position = self.mlp(z)
            steps: Tensor = position[:, None, :, :] - position[:, :, None, :]
            return steps
        views = z.shape[1]
        start = z[:, :, None, :].expand(-1, -1, views, -1)
        end = z[:, None, :, :].expand(-1, views, -1, -1)
        pair: Tensor = self.mlp(torch.cat([start, end], dim=-1))
        return pair


def pair_rows(
    i: Tensor, j: Tensor, true: Float[Tensor, "B P 3"], predicted: Float[Tensor, "B P 3"]
) -> dict[str, NDArray[Any]]:
    """One row per pair (i, j) and sample, in mm."""
    samples, pairs = true.shape[:2]
    return {
        "sample": sample_column(samples, pairs),
        "view_i": view_columns(samples, i),
        "view_j": view_columns(samples, j),
        **vector_columns("true", to_numpy(true.flatten(0, 1))),
        **vector_columns("pred", to_numpy(predicted.flatten(0, 1))),
    }


ZERO = "answering “no gap at all”"
METRICS = (
    Metric(
        name="gap_error_mm",
        title="Gap error",
        unit="mm",
        meaning="how far off one view is placed, seen from another",
        look="It should fall well below the dashed chance line. If only the curve of the training subjects falls, the "
        "model remembers them instead of learning anatomy.",
        chance=ZERO,
        shown="card",
        per_row="vector",
    ),
    Metric(name="gap_error_median_mm", title="Gap error, median", unit="mm", chance=ZERO),
    Metric(
        name="distance_error_mm",
        title="Error of the distance alone",
        unit="mm",
        chance="answering the median distance",
    ),
    Metric(name="gap_error_right_mm", title="Gap error, left – right", unit="mm", chance=ZERO),
    Metric(name="gap_error_anterior_mm", title="Gap error, posterior – anterior", unit="mm", chance=ZERO),
    Metric(name="gap_error_superior_mm", title="Gap error, inferior – superior", unit="mm", chance=ZERO),
)
"""Metrics of ``displacement_measures``."""


def displacement_measures(rows: Rows) -> dict[str, Measure]:
    """Mean error of the predicted displacement, with the best constant answer as chance.

    Among ordered pairs every displacement occurs with its negative, so the best constant is zero and its error is the
    mean distance.
    """
    true, predicted = vectors(rows, "true"), vectors(rows, "pred")
    error = np.linalg.norm(predicted - true, axis=1)
    distance = np.linalg.norm(true, axis=1)
    far = np.abs(np.linalg.norm(predicted, axis=1) - distance)
    measures = {
        "gap_error_mm": Measure(mean(error), "mm", mean(distance)),
        "gap_error_median_mm": Measure(median(error), "mm", median(distance)),
        "distance_error_mm": Measure(
            mean(far), "mm", mean(np.abs(distance - np.median(distance))) if len(distance) else None
        ),
    }
    for n, axis in enumerate(("right", "anterior", "superior")):
        measures[f"gap_error_{axis}_mm"] = Measure(
            mean(np.abs(predicted[:, n] - true[:, n])), "mm", mean(np.abs(true[:, n]))
        )
    return measures
