"""The run folder: the paths of its files, and its settings."""

from dataclasses import dataclass
from pathlib import Path

from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.records.run import RunRecord
from orienteer.runs.settings import PretrainSettings
from orienteer.training.folder import TrainingFolder
from orienteer.training.stored import as_stored


@dataclass(frozen=True)
class RunFolder(TrainingFolder):
    """A pretraining run. See docs/reference/run-folder.md."""

    record_type = RunRecord

    @property
    def summary(self) -> Path:
        """Final metrics."""
        return self.path / "summary.json"

    @property
    def evaluations(self) -> Path:
        """One folder for each evaluation."""
        return self.path / "evaluations"

    def subfolder(self, group: str, name: str) -> Path:
        """The folder of an evaluation or a probe, by the name it was given.

        Raises:
            RunError: a name that leads to somewhere else.
        """
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise RunError(f"{name!r} is a path, not a name", cure="give a plain name, such as other-scanner")
        return self.path / group / name

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
        return PretrainSettings.build(as_stored(load_yaml(file)), origin=str(file))
