"""The run folder: where each record lies, what is claimed before training starts, what is read back."""

from dataclasses import dataclass
from pathlib import Path

from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.pretraining.settings import PretrainSettings
from orienteer.training.folder import TrainingFolder


@dataclass(frozen=True)
class RunFolder(TrainingFolder):
    """A pretraining run. See docs/reference/run-folder.md."""

    record_name = "run.json"
    made_by = "orienteer pretrain"

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
