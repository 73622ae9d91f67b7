"""Every task of the registry learns from views of two channels, and reads both."""

import pytest
import torch

from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import Interface, RestoresImages
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import TASKS, task_type
from orienteer.pretext.teacher import TeacherSettings
from orienteer.testing.toy_places import TOY_PLACES

NETWORK = NetworkSettings(name="unet", size="tiny", options={"features": (4, 8, 8)}, embedding=16)


@pytest.mark.parametrize("name", TASKS)
def test_channels__every_task_trains_both_and_restores_both(name: str) -> None:
    placement = task_type(name).placement or "free"
    count = {"grid": 10, "neighbours": 2, "overlapping": 2}.get(placement, 3)
    random = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    spatial = SpatialModel(
        NETWORK, {name: {}}, TeacherSettings(), in_channels=2, views=count, view=16, spacing=3.0
    )  # fmt: skip
    interface = Interface(embedding=16, dense_channels=8, views=count, view_mm=48.0, channels=2)
    centres = TOY_PLACES[placement](random, 2, interface)
    images = torch.rand(2, count, 2, 16, 16, 16, generator=random) * 1.8 - 0.9
    address = torch.tensor([[0, 0], [0, 1]])
    output = spatial(images, centres, 48.0, address)
    assert torch.isfinite(output.loss)
    output.loss.backward()
    first = next(p for p in spatial.backbone.parameters() if p.ndim == 5)
    assert first.grad is not None and first.shape[1] == 2
    assert (first.grad.abs().amax(dim=(0, 2, 3, 4)) > 0).all(), "one of the channels is not read"
    # What is seen depends on the second channel.
    other = images.clone()
    other[:, :, 1] = other[:, :, 1].flip(-1) * 0.5
    spatial.eval()
    with torch.no_grad():
        assert not torch.equal(
            spatial(images, centres, 48.0, address).loss, spatial(other, centres, 48.0, address).loss
        )
    task = spatial.task(name)
    if isinstance(task, RestoresImages):
        shown = task.corrupt(images, address)
        restored = task.restore(spatial.encode(images, centres, 48.0, address, shown=shown))
        assert restored.shape[2:] == images.shape[2:]
