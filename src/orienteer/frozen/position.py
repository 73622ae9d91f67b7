"""Probes of position and side: what the frozen features of a view tell of where in the body it lies."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from orienteer.finetune.score import ScoreRow
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.linear import LinearProbe, neighbours
from orienteer.sampling import Sampler, ViewSettings
from orienteer.sampling.fitting import fitting
from orienteer.sampling.loader import batches
from orienteer.store import Store

VIEWS_TRAIN, VIEWS_TEST = 96, 48
"""Views per scan that the probes are fitted on, and measured on."""
SIDE_MM = 10.0
"""Views whose centre lies nearer than this to the middle belong to no side."""


class SampledViews(NamedTuple):
    """Untouched views of some scans.

    Attributes:
        features: ``(n, F)``.
        position: ``(n, 3)`` mm from the middle of the scan's body box, axes R, A, S.
        scan: scan id of each.
    """

    features: Tensor
    position: Tensor
    scan: tuple[str, ...]


def probe_position(
    features: FrozenFeatures,
    store: Store,
    split: str,
    settings: FinetuneSettings,
    device: torch.device,
    *,
    edge: int | None = None,
) -> list[ScoreRow]:
    """Position and side of views. They need no labels, so every training scan takes part.

    Args:
        features: the network, on ``device``.
        store: where the scans are.
        split: subjects to measure on.
        settings: the seed.
        device: where the network is.
        edge: of the views that are placed, voxels (``sampled_views``).
    """
    train, test = (
        sampled_views(
            features, store, store.ids(among), per_scan=count, seed=settings.seed + number, device=device, edge=edge
        )
        for number, (among, count) in enumerate((("train", VIEWS_TRAIN), (split, VIEWS_TEST)))
    )
    return position_scores(train, test, store)


def sampled_views(
    features: FrozenFeatures,
    store: Store,
    scans: Sequence[str],
    *,
    per_scan: int,
    seed: int,
    device: torch.device,
    edge: int | None = None,
) -> SampledViews:
    """Features of ``per_scan`` views of every scan, placed by counter-based streams.

    Args:
        features: the network; it is shown the middle of each view, of the size it learned with.
        store: where the scans are.
        scans: which.
        per_scan: views of each, rounded up to an even number.
        seed: of the placement.
        device: where the network is.
        edge: of the views that are placed, voxels; by default the network's own. Larger views lie nearer to the
            middle, so networks of several sizes answer the same question only with one value for all.
    """
    placed = max(edge or 0, features.view)
    low = (placed - features.view) // 2
    kept = slice(low, low + features.view)
    # Where the margin is odd, what the network is shown lies half a voxel off the middle.
    shift = (low + features.view / 2 - placed / 2) * store.manifest.spacing
    views = ViewSettings(count=2, size=placed)
    sampler = Sampler(store, fitting(store, scans, views).ids, views, seed, augment=False)
    samples = -(-per_scan // 2) * len(sampler.ids)
    numbers = [list(range(start, min(start + 8, samples))) for start in range(0, samples, 8)]
    found = [
        features.views(batch.images.flatten(0, 1)[..., kept, kept, kept].to(device)).cpu()
        for batch in batches(sampler, numbers)
    ]
    recipes = [sampler.draw(number) for number in range(samples)]
    positions = [recipe.centres + shift - _middle(store, recipe.scan) for recipe in recipes]
    return SampledViews(
        torch.cat(found),
        torch.from_numpy(np.concatenate(positions)).float(),
        tuple(recipe.scan for recipe in recipes for _ in recipe.views),
    )


def position_scores(train: SampledViews, test: SampledViews, store: Store) -> list[ScoreRow]:
    """Per test scan: error of the position in mm, and share of sides right, by a linear and by a kNN probe."""
    probe = LinearProbe(train.features)
    probe.regress(train.features, train.position)
    near, share = neighbours(train.features, test.features)
    positions = {"linear": probe.scores(test.features), "knn": (train.position[near] * share[..., None]).sum(1)}
    rows = []
    for name, predicted in positions.items():
        error = (predicted - test.position).norm(dim=1).numpy()
        rows += _per_scan(test, store, f"position_{name}_mm", error)
    sided, known = test.position[:, 0].abs() >= SIDE_MM, train.position[:, 0].abs() >= SIDE_MM
    side = LinearProbe(train.features[known])
    right = (train.position[known, 0] > 0).long()
    side.classify(train.features[known], right, 2, torch.ones(len(right)))
    near, share = neighbours(train.features[known], test.features)
    sides = {
        "linear": side.scores(test.features).argmax(1),
        "knn": ((right[near].float() * share).sum(1) > 0.5).long(),
    }
    for name, predicted in sides.items():
        correct = (predicted == (test.position[:, 0] > 0).long()).float().numpy()
        rows += _per_scan(test, store, f"side_{name}", np.where(sided.numpy(), correct, np.nan))
    return rows


def _per_scan(test: SampledViews, store: Store, metric: str, values: np.ndarray) -> list[ScoreRow]:
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
