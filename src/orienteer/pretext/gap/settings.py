"""Settings of the gap matrix."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings
from orienteer.pretext.pairs import Form


class GapSettings(TaskSettings):
    """Gap matrix: how far apart are two views, in mm along each axis?"""

    form: Form = "pairwise"
    """``difference`` of two positions, or a ``pairwise`` head."""
    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss, so that the loss is near 1."""
    distance_weight: float = Field(0.5, ge=0)
    """Weight of the second loss, on the distance alone."""
    uncertainty: bool = False
    """Also predict a Laplace scale per axis: how sure is the network? Observed as coverage of its intervals."""
