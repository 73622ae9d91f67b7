"""Settings of the momentum teacher."""

from typing import Any

from pydantic import Field, model_validator

from orienteer.config import Config


class TeacherSettings(Config):
    """A momentum copy of the encoder."""

    enabled: bool = False
    """Encode all views a second time with a slowly following copy, without gradient, for tasks that compare with it."""
    momentum: float = Field(0.99, ge=0, lt=1)
    """How much of the copy is kept each step."""

    @model_validator(mode="before")
    @classmethod
    def _forget_online(cls, values: Any) -> Any:
        """Runs from before say how many views were not encoded by the copy; it plays no part once they are trained."""
        return {key: value for key, value in values.items() if key != "online"} if isinstance(values, dict) else values
