"""Measures over training, from the log's lines to curves."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from orienteer.report.read import mapping, number


@dataclass(frozen=True)
class Curve:
    """One measure over training: ``steps``, ``values`` and ``chance`` (NaN where unknown), equally long."""

    unit: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    chance: NDArray[np.float64]


def curves(lines: tuple[Mapping[str, Any], ...], phase: Literal["train", "validation"]) -> dict[str, dict[str, Curve]]:
    """``{task: {measure: Curve}}``. A step written twice (killed, resumed) counts once, the last time."""
    found: dict[str, dict[str, dict[int, tuple[float, float]]]] = {}
    units: dict[str, str] = {}
    for line in lines:
        if line.get("phase") != phase:
            continue
        for name, raw in mapping(line.get("measures")).items():
            measure = mapping(raw)
            value = number(measure.get("value"))
            if value is None:
                continue
            units[name] = str(measure.get("unit", ""))
            chance = number(measure.get("chance"))
            steps = found.setdefault(str(line.get("task")), {}).setdefault(name, {})
            steps[int(line.get("step", 0))] = (value, math.nan if chance is None else chance)
    return {
        task: {name: _curve(units[name], steps) for name, steps in measures.items()} for task, measures in found.items()
    }


def _curve(unit: str, steps: dict[int, tuple[float, float]]) -> Curve:
    order = sorted(steps)
    return Curve(
        unit=unit,
        steps=np.array(order, dtype=np.int64),
        values=np.array([steps[s][0] for s in order]),
        chance=np.array([steps[s][1] for s in order]),
    )
