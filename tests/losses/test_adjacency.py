"""Chunks: where they are, how they are cut, what ranking them costs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.geometry import chunk_pair
from orienteer.losses.adjacency import chunk_places, sample_chunks

FIRST, SECOND = torch.tensor([0]), torch.tensor([1])


def coordinates(cells: int) -> torch.Tensor:
    """``(1, 3, s, s, s)`` features that are their own place: each axis in [-1, 1] over the view."""
    line = (torch.arange(cells) + 0.5) / cells * 2 - 1
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"))[None]


def test_chunk_places__by_hand() -> None:
    """Views of 72 mm with chunks of 36: 18 mm of room. Along (100, 50, 0) the first wall is met on R."""
    centres = torch.tensor([[[10.0, 20.0, 30.0], [110.0, 70.0, 30.0]]])
    places = chunk_places(centres, FIRST, SECOND, view_mm=72.0, chunk_mm=36.0)
    assert places.towards_i[0, 0].tolist() == [18, 9, 0]
    assert places.towards_j[0, 0].tolist() == [-18, -9, 0]
    length = math.hypot(100, 50)
    assert places.adjacent_mm.item() == pytest.approx(length * (1 - 0.36))
    assert places.distant_mm.item() == pytest.approx(length * (1 + 0.36))


@given(st.lists(st.tuples(*[st.floats(-100, 100, width=32)] * 3), min_size=2, max_size=4), st.floats(0.1, 0.9))
def test_chunk_places__are_geometrys(places: list[tuple[float, float, float]], share: float) -> None:
    centres = torch.tensor([places])
    i, j = torch.triu_indices(len(places), len(places), offset=1)
    got = chunk_places(centres, i, j, view_mm=72.0, chunk_mm=72.0 * share)
    start, end = centres[0, i].double().numpy(), centres[0, j].double().numpy()
    pair = chunk_pair(start, end, np.full(3, 72.0), np.full(3, 72.0 * share))
    np.testing.assert_allclose(got.towards_i[0], pair.adjacent_i - start, atol=1e-4)
    np.testing.assert_allclose(-got.towards_i[0], pair.distant_i - start, atol=1e-4)
    np.testing.assert_allclose(got.towards_j[0], pair.adjacent_j - end, atol=1e-4)
    np.testing.assert_allclose(-got.towards_j[0], pair.distant_j - end, atol=1e-4)
    np.testing.assert_allclose(got.adjacent_mm[0], pair.adjacent_distance, atol=1e-3)
    np.testing.assert_allclose(got.distant_mm[0], pair.distant_distance, atol=1e-3)


def test_sample_chunks__on_whole_cells_is_the_slice() -> None:
    """Features of 6 cells, chunk of half the edge: its 3 samples an axis fall on 3 whole cells."""
    dense = torch.randn(2, 4, 6, 6, 6, generator=torch.Generator().manual_seed(0))
    # Cells 0..2, 2..4 and 3..5 have their middles at 1.5, 3.5 and 4.5 of 6 cells.
    centre = torch.tensor([[1.5, 3.5, 4.5], [4.5, 1.5, 3.5]]) / 3 - 1
    chunks = sample_chunks(dense, centre[:, None], 0.5)[:, 0]
    torch.testing.assert_close(chunks[0], dense[0, :, 0:3, 2:5, 3:6], rtol=0, atol=1e-5)
    torch.testing.assert_close(chunks[1], dense[1, :, 3:6, 0:3, 2:5], rtol=0, atol=1e-5)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_sample_chunks__between_cells_is_where_it_should_be(share: float) -> None:
    """With the coordinate as feature, every sample says where it was taken: axes in order, none swapped."""
    centre = torch.tensor([[0.1, -0.2, 0.05], [-0.15, 0.0, 0.2]])
    chunks = sample_chunks(coordinates(12).expand(1, -1, -1, -1, -1), centre[None], share)[0]
    torch.testing.assert_close(chunks.mean(dim=(2, 3, 4)), centre, rtol=0, atol=1e-5)
    spread = share * 2 / 3
    for axis in range(3):
        step = chunks[:, axis].diff(dim=axis + 1)
        torch.testing.assert_close(step, torch.full_like(step, spread), rtol=0, atol=1e-5)


def test_sample_chunks__equals_brute_force() -> None:
    """Trilinear by hand at each of the 27 points; beyond the outermost cell centres the edge is repeated."""
    cells, share = 5, 0.3
    dense = torch.randn(1, 2, cells, cells, cells, generator=torch.Generator().manual_seed(1))
    place = (0.68, -0.7, 0.12)  # the first two reach beyond the outermost cell centres, at -0.8 and 0.8
    expected = torch.zeros(2, 3, 3, 3)
    for a, b, c in np.ndindex(3, 3, 3):
        where = [
            min(max((place[n] + share * (2 * step - 2) / 3 + 1) / 2 * cells - 0.5, 0.0), cells - 1.0)
            for n, step in enumerate((a, b, c))
        ]
        low = [min(int(w), cells - 2) for w in where]
        for corner in np.ndindex(2, 2, 2):
            weight = math.prod((w - n) if up else (1 - w + n) for w, n, up in zip(where, low, corner, strict=True))
            expected[:, a, b, c] += weight * dense[0, :, low[0] + corner[0], low[1] + corner[1], low[2] + corner[2]]
    torch.testing.assert_close(sample_chunks(dense, torch.tensor([[place]]), share)[0, 0], expected, rtol=0, atol=1e-4)
