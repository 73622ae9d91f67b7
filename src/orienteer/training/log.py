"""Where a run's figures go: JSON lines, which are the run's record, and the loggers that it was asked to have."""

import sys
from collections.abc import Iterable

from orienteer.loggers.point import points
from orienteer.loggers.together import Loggers
from orienteer.records import Measure, Observation
from orienteer.records.log import ObservationLog
from orienteer.training.folder import TrainingFolder
from orienteer.training.loop import StepResult


class RunLog:
    """Writes observations of training steps and validations.

    Args:
        run: the run folder.
        step: steps already done; records of later steps, from before a kill, are dropped.
        validate: the validation of that step is still to be made.
        shown: say where else the figures can be seen.
    """

    def __init__(self, run: TrainingFolder, step: int, *, validate: bool = False, shown: bool = False) -> None:
        self.lines = ObservationLog(run.observations)
        # Killed before its first checkpoint, a run starts over, and so does its history.
        first = step + 1 if step else 0
        for damaged in self.lines.rewind(first - 1, redone="validation" if validate else None):
            print(f"orienteer: {damaged}", file=sys.stderr)
        self.loggers = Loggers(run.path, step, run.observations, shown=shown)

    def training(self, result: StepResult) -> None:
        """Record one training step, if it was looked at."""
        seen = result.seen
        if seen is None:
            return
        machine = Observation(
            "training",
            {
                "loss": Measure(seen.loss, "1"),
                "learning_rate": Measure(seen.learning_rate, "1"),
                "data_wait_fraction": Measure(seen.waited, "fraction"),
            },
        )
        self._write((machine, *seen.observations), result.step, "train")

    def validation(self, observations: Iterable[Observation], step: int) -> None:
        """Record one validation."""
        self._write(tuple(observations), step, "validation")

    def flush(self) -> None:
        """Bring all lines to the disk."""
        self.lines.flush()

    def close(self) -> None:
        """Close the loggers."""
        self.loggers.close()

    def _write(self, observations: tuple[Observation, ...], step: int, phase: str) -> None:
        for observation in observations:
            self.lines.append(observation, step=step, phase=phase)
        self.loggers.send([point for seen in observations for point in points(step, phase, seen.task, seen.measures)])
