"""The run folder: where each record lies, what is claimed before training starts, what is read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orienteer.atomic import write_json, write_text
from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.pretraining.settings import PretrainSettings

SCHEMA = 1


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run's files. See docs/reference/run-folder.md."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def observations(self) -> Path:
        """Measures, one JSON line per task and logged step."""
        return self.path / "observations.jsonl"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def summary(self) -> Path:
        """The final figures."""
        return self.path / "summary.json"

    @property
    def evaluations(self) -> Path:
        """One folder an evaluation."""
        return self.path / "evaluations"

    def create(self, settings: PretrainSettings) -> None:
        """Claim a new folder and write its settings.

        Raises:
            RunError: something is already there.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(
                f"{self.path} exists and is not empty",
                cure="add --resume to continue it, or choose another folder; nothing is overwritten",
            )
        write_text(self.path / "settings.yaml", yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))

    def settings(self) -> PretrainSettings:
        """The settings the run was started with.

        Raises:
            RunError: this is no run folder.
        """
        file = self.path / "settings.yaml"
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
