"""What a fine-tuning learns, and of which scans; recorded, so that predictions can be named later."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from orienteer.finetune.labelled import Answers, answers_of, few, labelled_scans
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.settings import FinetuneSettings
from orienteer.finetune.structures import Structures, structures_of
from orienteer.sampling import Purpose, torch_seed
from orienteer.store import Store
from orienteer.store.convention import Convention


@dataclass(frozen=True)
class Goal:
    """What is learned, and what of.

    Attributes:
        scans: the labelled training scans.
        structures: for segmentation.
        answers: for classification and regression.
        voxels: of every class in the labelled training scans, background first.
    """

    scans: tuple[str, ...]
    structures: Structures | None
    answers: Answers | None
    voxels: tuple[int, ...] = ()

    @property
    def learned(self) -> tuple[Structures | None, tuple[str, ...]]:
        """What networks must have in common to answer together: structures, and categories."""
        return self.structures, self.answers.categories if self.answers else ()

    def network(
        self, settings: FinetuneSettings, channels: int, convention: Convention
    ) -> SegmentationNetwork | ScanNetwork:
        """The network for this goal; its fresh weights derive from the seed alone."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(torch_seed(settings.seed, Purpose.WEIGHTS))
            size = settings.patches.size
            if self.structures is not None:
                weights = class_weights(self.voxels or (1,) * self.structures.classes, settings.loss.rarity)
                return SegmentationNetwork(
                    settings.network,
                    in_channels=channels,
                    patch=size,
                    weights=weights,
                    convention=convention,
                    as_pretrained=settings.transfer.decoder,
                )
            assert self.answers is not None
            outputs = len(self.answers.categories) or 1
            return ScanNetwork(
                settings.network, in_channels=channels, patch=size, outputs=outputs, convention=convention
            )


def goal_of(store: Store, settings: FinetuneSettings) -> Goal:
    """The goal of these settings on this store.

    Raises:
        ConfigError: too few labelled scans, wrong label values, a structure or column that is not there.
        StoreError: no training scans, or damaged labels.
    """
    scans = few(store, labelled_scans(store, settings, "train"), settings.labelled_scans, settings.seed)
    if settings.kind == "segment":
        structures, counted = structures_of(store, scans, settings.structures, settings.ignore)
        return Goal(scans, structures, None, tuple(int(count) for count in np.sum(list(counted.values()), axis=0)))
    return Goal(scans, None, answers_of(store, scans, settings))


def class_weights(voxels: Sequence[int], rarity: float) -> Float[Tensor, " classes"]:
    """Weights ``voxels ** -rarity``, scaled so that they average to 1 over the voxels.

    A class without a voxel, such as the background of labels that fill the scan, weighs as one with a single voxel.
    """
    counts = torch.tensor(voxels, dtype=torch.float64).clamp(min=1)
    weights = counts**-rarity
    return (weights * counts.sum() / (weights * counts).sum()).float()
