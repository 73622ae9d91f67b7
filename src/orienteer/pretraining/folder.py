"""The run folder: where each record lies, what is claimed before training starts, what is read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orienteer.atomic import write_json
from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.pretraining.settings import PretrainSettings
from orienteer.training.folder import TrainingFolder

SCHEMA = 1


@dataclass(frozen=True)
class RunFolder(TrainingFolder):
    """A pretraining run. See docs/reference/run-folder.md."""

    @property
    def summary(self) -> Path:
        """The final figures."""
        return self.path / "summary.json"

    @property
    def evaluations(self) -> Path:
        """One folder an evaluation."""
        return self.path / "evaluations"

    def settings(self) -> PretrainSettings:
        """The settings the run was started with.

        Raises:
            RunError: this is no run folder.
        """
        file = self.settings_file
        if not file.is_file():
            raise RunError(
                f"{self.path} is not a run folder: no settings.yaml", cure="give the folder of a pretrain run"
            )
        return PretrainSettings.build(load_yaml(file), origin=str(file))

    def write_record(self, record: dict[str, Any]) -> None:
        """Write ``run.json``: environment, data, network."""
        write_json(self.path / "run.json", {"schema_version": SCHEMA, **record})

    def record(self) -> dict[str, Any]:
        """Read ``run.json``.

        Raises:
            RunError: it is missing, damaged or newer than this Orienteer.
        """
        file = self.path / "run.json"
        try:
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {file}: {error}", cure="give the folder of a pretrain run") from None
        if record.get("schema_version", 0) > SCHEMA:
            raise RunError(f"{file} was written by a newer Orienteer", cure="upgrade orienteer")
        return record
