"""The folder of one fine-tuning: settings, goal, weights taken, checkpoints, scores."""

from pathlib import Path

from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.record import FinetuneRecord
from orienteer.finetune.settings import FinetuneSettings
from orienteer.training.checkpoint import Checkpoint, latest_checkpoint
from orienteer.training.folder import TrainingFolder
from orienteer.training.stored import as_stored
from orienteer.training.weights import restore_weights


class FinetuneFolder(TrainingFolder):
    """``OUT/seed_0`` and the like. See docs/reference/finetune-folder.md."""

    record_type = FinetuneRecord

    def record(self) -> FinetuneRecord:
        """What was learned. Raises as ``FinetuneRecord.read``."""
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
        values = load_yaml(self.settings_file)
        if "labels" in values:  # what labelled_scans was called at first
            values["labelled_scans"] = values.pop("labels")
        return FinetuneSettings.build(as_stored(values), origin=str(self.settings_file))

    def trained(self) -> tuple[SegmentationNetwork | ScanNetwork, Checkpoint]:
        """The network with its newest weights, on the CPU, and their checkpoint.

        Raises:
            RunError: no whole checkpoint, or weights that are not those of its settings.
        """
        checkpoint, _ = latest_checkpoint(self.checkpoints)
        if checkpoint is None:
            raise RunError(f"{self.path} has no whole checkpoint", cure="fine-tune it again")
        record = self.record()
        network = record.goal.network(self.settings(), record.channels, record.parameters.convention)
        restore_weights(network, checkpoint.model, self.path)
        return network, checkpoint

    @property
    def atlas(self) -> Path:
        """Folder of its atlas, where it has one."""
        return self.path / "atlas"

    @property
    def scores(self) -> Path:
        """Scores per case, Parquet; there once the fine-tuning is finished."""
        return self.path / "cases.parquet"
