"""Settings of the position field."""

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class PositionSettings(TaskSettings):
    """Position field: where is every voxel, up to one shift for the whole scan?"""

    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss."""
    voxels: int = Field(512, ge=2)
    """Dense cells per view that are compared, evenly taken from those that hold body."""
