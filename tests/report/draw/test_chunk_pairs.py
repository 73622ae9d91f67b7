"""Similarity of chunks by their distance."""

import numpy as np

from orienteer.records.evidence import ChunkPairs
from orienteer.report.draw.chunk_pairs import draw, similarity_by_distance
from orienteer.report.evaluated import Evaluated


def test_similarity_by_distance__bins_hold_equal_numbers() -> None:
    near, far = np.arange(8.0), np.arange(8.0) + 100
    table = {
        "adjacent_mm": near, "distant_mm": far,
        "adjacent_similarity": 1 - near / 100, "distant_similarity": 1 - far / 100,
    }  # fmt: skip
    centre, mean = similarity_by_distance(table)
    np.testing.assert_allclose(centre[[0, -1]], [0.5, 106.5])
    np.testing.assert_allclose(mean, 1 - centre / 100)


def test_chunk_pairs__are_drawn_with_different_symbols(lead: Evaluated) -> None:
    table = lead.tables["adjacency"]
    ((figure,),) = (part.figures for part in draw(ChunkPairs(chunk=0.5), table, "adjacency"))
    near, far, line = figure.data
    assert near["marker"]["symbol"] != far["marker"]["symbol"] and line["y"][0] > line["y"][-1]
    assert len(near["x"]) == len(table["sample"])
