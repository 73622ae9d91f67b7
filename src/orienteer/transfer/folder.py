"""The folder of one fine-tuning: settings, goal, weights taken, checkpoints, scores."""

import json
from pathlib import Path
from typing import Any

from orienteer.atomic import write_json
from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.training.folder import TrainingFolder
from orienteer.transfer.settings import FinetuneSettings

SCHEMA = 1


class FinetuneFolder(TrainingFolder):
    """``OUT/seed_0`` and the like. See docs/reference/finetune-folder.md."""

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

    def write_record(self, record: dict[str, Any]) -> None:
        """Write ``finetune.json``."""
        write_json(self.record_file, {"schema_version": SCHEMA, **record})

    def record(self) -> dict[str, Any]:
        """Read ``finetune.json``.

        Raises:
            RunError: it is missing, damaged or newer than this Orienteer.
        """
        file = self.record_file
        try:
            record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {file}: {error}", cure="give a folder made by `orienteer finetune`") from None
        if record.get("schema_version", 0) > SCHEMA:
            raise RunError(f"{file} was written by a newer Orienteer", cure="upgrade orienteer")
        return record

    @property
    def record_file(self) -> Path:
        """What is learned, of which scans, from which weights."""
        return self.path / "finetune.json"

    @property
    def scores(self) -> Path:
        """Scores per case, Parquet; there once the fine-tuning is finished."""
        return self.path / "cases.parquet"
