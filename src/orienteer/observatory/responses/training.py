"""What is answered about the course of a training."""

from pydantic import RootModel

from orienteer.observatory.responses.base import Answer, Point
from orienteer.observatory.responses.session import RunFacts
from orienteer.records.metric import Better


class Curve(Answer):
    """One metric over training."""

    title: str
    """What people read."""
    unit: str
    """``mm``, ``deg``, ``fraction``, ``rank`` or ``1``."""
    better: Better
    """Which way is better."""
    chance: float | None
    """What a model that knows nothing reaches, in the same unit."""
    points: list[Point]
    """On validation subjects: step and value."""
    train: list[Point]
    """In training: step and value."""


class History(RootModel[dict[str, dict[str, Curve]]]):
    """Every curve by task and metric."""


class LiveResponse(Answer):
    """What came after a step."""

    run: RunFacts
    """The run as it is now."""
    history: History
    """Points after the step asked for."""
