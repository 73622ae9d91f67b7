"""Settings of views: how many, how large, and how they are varied."""

from pydantic import Field

from orienteer.config import Config


class GeometrySettings(Config):
    """Geometric augmentation, one map per sample; targets are moved by the same map."""

    probability: float = Field(0.5, ge=0, le=1)
    """Share of samples that are turned and scaled; the others are cut on the store's own grid."""
    rotation_deg: float = Field(8.0, ge=0, le=45)
    """Largest rotation about a random axis, degrees."""
    scale: float = Field(0.08, ge=0, lt=0.5)
    """Largest relative change of size, drawn per axis."""
    flip: bool = False
    """Mirror left and right in half of the samples. Off: the body is not symmetric, and the network should know."""


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


class ViewSettings(Config):
    """K cubic views of each scan."""

    count: int = Field(3, ge=2, le=8)
    """K, views per scan. Routes need at least 3."""
    size: int = Field(24, ge=8)
    """Edge of a view in voxels."""
    min_foreground: float = Field(0.15, ge=0, le=1)
    """A view is placed where at least this share of it is body; the best of the tries is taken otherwise."""
    geometry: GeometrySettings = GeometrySettings()
    """Geometric augmentation."""
    appearance: AppearanceSettings = AppearanceSettings()
    """Intensity augmentation."""
