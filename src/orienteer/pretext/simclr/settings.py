"""Settings of SimCLR."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class SimclrSettings(TaskSettings):
    """SimCLR: which other crop of the batch shows the same place of the same scan? Needs a batch of 2 scans or more."""

    temperature: float = Field(0.5, gt=0)
    """Softness of the choice: similarities are divided by it."""
    hidden: int = Field(256, ge=1)
    """Width of the projection's hidden layer."""
    projection: int = Field(128, ge=2)
    """Length of the projected embedding that is compared."""
