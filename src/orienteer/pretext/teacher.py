"""Settings of the momentum teacher."""

from typing import Any

from pydantic import Field, model_validator

from orienteer.config import Config


class TeacherSettings(Config):
    """A momentum copy of the encoder."""

    enabled: bool = False
    """Encode all views again with the momentum copy, without gradient, for tasks that compare with it."""
    momentum: float = Field(0.99, ge=0, lt=1)
    """Share of the copy that is kept at each step."""

    @model_validator(mode="before")
    @classmethod
    def _forget_online(cls, values: Any) -> Any:
        """Older runs also hold the number of views that the copy did not encode, which is no longer used."""
        return {key: value for key, value in values.items() if key != "online"} if isinstance(values, dict) else values
