"""Trackio: a dashboard on this machine, in the folder of ``TRACKIO_DIR`` or in Trackio's own."""

import contextlib
import io
import os
import uuid
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from shlex import quote

from orienteer.loggers.contract import PROJECT, LoggedRun, Logger
from orienteer.loggers.point import Point


class TrackioLogger(Logger):
    """Goes on with the Trackio run whose name the run folder keeps."""

    name = "trackio"
    extra = "trackio"
    modules = ("trackio",)

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        import trackio
        from trackio.sqlite_storage import SQLiteStorage

        self.project = os.environ.get("TRACKIO_PROJECT", PROJECT)
        known = run.kept.setdefault("name", f"{run.name}-{uuid.uuid4().hex[:8]}")
        with _quiet():
            self.trackio = trackio.init(
                self.project, known, config=dict(run.settings), resume="allow", embed=False, auto_log_gpu=False,
                auto_log_cpu=False,
            )  # fmt: skip
            logged = SQLiteStorage.get_logs(self.project, known)
        self.held = {(key, row["step"]) for row in logged for key in row}

    @property
    def view(self) -> str:
        """The command that shows it."""
        return f"trackio show --project {quote(self.project)}"

    def holds(self, key: str, step: int) -> bool:
        """Whether the Trackio run has it."""
        return (key, step) in self.held

    def write(self, points: Sequence[Point]) -> None:
        """A row for each step."""
        for step, group in groupby(points, lambda point: point.step):
            row = {key: value for point in group for key, value in point.values.items()}
            self.trackio.log(row, step=step)

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Keep the report among the project's artifacts, and its verdict as an alert."""
        import trackio

        with _quiet():
            if verdict:
                trackio.alert(title=f"verdict: {verdict}", text=sentence, level=trackio.AlertLevel.INFO)
            if page is not None:
                trackio.log_artifact(page, name=f"report-{self.run.kept['name']}", type="report")

    def close(self) -> None:
        """Wait until all is written."""
        with _quiet():
            self.trackio.finish()


def _quiet() -> contextlib.AbstractContextManager[object]:
    """Trackio prints what it does; the run says it in its own words."""
    return contextlib.redirect_stdout(io.StringIO())
