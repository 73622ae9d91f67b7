"""The course of a training: the learning rate of every step, and the step it ends with.

Most runs follow a schedule that is known from the start. One that trains until it learns no more holds its rate until
its own training loss stays where it is, then decays it and ends; what decides is in its checkpoints.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orienteer.training.settings import OptimiserSettings, PlateauSettings


@dataclass(eq=False)
class Course:
    """Rate and end of a training.

    Attributes:
        settings: the optimiser's; its steps are the most.
        plateau: when to end before; None for the schedule alone.
        state: what was learned of the training loss so far, for checkpoints: changed in place, plain numbers.
        joined: step from which all weights learn; before it, and while the rate rises, no loss is held against another.
    """

    settings: OptimiserSettings
    plateau: PlateauSettings | None = None
    state: dict[str, Any] = field(default_factory=dict)
    joined: int = 0

    @property
    def last(self) -> int:
        """The step it ends with, as far as is known."""
        turned = self.turned
        if self.plateau is None or turned is None:
            return self.settings.steps
        return min(self.settings.steps, turned + math.ceil(self.plateau.decay * turned))

    @property
    def turned(self) -> int | None:
        """The step after which the rate decays because the loss fell no more; None before that."""
        return self.state.get("turned")

    def rate(self, step: int) -> float:
        """Learning rate of step ``step`` (0-based)."""
        if self.plateau is None:
            return learning_rate(step, self.settings)
        turned = self.turned or latest(self.settings, self.plateau)
        return _warmed(step, self.settings) or _decayed((step - turned) / max(1, self.last - turned), self.settings)

    def closes(self, step: int) -> bool:
        """Whether a window of losses ends with that step, so that they must be known."""
        return self.plateau is not None and step % self.plateau.window == 0

    def note(self, step: int, losses: Sequence[float]) -> bool:
        """Take in training losses, and say whether they decided now that the rate decays.

        Args:
            step: steps done.
            losses: of the last of them, since the call before; a window must not end among them.
        """
        plateau, state = self.plateau, self.state
        if plateau is None or not losses or self.turned is not None or step >= latest(self.settings, plateau):
            return False
        began = begins(self.settings, plateau, self.joined)
        for loss in losses[max(0, began - step + len(losses)) :]:
            state["total"] = state.get("total", 0.0) + loss
        if step <= began or not self.closes(step):
            return False
        mean, best = state.pop("total") / plateau.window, state.get("best")
        if best is None or mean < best - plateau.fall * abs(best):
            state.update(best=mean, stale=0)
        else:
            state["stale"] += 1
        if state["stale"] < plateau.patience or step < plateau.earliest:
            return False
        state["turned"] = step
        return True


def begins(settings: OptimiserSettings, plateau: PlateauSettings, joined: int) -> int:
    """The step after which the first window begins: once the rate has risen and all weights learn."""
    return math.ceil(max(_warm(settings), joined) / plateau.window) * plateau.window


def earliest_turn(settings: OptimiserSettings, plateau: PlateauSettings, joined: int) -> int:
    """The first step after which the rate may decay."""
    first = begins(settings, plateau, joined) + (1 + plateau.patience) * plateau.window
    return max(first, math.ceil(plateau.earliest / plateau.window) * plateau.window)


def latest(settings: OptimiserSettings, plateau: PlateauSettings) -> int:
    """The step after which the rate decays in any case, so that it is down at the last."""
    return max(1, math.floor(settings.steps / (1 + plateau.decay)))


def learning_rate(step: int, settings: OptimiserSettings) -> float:
    """Rate of step ``step`` (0-based): linear warm-up, then a cosine down to ``final`` of the peak."""
    warm = _warm(settings)
    return _warmed(step, settings) or _decayed((step - warm) / max(1, settings.steps - warm), settings)


def _warm(settings: OptimiserSettings) -> int:
    return max(1, round(settings.warmup * settings.steps))


def _warmed(step: int, settings: OptimiserSettings) -> float | None:
    """The rate during warm-up; None after it."""
    warm = _warm(settings)
    return settings.learning_rate * (step + 1) / warm if step < warm else None


def _decayed(progress: float, settings: OptimiserSettings) -> float:
    """The rate when a share of the decay is over; before it, the peak."""
    cosine = (1 + math.cos(math.pi * min(1.0, max(0.0, progress)))) / 2
    return settings.learning_rate * (settings.final + (1 - settings.final) * cosine)
