"""Settings of ``orienteer finetune``; ``OUT/seed_0/settings.yaml`` is this, devices as asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from orienteer.config import Config, override
from orienteer.networks.settings import NetworkSettings
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings
from orienteer.training.course import earliest_turn, latest
from orienteer.training.settings import CheckpointSettings, DeviceSettings, OptimiserSettings, PlateauSettings

Kind = Literal["segment", "classify", "regress"]


class PatchSettings(Config):
    """Labelled patches, and how they are varied; labels move with the image."""

    size: int = Field(48, ge=8)
    """Edge of a patch in voxels; also the window that slides over a scan in prediction."""
    structure_share: float = Field(0.5, ge=0, le=1)
    """Share of patches centred on a voxel of a structure drawn evenly among all of them; the others lie anywhere."""
    geometry: GeometrySettings = GeometrySettings(probability=0.7, rotation_deg=15.0, scale=0.15, elastic_every_mm=20.0)
    """Geometric augmentation. With ``elastic_mm`` bodies unlike the labelled ones are learned better, and those like
    them a little worse."""
    appearance: AppearanceSettings = AppearanceSettings()
    """Intensity augmentation."""


class TransferSettings(Config):
    """What is taken from a pretraining run, and how gently it is treated."""

    encoder: bool = True
    """Take the run's encoder. Off, all weights are fresh and the run only says where places are (``atlas``): what
    comes from its weights can then be told from what comes from its positions."""
    decoder: bool = False
    """Also take the decoder where the run trained one. Off: a fresh one of another kind segments better, and one that
    was taken left more false structures far away (docs/log.md)."""
    freeze: Literal["nothing", "encoder"] = "nothing"
    """``encoder`` keeps the taken encoder as it is and trains the rest."""
    rate: float = Field(1.0, gt=0, le=1)
    """Learning rate of taken weights as a share of that of fresh ones."""
    head_first: float = Field(0.0, ge=0, lt=1)
    """Share of the steps in which only fresh weights learn, before taken ones join."""

    @model_validator(mode="after")
    def _of_what_is_taken(self) -> Self:
        if not self.encoder and (self.decoder or self.freeze == "encoder"):
            what = "transfer.decoder" if self.decoder else "transfer.freeze=encoder"
            raise ValueError(f"transfer.encoder=false takes nothing of the run: leave {what} out")
        return self


class LossSettings(Config):
    """The loss of a segmentation: Dice plus cross-entropy."""

    rarity: float = Field(0.5, ge=0, le=1)
    """Cross-entropy weighs a class by its voxels to the minus this: 0 not at all, 1 all classes alike."""


class AtlasSettings(Config):
    """Labels of the labelled scans, carried to each scan that is predicted and multiplied in as a prior."""

    scans: int = Field(5, ge=1)
    """Labelled scans that are carried, at most: the first ones."""
    finer: bool = True
    """Compare scans at half the store's spacing, by their own files, where ``ingest`` found these and they are
    unchanged; else on the store's grid."""
    weight: float = Field(2.0, gt=0, le=10)
    """Exponent of the carried labels' probabilities; that of the network's is 1."""
    blur_mm: float = Field(1.5, ge=0, le=50)
    """Standard deviation, mm, by which carried labels are blurred."""
    trusted_mm: float = Field(12.0, gt=0, le=1000)
    """A place that comes back this far from itself, on its way to the labelled scan and back, counts half."""


class InferenceSettings(Config):
    """Sliding windows over a whole scan."""

    overlap: float = Field(0.5, ge=0, lt=1)
    """Share by which neighbouring windows overlap; their answers are blended with a Gaussian weight."""
    batch: int = Field(4, ge=1)
    """Windows computed together."""


class ScoreSettings(Config):
    """How predictions are compared with labels."""

    tolerance_mm: float = Field(2.0, gt=0)
    """Surfaces this near count as agreeing, for the surface Dice."""


class FinetuneSettings(Config):
    """Settings of one fine-tuning."""

    seed: int = Field(0, ge=0)
    """Every random choice derives from this number: which scans are labelled, fresh weights, patches."""
    kind: Kind = "segment"
    """What is learned: structures, a category, or a number."""
    labelled_scans: int | None = Field(None, ge=1)
    """Labelled training scans to use, each of another subject while there are enough; null takes all."""
    structures: dict[str, list[int]] | None = None
    """Name to label values, for segmentation; null makes one structure of every value in the training labels, called as
    dataset.json calls it."""
    ignore: tuple[int, ...] = ()
    """Label values that take no part in loss and scores, besides those that dataset.json calls ``ignore``."""
    column: str | None = None
    """Column of the store's table to predict, for classification and regression."""
    network: NetworkSettings = NetworkSettings(dense_stride=1)
    """The network; its encoder must be the pretraining run's."""
    transfer: TransferSettings = TransferSettings()
    """What is taken from the run."""
    patches: PatchSettings = PatchSettings()
    """What is trained on."""
    loss: LossSettings = LossSettings()
    """What is minimised, for segmentation."""
    optimiser: OptimiserSettings = OptimiserSettings(steps=1000, batch=2, learning_rate=3e-3, warmup=0.1)
    """Optimisation and its schedule: warm-up, then decay."""
    plateau: PlateauSettings | None = None
    """When to end before ``optimiser.steps``: once the training loss falls no more, as ``{}`` and these say; null makes
    all the steps."""
    atlas: AtlasSettings | None = None
    """A prior for segmentation from a run that places single voxels, as by default: ``{}`` switches it on."""
    inference: InferenceSettings = InferenceSettings()
    """How whole scans are predicted."""
    score: ScoreSettings = ScoreSettings()
    """How predictions are scored."""
    devices: DeviceSettings = DeviceSettings()
    """Where it computes."""
    checkpoint: CheckpointSettings = CheckpointSettings(every=250, keep=1, milestones=False)
    """What is kept; the last weights are the ones that count, so no validation labels are spent."""
    validate_scans: bool = True
    """Score validation subjects at every checkpoint, for you to watch; it decides nothing."""

    @model_validator(mode="after")
    def _plateau_can_come(self) -> Self:
        steps, plateau = self.optimiser.steps, self.plateau
        if plateau is not None and not self._leaves_room(plateau, steps):
            longer = (steps * 2**times for times in range(1, 16))
            enough = next((more for more in longer if self._leaves_room(plateau, more)), None)
            raise ValueError(
                f"plateau: {steps} steps end before it can come: "
                + (f"set optimiser.steps, the most it may take, to {enough}, or " if enough else "")
                + "lower plateau.window, plateau.earliest, optimiser.warmup or transfer.head_first"
            )
        return self

    def _leaves_room(self, plateau: PlateauSettings, steps: int) -> bool:
        """Whether the loss may decide when a training of that many steps at most ends."""
        optimiser = self.optimiser.model_copy(update={"steps": steps})
        return earliest_turn(optimiser, plateau, round(self.transfer.head_first * steps)) < latest(optimiser, plateau)

    @property
    def starts(self) -> int:
        """Step before which taken weights do not learn."""
        return round(self.transfer.head_first * self.optimiser.steps)

    @classmethod
    def read(cls, values: Mapping[str, Any], assignments: Sequence[str] = (), *, origin: str = "--set") -> Self:
        """Settings from a file's values and ``key=value`` assignments over them.

        Raises:
            ConfigError: an unknown key, or a value that does not fit.
        """
        return cls.build(override(values, assignments), origin=origin)
