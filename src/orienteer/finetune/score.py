"""Scores of whole scans: per case, per structure, in plain units."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from orienteer.finetune.atlas import Atlas
from orienteer.finetune.goal import Goal
from orienteer.finetune.infer import scan_answer, scan_probabilities
from orienteer.finetune.labelled import Answers
from orienteer.finetune.metrics import score_case
from orienteer.finetune.originals import Originals
from orienteer.finetune.settings import FinetuneSettings, ScoreSettings
from orienteer.finetune.structures import Structures
from orienteer.geometry import Volume
from orienteer.records.metric import finite
from orienteer.records.rows import write_rows
from orienteer.store import Store
from orienteer.training.devices import autocast


class ScoreRow(NamedTuple):
    """One number about one case.

    Attributes:
        case: scan id.
        person: the subject.
        item: structure, or empty.
        metric: ``dice``, ``hd95_mm``, ``surface_dice``, ``false_ml``, ``correct`` or ``absolute_error``.
        value: NaN where not defined.
    """

    case: str
    person: str
    item: str
    metric: str
    value: float


def write_scores(path: Path, rows: Sequence[ScoreRow]) -> None:
    """Write scores to Parquet, a column for each field."""
    write_rows(path, {name: np.array([getattr(row, name) for row in rows]) for name in ScoreRow._fields})


def score_scans(
    network: Any,
    store: Store,
    scans: Sequence[str],
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
    *,
    atlas: Atlas | None = None,
    on_scan: Callable[[int], None] = lambda _: None,
) -> list[ScoreRow]:
    """Predict every scan on the store's grid and compare.

    Args:
        network: on ``device``; put into evaluation mode here, and back.
        store: with labels, or the column.
        scans: labelled scans.
        goal: what was learned.
        settings: window, overlap, tolerance.
        device: where the network is.
        atlas: a prior for its probabilities.
        on_scan: called with the number of scans done.
    """
    was_training = network.training
    network.eval()
    rows: list[ScoreRow] = []
    originals = Originals(store)
    for done, scan in enumerate(scans, start=1):
        image = store.normalise(scan, store.read(scan))
        size, how = settings.patches.size, settings.inference
        with autocast(settings.devices, device):
            if goal.structures is None:
                answer = scan_answer(network.scores, image, patch=size, settings=how, device=device)
                rows.append(_answered(answer, store, scan, goal.answers, settings.column))
            else:
                likely = scan_probabilities(network.scores, image, patch=size, settings=how, device=device)
        if goal.structures is not None:
            if atlas is not None:
                here = Volume(image, np.array(store.entry(scan).affine))
                atlas.weigh(likely, here, partial(originals.finer, scan), name=scan)
            rows += _segmented(likely, store, scan, goal.structures, settings.score)
        on_scan(done)
    network.train(was_training)
    return rows


def mean_by_metric(rows: Sequence[ScoreRow]) -> dict[str, float | None]:
    """Per metric the mean over cases of the mean over items; what is not defined is left out."""
    means: dict[str, float | None] = {}
    for metric in dict.fromkeys(row.metric for row in rows):
        cases: dict[str, list[float]] = {}
        for row in rows:
            if row.metric == metric and not np.isnan(row.value):
                cases.setdefault(row.case, []).append(row.value)
        values: Any = [np.mean(each) for each in cases.values()]
        means[metric] = finite(float(np.mean(values))) if values else None
    return means


def _segmented(
    likely: Float[Tensor, "classes D H W"], store: Store, scan: str, structures: Structures, settings: ScoreSettings
) -> list[ScoreRow]:
    scores = score_case(
        likely.argmax(0).numpy().astype(np.uint8),
        structures.encode(store.labels(scan)),
        classes=structures.classes,
        spacing=store.manifest.spacing,
        tolerance_mm=settings.tolerance_mm,
    )
    person = store.entry(scan).person
    return [
        ScoreRow(scan, person, name, metric, float(values[index]))
        for index, name in enumerate(structures.names)
        for metric, values in scores._asdict().items()
        # Said only of structures that the scan has not; those have no other score.
        if metric != "false_ml" or np.isfinite(values[index])
    ]


def _answered(
    answer: Float[ndarray, " outputs"], store: Store, scan: str, answers: Answers | None, column: str | None
) -> ScoreRow:
    assert answers is not None and column is not None
    entry = store.entry(scan)
    true = answers.encode(entry.table[column], scan)
    if answers.categories:
        return ScoreRow(scan, entry.person, "", "correct", float(int(answer.argmax()) == true))
    # Back in the column's own unit.
    return ScoreRow(scan, entry.person, "", "absolute_error", abs(float(answer[0]) - true) * answers.scale)
