"""Frozen features at labelled voxels, and a segmentation read out of them by one linear layer."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orienteer.finetune.goal import Goal
from orienteer.finetune.infer import covering
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.linear import LinearReadout
from orienteer.geometry.boxes import overlap, padded_box
from orienteer.sampling import Purpose, generator
from orienteer.store import Store
from orienteer.store.intensity import FLOOR
from orienteer.training.devices import autocast

PER_CLASS = 400
"""Voxels of every class taken from a scan."""


class Voxels(NamedTuple):
    """Sampled voxels of some scans.

    Attributes:
        features: ``(n, F)``.
        target: ``(n,)`` class numbers.
        weight: how many voxels of its scan each one stands for.
        scan: which scan, its place in the order given.
    """

    features: Tensor
    target: Tensor
    weight: Tensor
    scan: Tensor


def sampled_voxels(
    features: FrozenFeatures,
    store: Store,
    scans: Sequence[str],
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
    *,
    per_class: int = PER_CLASS,
) -> Voxels:
    """Features of up to ``per_class`` voxels of every class in every scan, drawn from a counted stream.

    A voxel's features depend on the window it is seen in (instance normalisation). Each is taken from the window in
    whose middle it lies best, as in prediction, where windows are blended with most weight in the middle.
    """
    assert goal.structures is not None
    size = settings.patches.size
    parts = []
    for place, scan in enumerate(scans):
        image = store.normalise(scan, store.read(scan))
        classes = goal.structures.encode(store.labels(scan))
        random = generator(settings.seed, Purpose.PROBE, store.manifest.scans.index(store.entry(scan)))
        chosen = np.zeros(classes.shape, dtype=np.float32)
        for number in range(goal.structures.classes):
            found = np.flatnonzero(classes == number)
            kept = random.choice(found, size=min(per_class, len(found)), replace=False)
            chosen.ravel()[kept] = len(found) / max(1, len(kept))
        lows = np.array(covering(image.shape[1:], size, overlap=settings.inference.overlap))
        owner = _owners(chosen > 0, lows, size)
        for number, low in enumerate(lows):
            box, inside = overlap(low, size, classes.shape)
            wanted = owner[box] == number
            if not wanted.any():
                continue
            with autocast(settings.devices, device):
                window = padded_box(image, low, size, fill=FLOOR)
                dense = features.dense(torch.from_numpy(window)[None].to(device))[0]
            here = dense.float().cpu()[(slice(None), *inside)]
            mask = torch.from_numpy(wanted)
            parts.append(
                Voxels(
                    here[:, mask].T,
                    torch.from_numpy(classes[box][wanted].astype(np.int64)),
                    torch.from_numpy(chosen[box][wanted]),
                    torch.full((int(wanted.sum()),), place),
                )
            )
    return Voxels(*(torch.cat(column) for column in zip(*parts, strict=True)))


class LinearSegmenter(torch.nn.Module):
    """Frozen features and a linear read-out, shaped like a network for :func:`score_scans`."""

    def __init__(self, features: FrozenFeatures, readout: LinearReadout) -> None:
        super().__init__()
        self.features = features
        self.readout = readout

    def scores(self, images: Tensor) -> Tensor:
        """``(N, classes, S, S, S)``."""
        return self.readout.dense_scores(self.features.dense(images))


def linear_segmenter(features: FrozenFeatures, voxels: Voxels, weights: Tensor) -> LinearSegmenter:
    """Fit the linear layer on sampled voxels; each stands for those it was drawn from, times its class's weight."""
    readout = LinearReadout(voxels.features)
    readout.classify(voxels.features, voxels.target, len(weights), voxels.weight * weights[voxels.target])
    return LinearSegmenter(features, readout)


def _owners(chosen: NDArray[np.bool_], lows: NDArray[np.int_], size: int) -> NDArray[np.int32]:
    """For every chosen voxel the window whose middle is nearest along its farthest axis; -1 elsewhere."""
    places = np.argwhere(chosen)
    middles = lows + (size - 1) / 2
    away = np.abs(places[:, None, :] - middles[None]).max(axis=2)
    owner = np.full(chosen.shape, -1, dtype=np.int32)
    owner[chosen] = away.argmin(axis=1)
    return owner
