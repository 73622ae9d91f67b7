"""Masked autoencoding: what is hidden, what is learned from it, and what it is measured against."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.masked import HIDDEN, MaskedSettings, MaskedTask, block_mask, hide
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.testing.toy_views import bare_views, toy_views

INTERFACE = Interface(embedding=8, dense_channels=12, views=3, view_mm=72.0, view_voxels=12)
FIRST_MASK = [5, 6, 7, 11, 16, 18, 24]
ADDRESS = torch.tensor([[5, 0], [5, 1], [6, 0]])


def task(**settings: object) -> MaskedTask:
    torch.manual_seed(0)
    return MaskedTask(MaskedSettings.model_validate(settings), INTERFACE)


def answering(grey: float, **settings: object) -> MaskedTask:
    """A task whose head answers every voxel with ``grey``."""
    told = task(**settings)
    torch.nn.init.zeros_(told.head.voxels.weight)
    torch.nn.init.constant_(told.head.voxels.bias, grey)
    return told


def with_images(images: Tensor, dense: Tensor) -> EncodedViews:
    samples, count = images.shape[:2]
    bare = bare_views(torch.zeros(samples, count, 8), torch.zeros(samples, count, 3), dense=dense)
    return dataclasses.replace(bare, images=images, plain=images, shown=images)


@given(blocks=st.integers(2, 6), block=st.integers(1, 4), ratio=st.floats(0.01, 0.99), seed=st.integers(0, 2**63 - 1))
def test_block_mask__hides_exactly_the_share_in_whole_blocks(blocks: int, block: int, ratio: float, seed: int) -> None:
    address = torch.tensor([[seed, 3]])
    mask = block_mask(address, 2, size=blocks * block, block=block, ratio=ratio)
    assert mask.shape == (1, 2, 1, *[blocks * block] * 3)
    tiles = mask.reshape(2, blocks, block, blocks, block, blocks, block).permute(0, 1, 3, 5, 2, 4, 6)
    share = tiles.reshape(2, blocks, blocks, blocks, -1).float().mean(-1)
    assert set(share.unique().tolist()) <= {0.0, 1.0}  # a block is hidden as a whole or not at all
    expected = min(max(round(blocks**3 * ratio), 1), blocks**3 - 1)
    assert share.flatten(1).sum(-1).tolist() == [expected, expected]


def test_block_mask__of_the_default_hides_three_quarters() -> None:
    mask = block_mask(ADDRESS, 3, size=24, block=4, ratio=0.75)
    assert mask.float().flatten(2).mean(-1).unique().tolist() == [0.75]


def test_block_mask__is_found_again_from_the_address_alone() -> None:
    """In any batch, at any place of it, beside any other views; every view and sample has its own."""
    masks = block_mask(ADDRESS, 3, size=12, block=4, ratio=0.6)
    turned = block_mask(ADDRESS.flip(0), 3, size=12, block=4, ratio=0.6)
    assert torch.equal(masks.flip(0), turned)
    assert torch.equal(masks[1:2, :1], block_mask(ADDRESS[1:2], 1, size=12, block=4, ratio=0.6))
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002 - the point is that no global state is read
    assert torch.equal(masks, block_mask(ADDRESS, 3, size=12, block=4, ratio=0.6))
    assert len({each.numpy().tobytes() for each in masks.flatten(0, 1)}) == 9


def test_block_mask__stays_what_it_was() -> None:
    """A run's masks are part of its record: this one must not change between versions."""
    mask = block_mask(torch.tensor([[0, 0]]), 1, size=3, block=1, ratio=0.25)
    assert mask.flatten().nonzero().flatten().tolist() == FIRST_MASK


