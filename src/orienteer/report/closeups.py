"""Single samples, looked at closely: whatever the evidence of each task draws of one scan, behind one selector."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import VectorEvidence
from orienteer.report.draw import DRAWERS, UNDRAWABLE, Block
from orienteer.report.draw.planes import Planes, pictures
from orienteer.report.evaluated import Evaluated, Example
from orienteer.units import in_sentence, shown

MOST_EXAMPLES = 12


@dataclass(frozen=True)
class Closeup:
    """One example ready to be drawn: a block for each evidence that draws one, with its task's title.

    ``chosen`` is shown first; ``ranked`` says that it is so for its middling error.
    """

    label: str
    chosen: bool
    ranked: bool
    blocks: Sequence[tuple[str, Block]]


def closeups(lead: Evaluated) -> list[Closeup]:
    """The kept examples, the one with the middle error shown first: neither the best nor the worst."""
    examples = lead.examples[:MOST_EXAMPLES]
    if not examples:
        return []
    errors = _errors(lead, examples)
    order = np.argsort(np.nan_to_num(errors, nan=np.inf), kind="stable")
    ranked = bool(np.isfinite(errors).all())
    middle = int(order[(len(order) - 1) // 2]) if ranked else 0
    ranks = {int(order[-1]): "largest error", int(order[0]): "smallest error", middle: "typical"}
    if len(examples) < 3 or not ranked:
        ranks = {}
    return [
        Closeup(
            label=_label(lead, number, example, float(errors[number]), ranks.get(number)),
            chosen=number == middle,
            ranked=ranked,
            blocks=_blocks(lead, example),
        )
        for number, example in enumerate(examples)
    ]


def _blocks(lead: Evaluated, example: Example) -> list[tuple[str, Block]]:
    found: list[tuple[str, Block]] = []
    for result in lead.record.tasks:
        if (rows := lead.rows(result.card.name)) is None:
            continue
        for evidence in result.card.evidence:
            draw = DRAWERS[type(evidence)].closeup
            with suppress(*UNDRAWABLE):  # the section of its task says so
                block = draw(evidence, rows, example) if draw else None
                found.extend([(result.card.title, block)] if block else [])
    if example.planes and not any(isinstance(block, Planes) for _, block in found):
        found.insert(0, ("", Planes(pictures(example))))
    return found


def _errors(lead: Evaluated, examples: Sequence[Example]) -> NDArray[np.float64]:
    """Mean error of each sample as the verdict's metric counts it; NaN where its rows do not tell."""
    values, rows = _judged_errors(lead), lead.rows(lead.record.verdict.task)
    if values is None or rows is None:
        return np.full(len(examples), np.nan)
    own = [values[np.asarray(rows["sample"]) == example.sample] for example in examples]
    return np.array([of.mean() if of.size else np.nan for of in own])


def _judged_errors(lead: Evaluated) -> NDArray[np.float64] | None:
    """Per row what the judged metric is the mean of; None where it is no mean of rows, or where more is better."""
    judged, rows = lead.judged, lead.rows(lead.record.verdict.task)
    if judged is None or rows is None or judged[1].better == "higher":
        return None
    card, metric, _ = judged
    if metric.per_row == "vector":
        return next((e.errors_mm(rows) for e in card.evidence if isinstance(e, VectorEvidence)), None)
    return np.asarray(rows[metric.per_row], dtype=np.float64) if metric.per_row and metric.per_row in rows else None


def _label(lead: Evaluated, number: int, example: Example, error: float, rank: str | None) -> str:
    parts = [f"Example {number + 1}", example.scan]
    if np.isfinite(error) and (judged := lead.judged):
        words = f"{in_sentence(judged[1].title)} {shown(error, judged[2].unit)}"
        parts.append(words + (f", {rank}" if rank else ""))
    return " · ".join(parts)
