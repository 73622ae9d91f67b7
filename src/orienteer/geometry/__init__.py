"""Volumes, grids and boxes in mm. Never imports torch."""

from orienteer.geometry.chunks import ChunkPair, chunk_offsets, chunk_pair
from orienteer.geometry.volume import Volume, axes_of, canonical, spacing_of

__all__ = ["ChunkPair", "Volume", "axes_of", "canonical", "chunk_offsets", "chunk_pair", "spacing_of"]
