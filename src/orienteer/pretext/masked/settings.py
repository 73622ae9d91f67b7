"""Settings of masked autoencoding."""

from typing import Literal

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class MaskedSettings(TaskSettings):
    """Masked autoencoding: what was in the blocks that are hidden?"""

    block: int = Field(4, ge=1)
    """Edge of a block in voxels; it must divide the view's."""
    ratio: float = Field(0.75, gt=0, lt=1)
    """Share of a view's blocks that are hidden; 0.6 to 0.75 in the papers."""
    loss: Literal["mse", "l1"] = "mse"
    """Mean squared or mean absolute error over the hidden voxels."""
    views: int | None = Field(None, ge=1)
    """Only the first so many views of a sample are masked and encoded, which costs less; ``null`` takes them all."""
