"""Settings of directions and routes."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings
from orienteer.pretext.pairs import Form


class RouteSettings(TaskSettings):
    """Directions and routes: do steps from view to view arrive, and do tours come home?"""

    form: Form = "pairwise"
    """``difference`` closes every tour by algebra (nothing is learned from closure); ``pairwise`` must learn it."""
    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss."""
    arrival_weight: float = Field(0.5, ge=0)
    """Weight of the error with which routes over several views arrive."""
    closure_weight: float = Field(0.5, ge=0)
    """Weight of the error with which closed tours miss their start."""
    max_routes: int = Field(120, ge=1)
    """At most this many routes (and tours) are followed, evenly taken from all orderings."""
