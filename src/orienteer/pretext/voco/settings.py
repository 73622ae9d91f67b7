"""Settings of VoCo."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class VocoSettings(TaskSettings):
    """VoCo: how much of a random crop lies in each base crop of a 2 x 2 x 2 grid?"""

    random: int = Field(2, ge=1)
    """How many of the views, the first ones, are random crops; the 8 others are the base crops. ``views.count`` is
    this plus 8."""
    hidden: int = Field(256, ge=1)
    """Width of the projection's hidden layers."""
    projection: int = Field(128, ge=8)
    """Length of the projected embedding that is compared."""
    apart_weight: float = Field(1.0, ge=0)
    """Weight of the second loss, which pushes the base crops of a scan apart."""
