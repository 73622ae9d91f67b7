"""Scores of whole scans: per case, per structure, in plain units."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from orienteer.store import Store
from orienteer.training.devices import autocast
from orienteer.transfer.goal import Goal
from orienteer.transfer.infer import scan_answer, scan_probabilities
from orienteer.transfer.metrics import score_case
from orienteer.transfer.settings import FinetuneSettings


class ScoreRow(NamedTuple):
    """One number about one case.

    Attributes:
        case: scan id.
        person: whose it is.
        item: structure, or empty.
        metric: ``dice``, ``hd95_mm``, ``surface_dice``, ``correct`` or ``absolute_error``.
        value: NaN where not defined.
    """

    case: str
    person: str
    item: str
    metric: str
    value: float


def score_scans(
    network: Any,
    store: Store,
    scans: Sequence[str],
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
    *,
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
        on_scan: told how many scans are done.
    """
    was_training = network.training
    network.eval()
    rows: list[ScoreRow] = []
    for done, scan in enumerate(scans, start=1):
        image = store.normalise(scan, store.read(scan))
        with autocast(settings.devices, device):
            if goal.structures is not None:
                rows += _segmented(network, store, scan, image, goal, settings, device)
            else:
                rows.append(_answered(network, store, scan, image, goal, settings, device))
        on_scan(done)
    network.train(was_training)
    return rows


def _segmented(
    network: Any,
    store: Store,
    scan: str,
    image: np.ndarray,
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
) -> list[ScoreRow]:
    assert goal.structures is not None
    likely = scan_probabilities(
        network.scores, image, patch=settings.patches.size, settings=settings.inference, device=device
    )
    scores = score_case(
        likely.argmax(0).numpy().astype(np.uint8),
        goal.structures.encode(store.labels(scan)),
        classes=goal.structures.classes,
        spacing=store.manifest.spacing,
        tolerance_mm=settings.score.tolerance_mm,
    )
    person = store.entry(scan).person
    return [
        ScoreRow(scan, person, name, metric, float(values[place]))
        for place, name in enumerate(goal.structures.names)
        for metric, values in scores._asdict().items()
    ]


def _answered(
    network: Any,
    store: Store,
    scan: str,
    image: np.ndarray,
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
) -> ScoreRow:
    assert goal.answers is not None and settings.column is not None
    answer = scan_answer(network.scores, image, patch=settings.patches.size, settings=settings.inference, device=device)
    entry = store.entry(scan)
    true = goal.answers.encode(entry.table[settings.column], scan)
    if goal.answers.categories:
        return ScoreRow(scan, entry.person, "", "correct", float(int(answer.argmax()) == true))
    # Back in the column's own unit.
    return ScoreRow(scan, entry.person, "", "absolute_error", abs(float(answer[0]) - true) * goal.answers.scale)
