"""Settings of the network."""

from typing import Literal

from pydantic import Field

from orienteer.config import Config, Tree


class NetworkSettings(Config):
    """An encoder, and a decoder where a task needs dense features."""

    name: str = "resunet"
    """``resunet``, ``unet``, ``resenc``, ``plainconv``, ``segresnet``, ``swin``, ``vit``, or your own module as
    ``package.module:Class``."""
    size: Literal["tiny", "small", "base", "large"] = "small"
    """One dial for width and depth; see docs/reference/networks.md for the parameters each preset has."""
    options: Tree = Field(default_factory=dict)
    """Arguments of the encoder's constructor, over the preset."""
    pooling: Literal["average", "grid"] = "grid"
    """How a view becomes one embedding: averaged over space, or a small grid kept and projected (keeps layout)."""
    embedding: int = Field(128, ge=8)
    """Length of a view's embedding."""
    decoder: Literal["pyramid", "residual"] = "pyramid"
    """From the encoder's maps to dense features: ``pyramid`` costs a quarter of ``residual`` and learns brains
    equally well; on scans of a few cm ``residual`` has the sharper position field."""
    dense_stride: int = Field(2, ge=1)
    """Voxels per cell of the decoder's dense features."""
    dense_channels: int = Field(32, ge=4)
    """Channels of the decoder's dense features."""
