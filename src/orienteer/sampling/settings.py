"""Settings of views: how many, how large, and how they are varied."""

from typing import Literal, Self

from pydantic import Field, model_validator

from orienteer.config import Config

MOST_ELASTIC = 0.5
"""Of the distance of the points that are displaced: at a quarter 0.5 % of space folds, at once the distance 9 %."""


class GeometrySettings(Config):
    """Geometric augmentation, one map per sample; targets are moved by the same map."""

    probability: float = Field(0.5, ge=0, le=1)
    """Share of samples that are turned, scaled and perhaps mirrored; the others are cut on the store's own grid."""
    rotation_deg: float = Field(8.0, ge=0, le=45)
    """Largest rotation about a random axis, degrees."""
    scale: float = Field(0.15, ge=0, lt=0.5)
    """Largest relative change of size, drawn per axis."""
    elastic_mm: float = Field(0.0, ge=0, le=50)
    """Largest standard deviation, mm, of random displacements that deform the whole scan; places stay as they are."""
    elastic_every_mm: float = Field(60.0, ge=5)
    """Distance, mm, of the points that are displaced at random; what lies between moves with them."""
    flip: bool = False
    """Mirror left and right in half of those samples. Off: the body is not symmetric, and the network should know."""

    @model_validator(mode="after")
    def _folds_nowhere(self) -> Self:
        if self.elastic_mm > self.elastic_every_mm * MOST_ELASTIC:
            raise ValueError(
                f"elastic_mm={self.elastic_mm:g} folds the scan over itself with points"
                f" {self.elastic_every_mm:g} mm apart: {self.elastic_every_mm * MOST_ELASTIC:g} is the most"
            )
        return self


class AppearanceSettings(Config):
    """Intensity augmentation, drawn for every view by itself."""

    gamma: float = Field(0.3, ge=0, le=1)
    """Largest change of log gamma."""
    contrast: float = Field(0.2, ge=0, lt=1)
    """Largest relative change of contrast."""
    brightness: float = Field(0.1, ge=0)
    """Largest shift, in half-widths of the intensity window."""
    bias: float = Field(0.15, ge=0)
    """Strength of the smooth multiplicative field."""
    blur_mm: float = Field(2.0, ge=0)
    """Largest standard deviation of blur, mm; half of the views are not blurred."""
    noise: float = Field(0.08, ge=0)
    """Largest standard deviation of noise, in half-widths of the intensity window."""
    curve: float = Field(0.0, ge=0, le=1)
    """Share of samples whose body passes a random curve of intensities, dark to bright in any order, so that anatomy
    is learned rather than one sequence's contrast; all views of a sample pass the same one, background stays."""
    on_device: bool = False
    """Vary intensities on the device, a whole batch at a time, instead of in the loader: for a GPU that waits for its
    data. The choices are the same, the noise is the device's own: the same seed gives the same views on one kind of
    device."""


class OverlappingSettings(Config):
    """Views of the placement ``overlapping``."""

    share: float = Field(0.5, ge=0, le=1)
    """Every two views of a sample have at least this share of their volume in common."""


class NeighboursSettings(Config):
    """Views of the placement ``neighbours``: cells of a 3 x 3 x 3 grid."""

    gap: int = Field(2, ge=0)
    """Voxels between neighbouring cells, so that an edge cut in two does not give the answer away."""
    jitter: int = Field(1, ge=0)
    """Each neighbour is moved by up to this many voxels along each axis."""

    @model_validator(mode="after")
    def _never_touch(self) -> Self:
        if self.jitter > self.gap:
            raise ValueError(f"jitter {self.jitter} is larger than gap {self.gap}: neighbours could overlap the centre")
        return self


class ViewSettings(Config):
    """K cubic views of each scan."""

    count: int = Field(3, ge=2, le=16)
    """K, views per scan. Routes need at least 3."""
    size: int = Field(24, ge=8)
    """Edge of a view in voxels."""
    min_foreground: float = Field(0.15, ge=0, le=1)
    """A view is placed where at least this share of it is body; the best of the tries is taken otherwise."""
    placement: Literal["free", "overlapping", "grid", "neighbours"] = "free"
    """How views lie: each by itself; ``overlapping``; random crops before a ``grid`` of 2 x 2 x 2 base crops (``count``
    is 8 plus the random crops); a centre and its ``neighbours``. Some pretext tasks ask for one of these."""
    overlapping: OverlappingSettings = OverlappingSettings()
    """Placement ``overlapping``."""
    neighbours: NeighboursSettings = NeighboursSettings()
    """Placement ``neighbours``."""
    geometry: GeometrySettings = GeometrySettings()
    """Geometric augmentation."""
    appearance: AppearanceSettings = AppearanceSettings()
    """Intensity augmentation."""
