"""MLflow: the server of ``MLFLOW_TRACKING_URI``, or a database in the run folder."""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from orienteer.loggers.contract import PROJECT, LoggedRun, Logger
from orienteer.loggers.point import Point

PATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""A server that is away must not hold training up for the minutes that MLflow would wait."""
LONGEST, MOST = 500, 90
"""Characters of a parameter's value; entries of a request."""


class MlflowLogger(Logger):
    """Goes on with the MLflow run whose id the run folder keeps, where the server still has it."""

    name = "mlflow"
    extra = "mlflow"
    modules = ("mlflow", "sqlalchemy", "alembic")
    fix = "see that the server of MLFLOW_TRACKING_URI answers, and that the disk has space"

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        for name, value in PATIENT.items():
            os.environ.setdefault(name, value)
        import mlflow
        from mlflow.tracking import MlflowClient

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        folder = run.folder.resolve() / "mlflow"
        self.local = "" if mlflow.is_tracking_uri_set() else f"sqlite:///{folder / 'mlflow.db'}"
        if self.local:
            folder.mkdir(exist_ok=True)
        self.client = MlflowClient(tracking_uri=self.local or mlflow.get_tracking_uri())
        experiment = self._experiment((folder / "artifacts").as_uri() if self.local else None)
        self.id = self._found() or self.client.create_run(experiment, run_name=run.name).info.run_id
        run.kept["run_id"] = self.id
        self.client.update_run(self.id, status="RUNNING")
        self.ended = "KILLED"
        before = self.client.get_run(self.id).data
        self.held = {
            (key, metric.step) for key in before.metrics for metric in self.client.get_metric_history(self.id, key)
        }
        self._describe(before.params)

    @property
    def view(self) -> str:
        """The command that shows it, or the server that has it."""
        if not self.local:
            return f"run {self.id} on the server of MLFLOW_TRACKING_URI"
        return f"mlflow ui --backend-store-uri {quote(self.local)} (needs `pip install mlflow`)"

    def holds(self, key: str, step: int) -> bool:
        """Whether the MLflow run has it."""
        return (key, step) in self.held

    def write(self, points: Sequence[Point]) -> None:
        """Send metrics."""
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        values = [Metric(key, value, now, point.step) for point in points for key, value in point.values.items()]
        for start in range(0, len(values), MOST):
            self.client.log_batch(self.id, metrics=values[start : start + MOST])

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Tag the run with its verdict and give it the report."""
        if verdict:
            self.client.set_tag(self.id, "verdict", verdict)
            self.client.set_tag(self.id, "verdict_sentence", sentence)
        if page is not None:
            self.client.log_artifact(self.id, str(page))
        self.ended = "FINISHED"

    def close(self) -> None:
        """Say how it ended; one that was stopped is taken up again when the run is resumed."""
        self.client.set_terminated(self.id, self.ended)

    def _experiment(self, artifacts: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
        found = self.client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self.client.create_experiment(name, artifact_location=artifacts))

    def _found(self) -> str | None:
        """The id of its run; None where it has none here."""
        from mlflow.exceptions import MlflowException

        known = self.run.kept.get("run_id")
        try:
            alive = known and self.client.get_run(known).info.lifecycle_stage == "active"
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return str(known) if alive else None

    def _describe(self, before: dict[str, str]) -> None:
        """Settings as parameters; MLflow changes none, so steps that were added later are a tag."""
        from mlflow.entities import Param

        settings = {name: str(value)[:LONGEST] for name, value in self.run.settings.items()}
        new = [Param(name, value) for name, value in settings.items() if name not in before]
        for start in range(0, len(new), MOST):
            self.client.log_batch(self.id, params=new[start : start + MOST])
        for name, value in settings.items():
            if before.get(name, value) != value:
                self.client.set_tag(self.id, f"now.{name}", value)