def test_hide__paints_all_channels_and_nothing_else() -> None:
    images = torch.randn(3, 2, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    mask = block_mask(ADDRESS, 2, size=8, block=4, ratio=0.5)
    shown = hide(images, mask)
    everywhere = mask.expand_as(images)
    assert (shown[everywhere] == HIDDEN).all()
    assert torch.equal(shown[~everywhere], images[~everywhere])


def test_masked__only_the_first_views_are_encoded() -> None:
    views = toy_views(INTERFACE, samples=2, seed=0)
    assert task(views=2).corrupt(views.images, views.address).shape[1] == 2
    all_of_them = task().corrupt(views.images, views.address)
    assert torch.equal(all_of_them[:, :2], task(views=2).corrupt(views.images, views.address))


def test_masked__in_a_model_sees_its_views_and_leaves_the_others_theirs() -> None:
    """One masked view beside a gap task with three: the gap sees real views, and both see all samples."""
    network = NetworkSettings(name="unet", options={"features": (4, 8, 8)}, embedding=16)
    tasks = {"gap": {}, "masked": {"views": 1}}
    model = SpatialModel(network, tasks, TeacherSettings(), in_channels=1, views=3, view=16, spacing=3.0)
    images = torch.randn(2, 3, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    counted = []
    model.backbone.register_forward_hook(lambda module, inputs, output: counted.append(len(inputs[0])))
    output = model(images, torch.zeros(2, 3, 3), 48.0, ADDRESS[:2])
    assert counted == [6, 2]
    gap, masked = output.observations
    assert (masked.rows["view"] == 0).all() and masked.rows["sample"].tolist() == [0, 1]
    assert len(gap.rows["sample"]) == 12


def test_masked__a_teacher_restores_nothing() -> None:
    """With a momentum teacher the corrupted views are still encoded with gradient, all of them."""
    network = NetworkSettings(name="unet", options={"features": (4, 8, 8)}, embedding=16)
    teacher = TeacherSettings(enabled=True)
    model = SpatialModel(network, {"masked": {}}, teacher, in_channels=1, views=3, view=16, spacing=3.0).train()
    images = torch.randn(1, 3, 1, 16, 16, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    model(images, torch.zeros(1, 3, 3), 48.0, ADDRESS[:1]).loss.backward()
    mask = block_mask(ADDRESS[:1], 3, size=16, block=4, ratio=0.75)
    assert images.grad is not None
    assert images.grad[~mask].reshape(3, -1).abs().amax(-1).min() > 0


def test_masked__loss_is_over_hidden_voxels_only() -> None:
    """Features of cells that are shown can say anything: neither loss nor rows change, and no gradient gets there."""
    views, masked = toy_views(INTERFACE, samples=2, seed=0), task()
    assert views.dense is not None
    hidden = masked.mask(views.images, views.address)[..., ::2, ::2, ::2].expand_as(views.dense)
    dense = views.dense.clone().requires_grad_()
    before = masked(dataclasses.replace(views, dense=dense))
    before.loss.backward()
    assert dense.grad is not None and not dense.grad[~hidden].any() and dense.grad[hidden].any()
    after = masked(dataclasses.replace(views, dense=torch.where(hidden, views.dense, torch.full((), torch.nan))))
    assert torch.equal(before.loss, after.loss)
    for name, column in before.observation.rows.items():
        np.testing.assert_array_equal(column, after.observation.rows[name])


@pytest.mark.parametrize(("loss", "expected"), [("mse", 0.25), ("l1", 0.5)])
def test_masked__loss_and_error_by_hand(loss: str, expected: float) -> None:
    """The answer is 0.5 too bright everywhere: a quarter squared, and a quarter of the window of 2."""
    masked = answering(0.75, loss=loss)
    views = with_images(torch.full((1, 3, 1, 12, 12, 12), 0.25), torch.zeros(1, 3, 12, 6, 6, 6))
    output = masked(views)
    assert output.loss.item() == pytest.approx(expected)
    assert output.observation.rows["error"].tolist() == pytest.approx([0.25] * 3)
    assert output.observation.rows["mean_error"].tolist() == pytest.approx([0.0] * 3)


def test_masked__restores_what_was_there_before_intensities_were_varied() -> None:
    """The answer, and the truth, is 0.75 everywhere; augmentation has made 0.25 of it, which is no truth at all."""
    masked = answering(0.75)
    views = with_images(torch.full((1, 3, 1, 12, 12, 12), 0.25), torch.zeros(1, 3, 12, 6, 6, 6))
    output = masked(dataclasses.replace(views, plain=views.images + 0.5))
    assert output.loss.item() == 0.0
    assert output.observation.rows["error"].tolist() == [0.0] * 3
    assert output.observation.rows["mean_error"].tolist() == pytest.approx([0.25] * 3)


def test_masked__is_measured_over_body_but_learns_air_too() -> None:
    """Half of the view is air: the error there enters the loss, not the figure; chance is the mean of shown body."""
    images = torch.full((1, 3, 1, 12, 12, 12), -1.0)
    images[..., :6, :, :] = 0.5
    masked = answering(0.5)  # right in the body, 1.5 off in air
    output = masked(with_images(images, torch.zeros(1, 3, 12, 6, 6, 6)))
    mask = masked.mask(images, torch.zeros(1, 2, dtype=torch.long))
    air = mask[..., 6:, :, :].sum() / mask.sum()
    assert output.loss.item() == pytest.approx(1.5**2 * air.item())
    assert output.observation.rows["error"].tolist() == [0.0] * 3
    assert output.observation.rows["mean_error"].tolist() == pytest.approx([0.0] * 3, abs=1e-6)
    assert output.observation.rows["voxels"].tolist() == mask[..., :6, :, :].flatten(2).sum(-1).flatten().tolist()


def test_masked__restores_what_is_hidden_and_keeps_what_is_shown() -> None:
    masked = task()
    views = toy_views(INTERFACE, samples=2, seed=0)
    restored = masked.restore(views)
    mask = masked.mask(views.images, views.address).expand_as(restored)
    assert torch.equal(restored[~mask], views.images[~mask])
    torch.testing.assert_close(restored[mask], masked.head(views)[mask])


@pytest.mark.parametrize(
    ("settings", "named"), [({"block": 5}, "block"), ({"block": 12}, "block"), ({"views": 4}, "views")]
)
def test_masked__refuses_what_does_not_fit(settings: dict[str, int], named: str) -> None:
    with pytest.raises(ConfigError, match=f"tasks.masked.{named}") as caught:
        task(**settings)
    assert caught.value.cure
