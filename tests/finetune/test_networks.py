"""The networks that are fine-tuned, and the goal that shapes them."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.finetune.goal import Goal, class_weights, goal_of
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.structures import IGNORE
from orienteer.networks.settings import NetworkSettings
from orienteer.store import Store
from orienteer.store.convention import WINDOW
from tests.finetune.cohort import PAIR, quick

TINY = NetworkSettings(size="tiny", dense_stride=1)


def test_segmentation__scores_every_voxel_and_learns_everywhere() -> None:
    network = SegmentationNetwork(TINY, in_channels=2, patch=16, weights=torch.ones(4))
    images, target = torch.randn(2, 2, 16, 16, 16), torch.randint(0, 4, (2, 16, 16, 16))
    assert network.scores(images).shape == (2, 4, 16, 16, 16)
    network(images, target).loss.backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_segmentation__loss_by_hand() -> None:
    """Weighted cross-entropy, averaged over voxels, plus one minus the soft Dice of the structures of the batch."""
    weights = torch.tensor([0.5, 2.0, 7.0])
    network = SegmentationNetwork(TINY, in_channels=1, patch=16, weights=weights)
    images, target = torch.randn(2, 1, 16, 16, 16), torch.randint(0, 3, (2, 16, 16, 16))
    target[0] = 0  # a patch without any structure is no failure
    output = network(images, target)
    scores = network.scores(images)
    likely, hot = scores.softmax(1), functional.one_hot(target, 3).movedim(-1, 1).float()
    both, sizes = (likely * hot).sum((0, 2, 3, 4)), (likely + hot).sum((0, 2, 3, 4))
    entropy = -(weights[target] * likely.log().gather(1, target[:, None])[:, 0]).mean()
    expected = entropy + (1 - 2 * both / sizes)[1:].mean()
    assert output.loss.item() == pytest.approx(expected.item(), rel=1e-4)
    said = scores.argmax(1)
    dice = [2 * ((said == n) & (target == n)).sum() / ((said == n).sum() + (target == n).sum()) for n in (1, 2)]
    measure = output.observations[0].measures["patch_dice"]
    assert measure.value == pytest.approx(float(np.mean(dice)), abs=1e-5)


def test_segmentation__ignored_voxels_have_no_part_in_the_loss() -> None:
    """As if the patch ended where nobody has looked: here in the middle, so that the halves can be compared."""
    weights = torch.tensor([0.5, 2.0, 7.0])
    network = SegmentationNetwork(TINY, in_channels=1, patch=16, weights=weights)
    images, target = torch.randn(2, 1, 16, 16, 16), torch.randint(0, 3, (2, 16, 16, 16))
    scores = network.scores(images)
    target[..., 8:] = IGNORE
    output = network(images, target)
    seen, there = scores[..., :8], target[..., :8]
    likely, hot = seen.softmax(1), functional.one_hot(there, 3).movedim(-1, 1).float()
    both, sizes = (likely * hot).sum((0, 2, 3, 4)), (likely + hot).sum((0, 2, 3, 4))
    entropy = -(weights[there] * likely.log().gather(1, there[:, None])[:, 0]).mean()
    assert output.loss.item() == pytest.approx((entropy + (1 - 2 * both / sizes)[1:].mean()).item(), rel=1e-4)
    said = seen.argmax(1)
    dice = [2 * ((said == n) & (there == n)).sum() / ((said == n).sum() + (there == n).sum()) for n in (1, 2)]
    assert output.observations[0].measures["patch_dice"].value == pytest.approx(float(np.mean(dice)), abs=1e-5)
    nothing = network(images, torch.full_like(target, IGNORE))
    nothing.loss.backward()
    assert nothing.loss.item() == 0.0
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters() if p.grad is not None)


def test_segmentation__works_above_any_encoder_that_can_be_climbed_back_from() -> None:
    settings = NetworkSettings(name="tests.networks.own:OneMap", options={"width": 8}, dense_stride=1)
    assert SegmentationNetwork(settings, in_channels=1, patch=16, weights=torch.ones(2)).decoder.stride == 1
    thirds = NetworkSettings(name="vit", size="tiny", options={"patch_size": 3}, dense_stride=1)
    with pytest.raises(ConfigError, match="divides patches of 18 voxels unevenly") as caught:
        SegmentationNetwork(thirds, in_channels=1, patch=18, weights=torch.ones(2))
    assert "patches.size" in caught.value.cure


@pytest.mark.parametrize("outputs", [1, 3])
def test_scan__one_answer_and_its_loss(outputs: int) -> None:
    network = ScanNetwork(TINY, in_channels=1, patch=16, outputs=outputs)
    images = torch.randn(4, 1, 16, 16, 16)
    scores = network.scores(images)
    assert scores.shape == (4, outputs)
    target = torch.tensor([0, 2, 1, 1]) if outputs > 1 else torch.tensor([0.3, -1.0, 2.5, 0.0])
    output = network(images, target)
    expected = (
        functional.cross_entropy(scores, target) if outputs > 1 else functional.smooth_l1_loss(scores[:, 0], target)
    )
    assert output.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    output.loss.backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_freeze__the_encoder_stays_in_evaluation_whatever_the_loop_says() -> None:
    settings = NetworkSettings(name="tests.networks.own:Normed", dense_stride=1)
    network = SegmentationNetwork(settings, in_channels=1, patch=16, weights=torch.ones(2))
    assert network.train().encoder.training
    network.encoder.freeze()
    assert not any(module.training for module in network.encoder.modules()) and network.decoder.training
    network.eval().train()
    assert not any(module.training for module in network.encoder.modules()) and network.decoder.training
    assert not any(parameter.requires_grad for parameter in network.encoder.parameters())
    images = torch.randn(2, 1, 16, 16, 16)
    assert torch.equal(network.encoder(images)[0], network.encoder(images)[0])  # no dropout
    assert not network.eval().training


def test_class_weights__by_hand() -> None:
    """Of 900, 90 and 10 voxels; whatever the rarity, the weights average to 1 over the voxels."""
    voxels = (900, 90, 10)
    assert class_weights(voxels, 0.0).tolist() == pytest.approx([1, 1, 1])
    assert class_weights(voxels, 1.0).tolist() == pytest.approx([1000 / 2700, 1000 / 270, 1000 / 30])
    half = class_weights(voxels, 0.5)
    assert float(half[2] / half[0]) == pytest.approx(90**0.5, rel=1e-5)
    assert float((half * torch.tensor(voxels)).sum()) == pytest.approx(1000, rel=1e-5)


@pytest.mark.parametrize("rarity", [0.0, 0.5, 1.0])
def test_class_weights__a_class_without_voxels(rarity: float) -> None:
    """Labels that fill the scan leave no background."""
    weights = class_weights((0, 900, 100), rarity)
    assert bool(torch.isfinite(weights).all()) and weights[0] >= weights[2]
    assert weights[1:].tolist() == pytest.approx(class_weights((1, 900, 100), rarity)[1:].tolist())


def test_goal__counts_the_voxels_of_every_class(store: Store) -> None:
    goal = goal_of(store, quick(PAIR, "labelled_scans=2"))
    labels = np.stack([store.labels(scan) for scan in goal.scans])
    pair, big = int(np.isin(labels, (2, 3)).sum()), int((labels == 1).sum())
    assert goal.voxels == (labels.size - big - pair, big, pair)


def test_goal__fresh_weights_derive_from_the_seed_alone(store: Store) -> None:
    settings = quick(PAIR)
    goal = goal_of(store, settings)
    torch.manual_seed(1)
    first = goal.network(settings, 1, WINDOW).state_dict()
    torch.manual_seed(2)
    again = goal.network(settings, 1, WINDOW).state_dict()
    other = goal.network(quick(PAIR, "seed=1"), 1, WINDOW).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


@pytest.mark.parametrize("more", [(PAIR,), ("kind=classify", "column=ward"), ("kind=regress", "column=age")])
def test_goal__survives_being_written(more: tuple[str, ...], store: Store) -> None:
    goal = goal_of(store, quick("labelled_scans=3", *more))
    assert len(goal.scans) == 3
    written = TypeAdapter(Goal).dump_json(goal)
    assert TypeAdapter(Goal).validate_json(written) == goal
