"""Single samples, looked at closely: gap matrix, chunk boxes and routes of one scan, behind one selector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from orienteer.report.matrix import Quantity, example_quantities
from orienteer.report.planes import PairDrawing, Picture, pair_drawings, pictures
from orienteer.report.read import EvaluationRecords, Example
from orienteer.report.routes import example_figure
from orienteer.report.scatter import error_mm

MOST_EXAMPLES = 12


@dataclass(frozen=True)
class Closeup:
    """One example ready to be drawn; empty where its task was not trained."""

    label: str
    chosen: bool
    view_mm: float
    quantities: Sequence[Quantity]
    pictures: Sequence[Picture]
    pairs: Sequence[PairDrawing]
    scene: Mapping[str, Any] | None


def closeups(evaluation: EvaluationRecords) -> list[Closeup]:
    """The kept examples, the one with the middle gap error shown first: neither the best nor the worst."""
    examples = evaluation.examples[:MOST_EXAMPLES]
    if not examples:
        return []
    errors = [_error(evaluation, example) for example in examples]
    order = np.argsort(np.nan_to_num(errors, nan=np.inf), kind="stable")
    middle = int(order[(len(order) - 1) // 2])
    ranks = {int(order[-1]): "largest error", int(order[0]): "smallest error", middle: "typical"}
    if len(examples) < 3 or np.isnan(errors).any():
        ranks = {}
    return [
        Closeup(
            label=_label(number, example, errors[number], ranks.get(number)),
            chosen=number == middle,
            view_mm=example.view_mm,
            quantities=example_quantities(evaluation.tables["gap"], example) if "gap" in evaluation.tables else [],
            pictures=pictures(example),
            pairs=pair_drawings(evaluation.tables["adjacency"], example) if "adjacency" in evaluation.tables else [],
            scene=example_figure(evaluation.tables["route"], example) if "route" in evaluation.tables else None,
        )
        for number, example in enumerate(examples)
    ]


def _error(evaluation: EvaluationRecords, example: Example) -> float:
    """Mean gap error of one sample in mm; NaN when no pair of it was recorded."""
    gap = evaluation.tables.get("gap")
    if gap is None:
        return float("nan")
    rows = np.asarray(gap["sample"]) == example.sample
    return float(error_mm(gap)[rows].mean()) if rows.any() else float("nan")


def _label(number: int, example: Example, error: float, rank: str | None) -> str:
    parts = [f"Example {number + 1}", example.scan]
    if np.isfinite(error):
        parts.append(f"gap error {error:.1f} mm" + (f", {rank}" if rank else ""))
    return " · ".join(parts)
