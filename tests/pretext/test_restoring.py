"""From dense cells to voxels and from voxels to errors, by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.restoring import VoxelHead, body_voxels, mean_error, pooled, view_rows
from orienteer.testing.toy_views import bare_views


def views_of(dense: Tensor, embedding: Tensor | None = None) -> EncodedViews:
    samples, count = dense.shape[:2]
    embedding = torch.zeros(samples, count, 8) if embedding is None else embedding
    return bare_views(embedding, torch.zeros(samples, count, 3), dense=dense)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_voxel_head__lays_every_voxel_where_it_belongs(stride: int) -> None:
    """Each output of the head says which channel, cell and voxel of the cell it is; read back voxel by voxel."""
    cells, channels = 3, 2
    head = VoxelHead(Interface(8, 1, 1, 72.0, channels=channels, dense_stride=stride))
    with torch.no_grad():
        head.voxels.weight.fill_(1000.0)  # the cell's own feature, 0 to 26, times 1000 ...
        head.voxels.bias.copy_(torch.arange(channels * stride**3))  # ... plus the output's number
    dense = torch.arange(cells**3, dtype=torch.float32).reshape(1, 1, 1, cells, cells, cells)
    voxels = head(views_of(dense))
    size = cells * stride
    assert voxels.shape == (1, 1, channels, size, size, size)
    for channel in range(channels):
        for place in np.ndindex(size, size, size):
            (i, a), (j, b), (k, c) = (divmod(n, stride) for n in place)
            cell = (i * cells + j) * cells + k
            output = ((channel * stride + a) * stride + b) * stride + c
            assert voxels[0, 0, channel][place] == 1000 * cell + output


def test_voxel_head__keeps_samples_and_views_apart() -> None:
    head = VoxelHead(Interface(8, 2, 3, 72.0))
    random = torch.Generator().manual_seed(0)
    dense, embedding = torch.randn(2, 3, 2, 2, 2, 2, generator=random), torch.randn(2, 3, 8, generator=random)
    with torch.no_grad():
        head.level.weight.normal_(generator=random)
    together = head(views_of(dense, embedding))
    for sample, view in np.ndindex(2, 3):
        alone = head(views_of(dense[sample, view][None, None], embedding[sample, view][None, None]))
        torch.testing.assert_close(together[sample, view], alone[0, 0])


def test_voxel_head__level_is_one_offset_a_channel() -> None:
    """Structure 1 everywhere; an embedding of (1, 0) adds 5 and 7 to the two channels, (0, 1) takes 2 and 3 away."""
    head = VoxelHead(Interface(2, 1, 2, 72.0, channels=2))
    with torch.no_grad():
        head.voxels.weight.zero_()
        head.voxels.bias.fill_(1.0)
        head.level.weight.copy_(torch.tensor([[5.0, -2.0], [7.0, -3.0]]))
    embedding = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    voxels = head(views_of(torch.zeros(1, 2, 1, 2, 2, 2), embedding))
    assert voxels[0, :, :, 0, 0, 0].tolist() == [[6.0, 8.0], [-1.0, -2.0]]
    assert voxels.flatten(3).std(-1).max() == 0


def test_body_voxels__are_above_the_floor_in_any_channel() -> None:
    images = torch.full((1, 1, 2, 1, 1, 3), -1.0)
    images[0, 0, 1, 0, 0, 1] = -0.9
    images[0, 0, :, 0, 0, 2] = 0.5
    assert body_voxels(images).flatten().tolist() == [False, True, True]


def test_mean_error__is_a_share_of_the_window_where_asked() -> None:
    """Wrong by 0.5 and 0.1 in a window of 2: 15 %; what is predicted elsewhere does not count, not even a NaN."""
    true = torch.zeros(1, 2, 1, 1, 1, 3)
    predicted = torch.tensor([0.5, -0.1, torch.nan]).reshape(1, 1, 1, 1, 1, 3).expand_as(true)
    where = torch.tensor([[True, True, False], [False, False, False]]).reshape(1, 2, 1, 1, 1, 3)
    assert mean_error(predicted, true, where).tolist() == [[pytest.approx(0.15), 0.0]]


def test_mean_error__averages_channels() -> None:
    predicted, true = torch.tensor([0.2, 0.6]).reshape(1, 1, 2, 1, 1, 1), torch.zeros(1, 1, 2, 1, 1, 1)
    assert mean_error(predicted, true, torch.ones(1, 1, 1, 1, 1, 1, dtype=torch.bool)).item() == pytest.approx(0.2)


def test_pooled__weighs_views_by_their_voxels() -> None:
    where = torch.zeros(1, 2, 1, 1, 1, 4, dtype=torch.bool)
    where[0, 0, ..., :1] = where[0, 1, ..., :3] = True
    rows = view_rows(where, error=torch.tensor([[0.1, 0.3]]), naive=torch.tensor([[0.4, 0.4]]))
    assert rows["voxels"].tolist() == [1, 3]
    measure = pooled(rows, "error", "naive")
    assert (measure.value, measure.chance, measure.unit) == (pytest.approx(0.25), pytest.approx(0.4), "fraction")


def test_pooled__of_nothing_is_no_figure() -> None:
    rows = view_rows(torch.zeros(1, 1, 1, 1, 1, 4, dtype=torch.bool), error=torch.zeros(1, 1))
    assert np.isnan(pooled(rows, "error", "error").value)
