"""Probe of structures: what frozen features tell of the structure a voxel belongs to."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orienteer.finetune.goal import Goal, class_weights
from orienteer.finetune.labelled import labelled_scans
from orienteer.finetune.score import ScoreRow, score_scans
from orienteer.finetune.settings import FinetuneSettings
from orienteer.frozen.features import FrozenFeatures
from orienteer.frozen.linear import LinearProbe, neighbours
from orienteer.geometry.boxes import covering, overlap, padded_box
from orienteer.sampling import Purpose, generator
from orienteer.store import Store
from orienteer.store.intensity import FLOOR
from orienteer.training.devices import autocast, resolve
from orienteer.units import counted

PER_CLASS = 400
"""Voxels of every class taken from a scan."""


class SampledVoxels(NamedTuple):
    """Sampled voxels of some scans.

    Attributes:
        features: ``(n, F)``.
        target: ``(n,)`` class numbers.
        weight: how many voxels of its scan each one stands for.
        scan: index of its scan in the order given.
    """

    features: Tensor
    target: Tensor
    weight: Tensor
    scan: Tensor


def probe_structures(
    features: FrozenFeatures,
    store: Store,
    split: str,
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
    say: Callable[[str], None] = lambda _: None,
) -> list[ScoreRow]:
    """Dice of a linear probe, and the share of single voxels whose structure is right, every class weighing alike.

    Args:
        features: the network, on ``device``.
        store: with labels.
        split: subjects to measure on.
        goal: the structures, and the labelled training scans.
        settings: windows, seed, rarity, tolerance.
        device: where the network is.
        say: called with what is done; a hundred structures take minutes.
    """
    assert goal.structures is not None
    devices = resolve(settings.devices)
    settings = settings.model_copy(update={"devices": devices})
    train = sampled_voxels(features, store, goal.scans, goal, settings, device)
    say(f"{counted(len(train.target), 'voxel')} of {counted(len(goal.scans), 'labelled scan')}: read")
    network = linear_segmenter(features, train, class_weights(goal.voxels, settings.loss.rarity))
    scans = labelled_scans(store, settings, split)
    say("linear read-out: fitted")
    rows = score_scans(network, store, scans, goal, settings, device)
    say(f"{counted(len(scans), 'scan')}: scored")
    test = sampled_voxels(features, store, scans, goal, settings, device, per_class=100)
    near, share = neighbours(train.features, test.features)
    classes = goal.structures.classes
    # In the sample rare classes are as frequent as common ones, so neighbours already vote by rarity.
    votes = torch.zeros(len(test.target), classes).scatter_add_(1, train.target[near], share)
    answers = {"linear": network.probe.scores(test.features).argmax(1), "knn": votes.argmax(1)}
    for name, answer in answers.items():
        for index, scan in enumerate(scans):
            here = test.scan == index
            for number in range(1, classes):
                mine = here & (test.target == number)
                right = float((answer[mine] == number).float().mean()) if bool(mine.any()) else float("nan")
                item = goal.structures.names[number - 1]
                rows.append(ScoreRow(scan, store.entry(scan).person, item, f"structure_{name}", right))
    return rows


def sampled_voxels(
    features: FrozenFeatures,
    store: Store,
    scans: Sequence[str],
    goal: Goal,
    settings: FinetuneSettings,
    device: torch.device,
    *,
    per_class: int = PER_CLASS,
) -> SampledVoxels:
    """Features of up to ``per_class`` voxels of every class in every scan, drawn from a counter-based stream.

    A voxel's features depend on its window (instance normalisation). Each is taken from the window whose middle is
    nearest, as in prediction, where windows are blended with most weight in the middle.
    """
    assert goal.structures is not None
    size = settings.patches.size
    parts = []
    for index, scan in enumerate(scans):
        image = store.normalise(scan, store.read(scan))
        classes = goal.structures.encode(store.labels(scan))
        random = generator(settings.seed, Purpose.PROBE, store.manifest.scans.row(scan))
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
                SampledVoxels(
                    here[:, mask].T,
                    torch.from_numpy(classes[box][wanted].astype(np.int64)),
                    torch.from_numpy(chosen[box][wanted]),
                    torch.full((int(wanted.sum()),), index),
                )
            )
    return SampledVoxels(*(torch.cat(column) for column in zip(*parts, strict=True)))


class LinearSegmenter(torch.nn.Module):
    """Frozen features and a linear probe, shaped like a network for ``score_scans``."""

    def __init__(self, features: FrozenFeatures, probe: LinearProbe) -> None:
        super().__init__()
        self.features = features
        self.probe = probe

    def scores(self, images: Tensor) -> Tensor:
        """``(N, classes, S, S, S)``."""
        return self.probe.dense_scores(self.features.dense(images))


def linear_segmenter(features: FrozenFeatures, voxels: SampledVoxels, weights: Tensor) -> LinearSegmenter:
    """Fit the linear layer on sampled voxels; each stands for those it was drawn from, times its class's weight."""
    probe = LinearProbe(voxels.features)
    probe.classify(voxels.features, voxels.target, len(weights), voxels.weight * weights[voxels.target])
    return LinearSegmenter(features, probe)


def _owners(chosen: NDArray[np.bool_], lows: NDArray[np.int_], size: int) -> NDArray[np.int32]:
    """For every chosen voxel the window whose middle is nearest along its farthest axis; -1 elsewhere."""
    voxels = np.argwhere(chosen)
    middles = lows + (size - 1) / 2
    away = np.abs(voxels[:, None, :] - middles[None]).max(axis=2)
    owner = np.full(chosen.shape, -1, dtype=np.int32)
    owner[chosen] = away.argmin(axis=1)
    return owner
