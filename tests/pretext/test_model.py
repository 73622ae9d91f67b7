"""Backbone and tasks together: which features a task sees, what counts as body, how losses add up."""

import pytest
import torch

from orienteer.errors import ConfigError
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import EncodedViews
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import TASKS, chosen_tasks
from orienteer.pretext.teacher import TeacherSettings

NETWORK = NetworkSettings(name="unet", size="tiny", embedding=16, dense_channels=8)


def model(
    tasks: dict | None = None, teacher: TeacherSettings | None = None, channels: int = 1, views: int = 3
) -> SpatialModel:
    torch.manual_seed(0)
    return SpatialModel(
        NETWORK,
        {"gap": {}, "adjacency": {}} if tasks is None else tasks,
        teacher or TeacherSettings(),
        in_channels=channels, views=views, view=16, spacing=3.0,
    )  # fmt: skip


def batch(
    samples: int = 2, channels: int = 1, seed: int = 0, views: int = 3
) -> tuple[torch.Tensor, torch.Tensor, float, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(samples, views, channels, 16, 16, 16, generator=random)
    address = torch.stack([torch.full((samples,), seed), torch.arange(samples)], dim=1)
    return images, torch.randn(samples, views, 3, generator=random) * 60, 48.0, address


def test_model__encodes_every_view_by_itself_and_keeps_them_in_place() -> None:
    spatial, inputs = model().eval(), batch()
    images = inputs[0]
    views = spatial.encode(*inputs)
    assert views.embedding.shape == (2, 3, 16) and views.dense is not None
    for sample, view in ((0, 0), (0, 2), (1, 1)):
        alone = spatial.backbone(images[sample, view][None])
        torch.testing.assert_close(views.embedding[sample, view], alone.embedding[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(views.dense[sample, view], alone.dense[0], rtol=1e-4, atol=1e-5)


def test_model__loss_is_the_weighted_sum_and_observations_follow_the_registry() -> None:
    spatial = model({"position": {"weight": 0.5}, "gap": {"weight": 3.0}, "route": {"weight": 0.0}})
    inputs = batch()
    output = spatial(*inputs)
    assert [seen.task for seen in output.observations] == ["gap", "route", "position"]
    views = spatial.encode(*inputs)
    expected = 3.0 * spatial.task("gap")(views).loss + 0.5 * spatial.task("position")(views).loss
    torch.testing.assert_close(output.loss, expected)


def test_model__decodes_only_when_a_task_reads_dense_features() -> None:
    assert model({"gap": {}, "route": {}}).backbone.decoder is None
    views = model({"gap": {}}).encode(*batch())
    assert views.dense is None and views.body is None
    assert model({"position": {}}).backbone.decoder is not None


@pytest.mark.parametrize("name", sorted(TASKS))
def test_model__every_weight_is_trained_by_any_task_alone_or_by_the_backbones_other_half(name: str) -> None:
    """What no task reads (the pooling, under a task that reads dense features alone) is named here."""
    views = 10 if name == "voco" else 3  # 2 random and 8 base crops
    spatial = model({name: {}}, views=views)
    spatial(*batch(views=views)).loss.backward()
    idle = {key for key, weight in spatial.named_parameters() if weight.grad is None}
    unread = {key for key, _ in spatial.named_parameters() if key.startswith("backbone.pool.")}
    assert idle == (unread if name in ("adjacency", "position") else set())


def test_model__body_is_cells_more_than_half_bright() -> None:
    """Cells of 2^3 voxels: with 4 bright ones a cell is not body, with 5 it is; any channel will do."""
    spatial = model({"position": {}}, channels=2)
    images = torch.full((1, 3, 2, 16, 16, 16), -1.0)
    corner = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0)]
    for x, y, z in corner[:4]:
        images[0, 0, 0, x, y, z] = 0.0
    for channel, (x, y, z) in enumerate(corner):
        images[0, 0, channel % 2, x + 2, y + 4, z + 6] = 0.0
    images[0, 1] = -0.96  # noise on air
    images[0, 2] = -0.9  # dark tissue
    body = spatial.encode(images, torch.zeros(1, 3, 3), 48.0, torch.zeros(1, 2, dtype=torch.long)).body
    assert body is not None and body.shape == (1, 3, 8, 8, 8)
    assert body[0, 0].nonzero().tolist() == [[1, 2, 3]]
    assert not body[0, 1].any() and body[0, 2].all()


def test_model__body_is_what_was_bright_before_intensities_were_varied() -> None:
    """Air that augmentation has lifted is still air: all of these views are bright, half of each is body."""
    spatial = model({"position": {}})
    images, centres, view_mm, address = batch()
    told = torch.full_like(images, -1.0)
    told[..., :8] = 0.0
    body = spatial.encode(images, centres, view_mm, address, told).body
    assert body is not None and body[..., :4].all() and not body[..., 4:].any()
    loss, other = spatial(images, centres, view_mm, address, told).loss, spatial(images, centres, view_mm, address).loss
    assert not torch.equal(loss, other)


def test_model__gives_tasks_the_interface_of_its_backbone() -> None:
    spatial = model({"adjacency": {}})
    assert spatial.task("adjacency").head[0].in_features == 27 * NETWORK.dense_channels
    assert spatial.encode(*batch()).view_mm == 48.0
    assert isinstance(spatial.encode(*batch()), EncodedViews)


@pytest.mark.parametrize(
    ("tasks", "words"),
    [({}, "none is switched on"), ({"gap": {}, "gaps": {}}, "gaps unknown"), ({"gap": {"form": "best"}}, "tasks.gap")],
)
def test_model__refuses_wrong_tasks(tasks: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        model(tasks)


def test_chosen_tasks__cure_lists_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        chosen_tasks({"jigsaw": {}})
    assert all(name in caught.value.cure for name in TASKS)
