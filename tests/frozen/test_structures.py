"""Frozen features at labelled voxels: which are taken, what they stand for, and a segmentation read out of them."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.finetune.goal import Goal
from orienteer.finetune.score import score_scans
from orienteer.finetune.structures import Structures
from orienteer.frozen.features import random_features
from orienteer.frozen.structures import _owners, linear_segmenter, sampled_voxels
from orienteer.networks.settings import NetworkSettings
from orienteer.store import Store
from tests.finetune.cohort import LEVELS, layered, quick

CPU = torch.device("cpu")
PAIR = Structures(("big", "pair"), ((1,), (2, 3)))


class Seen(nn.Module):
    """Features that are the image itself, so that it can be told which voxel they are of."""

    def dense(self, images: Tensor) -> Tensor:
        return torch.cat([images, images**2], dim=1)


def test_frozen__features_are_measured_without_dropout_whatever_holds_them() -> None:
    features = random_features(NetworkSettings(size="tiny"), channels=1, view=16, seed=0)
    nn.Sequential(features).train()
    assert not any(module.training for module in features.backbone.modules())


def goal(store: Store) -> Goal:
    return Goal(store.ids("train")[:2], PAIR, None)


def test_sampled__are_the_features_of_voxels_of_their_class(store: Store) -> None:
    aim = goal(store)
    voxels = sampled_voxels(Seen(), store, aim.scans, aim, quick(), CPU, per_class=50)
    for place, scan in enumerate(aim.scans):
        image = store.normalise(scan, store.read(scan))[0]
        classes = PAIR.encode(store.labels(scan))
        for number in range(3):
            here = (voxels.scan == place) & (voxels.target == number)
            assert int(here.sum()) == min(50, int((classes == number).sum()))
            assert set(voxels.features[here, 0].tolist()) <= set(image[classes == number].tolist())
    assert torch.allclose(voxels.features[:, 1], voxels.features[:, 0] ** 2)


def test_sampled__weights_add_up_to_the_scan(store: Store) -> None:
    aim = goal(store)
    voxels = sampled_voxels(Seen(), store, aim.scans, aim, quick(), CPU, per_class=50)
    for place, scan in enumerate(aim.scans):
        counts = np.bincount(PAIR.encode(store.labels(scan)).ravel(), minlength=3)
        for number in range(3):
            here = (voxels.scan == place) & (voxels.target == number)
            assert float(voxels.weight[here].sum()) == pytest.approx(counts[number], rel=1e-4)


def test_sampled__the_same_voxels_for_every_arm_and_window(store: Store) -> None:
    aim = goal(store)
    small, large = (
        sampled_voxels(Seen(), store, aim.scans, aim, quick(f"patches.size={size}"), CPU, per_class=30)
        for size in (16, 40)
    )
    assert sorted(small.features[:, 0].tolist()) == sorted(large.features[:, 0].tolist())
    other = sampled_voxels(Seen(), store, aim.scans, aim, quick("seed=1"), CPU, per_class=30)
    assert sorted(small.features[:, 0].tolist()) != sorted(other.features[:, 0].tolist())


class Told(nn.Module):
    """Features that give the answer away: one channel a class, by intensity."""

    def __init__(self, levels: list[float]) -> None:
        super().__init__()
        self.levels = torch.tensor(levels)

    def dense(self, images: Tensor) -> Tensor:
        classes = torch.bucketize(images[:, 0].contiguous(), self.levels, right=True)
        return nn.functional.one_hot(classes, 3).float().movedim(-1, 1)


@pytest.mark.parametrize("told", [True, False], ids=["perfect features", "constant features"])
def test_segmenter__reads_out_what_the_features_hold_and_no_more(
    told: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store.open(layered(tmp_path_factory.mktemp("layered")))
    window = store.entry("wave").intensity[0]
    levels = [2 * (level - 0.5 - window.low) / (window.high - window.low) - 1 for level in LEVELS]
    features = Told(levels if told else [5.0, 6.0])
    aim = Goal(("wave",), Structures(("middle", "top"), ((1,), (2,))), None)
    voxels = sampled_voxels(features, store, aim.scans, aim, quick(), CPU)
    rows = score_scans(linear_segmenter(features, voxels, torch.ones(3)), store, aim.scans, aim, quick(), CPU)
    reached = {row.item: row.value for row in rows if row.metric == "dice"}
    if told:
        assert reached == {"middle": 1.0, "top": 1.0}
    else:  # one answer for all voxels: the most frequent class, by the scan's own frequencies
        frequent = np.bincount(store.labels("wave").ravel()).argmax()
        assert [reached["middle"] > 0, reached["top"] > 0] == [frequent == 1, frequent == 2]


def test_owners__every_chosen_voxel_is_seen_in_the_window_that_has_it_most_in_its_middle() -> None:
    """Windows of 4 at 0, 2 and 4 along an axis of 8: voxel 3 lies 1.5 from the first middle, 0.5 from the second."""
    chosen = np.zeros((8, 4, 4), dtype=bool)
    chosen[[0, 2, 3, 4, 5, 7], 1, 2] = True
    owner = _owners(chosen, np.array([(0, 0, 0), (2, 0, 0), (4, 0, 0)]), 4)
    assert owner[[0, 3, 4, 7], 1, 2].tolist() == [0, 1, 1, 2]
    assert (owner[~chosen] == -1).all() and (owner[chosen] >= 0).all()
