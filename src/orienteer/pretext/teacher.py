"""Settings of the momentum teacher."""

from pydantic import Field

from orienteer.config import Config


class TeacherSettings(Config):
    """A momentum copy of the backbone."""

    enabled: bool = False
    """Encode the first views online and the others with a slowly following copy, without gradient."""
    online: int = Field(1, ge=1)
    """How many of a scan's views, the first ones, the online network encodes; the copy encodes the others."""
    momentum: float = Field(0.99, ge=0, lt=1)
    """How much of the copy is kept each step."""
