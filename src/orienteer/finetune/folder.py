"""The folder of one fine-tuning: settings, goal, weights taken, checkpoints, scores."""

from pathlib import Path

from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.finetune.record import FinetuneRecord
from orienteer.finetune.settings import FinetuneSettings
from orienteer.training.folder import TrainingFolder


class FinetuneFolder(TrainingFolder):
    """``OUT/seed_0`` and the like. See docs/reference/finetune-folder.md."""

    record_type = FinetuneRecord

    def record(self) -> FinetuneRecord:
        """What was learned. Raises as :meth:`FinetuneRecord.read`."""
        return FinetuneRecord.read(self.path)

    def settings(self) -> FinetuneSettings:
        """The settings it was started with.

        Raises:
            RunError: this is no folder of a fine-tuning.
        """
        if not self.is_claimed:
            raise RunError(
                f"{self.path} is not a fine-tuned network", cure="give a folder made by `orienteer finetune`"
            )
        return FinetuneSettings.build(load_yaml(self.settings_file), origin=str(self.settings_file))

    @property
    def scores(self) -> Path:
        """Scores per case, Parquet; there once the fine-tuning is finished."""
        return self.path / "cases.parquet"
