"""What every folder of a training run holds, whatever is trained."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from orienteer.atomic import write_text
from orienteer.config import Config
from orienteer.errors import RunError


@dataclass(frozen=True)
class TrainingFolder:
    """Paths of a training run's files."""

    path: Path

    @property
    def settings_file(self) -> Path:
        """The resolved settings."""
        return self.path / "settings.yaml"

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
    def is_claimed(self) -> bool:
        """True once settings were written here."""
        return self.settings_file.is_file()

    def create(self, settings: Config) -> None:
        """Claim a new folder and write its settings.

        Raises:
            RunError: something is already there.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(
                f"{self.path} exists and is not empty",
                cure="add --resume to continue it, or choose another folder; nothing is overwritten",
            )
        write_text(self.settings_file, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
