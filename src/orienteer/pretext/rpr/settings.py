"""Settings of relative position regression."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class RprSettings(TaskSettings):
    """Relative position regression: how far, in mm along each axis, is it from one view to another?"""

    range_mm: float = Field(300.0, gt=0)
    """The largest offset it can answer, along each axis; also what mm are divided by before the loss."""
    hidden: int = Field(256, ge=1)
    """Width of the head's hidden layer."""
