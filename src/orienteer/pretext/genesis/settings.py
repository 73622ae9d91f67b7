"""Settings of Models Genesis."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class GenesisSettings(TaskSettings):
    """Models Genesis: what did the view look like before it was distorted?"""

    intensity: float = Field(0.9, ge=0, le=1)
    """Share of views whose intensities go through a random monotone curve."""
    invert: float = Field(0.5, ge=0, le=1)
    """Share of those curves that fall instead of rise, so that bright becomes dark."""
    shuffle: float = Field(0.5, ge=0, le=1)
    """Share of views whose voxels are shuffled within small blocks."""
    shuffle_edge: int = Field(3, ge=2)
    """Largest edge of such a block in voxels."""
    paint: float = Field(0.9, ge=0, le=1)
    """Share of views that are partly painted over with noise."""
    outer: float = Field(0.8, ge=0, le=1)
    """Share of those in which all but a few boxes is painted over; in the others the boxes are."""
    views: int | None = Field(None, ge=1)
    """Only the first so many views of a sample are distorted and encoded, which costs less; ``null`` takes them all."""
