"""``RUN/metrics.csv``: a row a metric and step, for a spreadsheet or a data frame."""

import csv
import io
from collections.abc import Sequence

from orienteer.atomic import write_text
from orienteer.loggers.contract import LoggedRun, Logger
from orienteer.loggers.point import Point

COLUMNS = ("step", "phase", "task", "measure", "value", "unit", "chance")


class CsvLogger(Logger):
    """Written anew from the run's history when it is opened, then added to."""

    name = "csv"

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        self.path = run.folder / "metrics.csv"
        write_text(self.path, ",".join(COLUMNS) + "\n")

    @property
    def view(self) -> str:
        """Where it is."""
        return str(self.path)

    def write(self, points: Sequence[Point]) -> None:
        """Add rows, all of a step at once, so that a kill tears none of them from its step."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            (p.step, p.phase, p.task, p.name, p.value, p.unit, "" if p.chance is None else p.chance) for p in points
        )
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(text.getvalue())
