"""Settings of relative patch location."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class PatchLocationSettings(TaskSettings):
    """Relative patch location: in which of 26 directions from the first view does each other view lie?"""

    hidden: int = Field(256, ge=1)
    """Width of the head's hidden layer."""
