"""Which side, which position: what frozen features of a view tell of its place in the body."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from orienteer.finetune.score import ScoreRow
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.linear import LinearReadout, neighbours
from orienteer.sampling import Sampler, ViewSettings
from orienteer.sampling.loader import batches
from orienteer.store import Store

SIDE_MM = 10.0
"""Views whose centre lies nearer than this to the middle belong to no side."""


class Views(NamedTuple):
    """Untouched views of some scans.

    Attributes:
        features: ``(n, F)``.
        place: ``(n, 3)`` mm from the middle of the scan's body box, axes R, A, S.
        scan: scan id of each.
    """

    features: Tensor
    place: Tensor
    scan: tuple[str, ...]


def sampled_views(
    features: FrozenFeatures,
    store: Store,
    scans: Sequence[str],
    *,
    per_scan: int,
    seed: int,
    device: torch.device,
    drawn: int | None = None,
) -> Views:
    """Features of ``per_scan`` views of every scan, placed by counted streams.

    Args:
        features: the network; it sees the middle of each view, of the size it learned with.
        store: where the scans are.
        scans: which.
        per_scan: views of each, rounded up to an even number.
        seed: of the places.
        device: where the network is.
        drawn: edge of the views that are placed, voxels; by default the network's own. Larger views lie nearer to the
            middle, so networks of several sizes answer the same question only with one value for all.
    """
    edge = max(drawn or 0, features.view)
    low = (edge - features.view) // 2
    kept = slice(low, low + features.view)
    # Where the margin is odd, what the network sees lies half a voxel off the middle.
    shift = (low + features.view / 2 - edge / 2) * store.manifest.spacing
    sampler = Sampler(store, tuple(scans), ViewSettings(count=2, size=edge), seed, augment=False)
    samples = -(-per_scan // 2) * len(scans)
    numbers = [list(range(start, min(start + 8, samples))) for start in range(0, samples, 8)]
    seen = [
        features.views(batch.images.flatten(0, 1)[..., kept, kept, kept].to(device)).cpu()
        for batch in batches(sampler, numbers)
    ]
    recipes = [sampler.draw(number) for number in range(samples)]
    places = [recipe.centres + shift - _middle(store, recipe.scan) for recipe in recipes]
    return Views(
        torch.cat(seen),
        torch.from_numpy(np.concatenate(places)).float(),
        tuple(recipe.scan for recipe in recipes for _ in recipe.views),
    )


def place_rows(train: Views, test: Views, store: Store) -> list[ScoreRow]:
    """Per test scan: position error in mm and share of sides told right, by a linear and by a neighbour read-out."""
    readout = LinearReadout(train.features)
    readout.regress(train.features, train.place)
    near, share = neighbours(train.features, test.features)
    positions = {"linear": readout.scores(test.features), "knn": (train.place[near] * share[..., None]).sum(1)}
    rows = []
    for name, said in positions.items():
        error = (said - test.place).norm(dim=1).numpy()
        rows += _per_scan(test, store, f"position_{name}_mm", error)
    sided, known = test.place[:, 0].abs() >= SIDE_MM, train.place[:, 0].abs() >= SIDE_MM
    side = LinearReadout(train.features[known])
    right = (train.place[known, 0] > 0).long()
    side.classify(train.features[known], right, 2, torch.ones(len(right)))
    near, share = neighbours(train.features[known], test.features)
    sides = {
        "linear": side.scores(test.features).argmax(1),
        "knn": ((right[near].float() * share).sum(1) > 0.5).long(),
    }
    for name, answer in sides.items():
        correct = (answer == (test.place[:, 0] > 0).long()).float().numpy()
        rows += _per_scan(test, store, f"side_{name}", np.where(sided.numpy(), correct, np.nan))
    return rows


def _per_scan(test: Views, store: Store, metric: str, values: np.ndarray) -> list[ScoreRow]:
    scans = np.array(test.scan)
    rows = []
    for scan in dict.fromkeys(test.scan):
        here = values[scans == scan]
        known = here[~np.isnan(here)]
        value = float(known.mean()) if len(known) else float("nan")
        rows.append(ScoreRow(scan, store.entry(scan).person, "", metric, value))
    return rows


def _middle(store: Store, scan: str) -> np.ndarray:
    entry = store.entry(scan)
    middle: np.ndarray = (np.array(entry.foreground_low) + np.array(entry.foreground_high) - 1) / 2 * entry.spacing
    return middle
