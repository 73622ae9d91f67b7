"""``RUN/tensorboard``: event files for TensorBoard."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from orienteer.loggers.contract import LoggedRun, Logger
from orienteer.loggers.point import Point


class TensorBoardLogger(Logger):
    """A resumed run goes on in a file of its own; steps of before a kill are purged in it."""

    name = "tensorboard"
    extra = "tensorboard"
    modules = ("tensorboard",)

    def __init__(self, run: LoggedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        super().__init__(run)
        self.folder = run.folder / "tensorboard"
        self.held = _points_in(self.folder, run.step) if run.step else set()
        self.writer = SummaryWriter(str(self.folder), purge_step=run.step + 1 if run.step else 0)
        if not self.held:
            rows = "".join(f"| {name} | {value} |\n" for name, value in run.settings.items())
            self.writer.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", 0)

    @property
    def view(self) -> str:
        """The command that shows it."""
        return f"tensorboard --logdir {quote(str(self.folder))}"

    def holds(self, key: str, step: int) -> bool:
        """Whether an event file of before has it."""
        return (key, step) in self.held

    def write(self, points: Sequence[Point]) -> None:
        """Write scalars."""
        for point in points:
            for key, value in point.values.items():
                self.writer.add_scalar(key, value, point.step)
        self.writer.flush()

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Write the verdict as text; the report lies beside."""
        self.writer.add_text("verdict", f"**{verdict}**: {sentence}", self.run.step)

    def close(self) -> None:
        """Close the event file."""
        self.writer.close()


def _points_in(folder: Path, step: int) -> set[tuple[str, int]]:
    """Keys and steps, up to ``step``, that event files hold."""
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    if not folder.is_dir():
        return set()
    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0}).Reload()
    return {(key, event.step) for key in events.Tags()[SCALARS] for event in events.Scalars(key) if event.step <= step}
