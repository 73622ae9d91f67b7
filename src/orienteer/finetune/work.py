"""What a session trains in a fine-tuning: the network with its weights, patches, and validation scores."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch

from orienteer.errors import RunError
from orienteer.finetune.atlas import Atlas
from orienteer.finetune.goal import Goal
from orienteer.finetune.labelled import has_answer, subjects_by_category
from orienteer.finetune.networks import ScanNetwork, SegmentationNetwork
from orienteer.finetune.patches import PatchBatch, PatchSampler, patch_batches
from orienteer.finetune.score import mean_by_metric, score_scans
from orienteer.finetune.settings import FinetuneSettings
from orienteer.finetune.weights import Loaded, load_weights
from orienteer.records import Measure, Observation
from orienteer.records.scores import JUDGED
from orienteer.runs.run import Run
from orienteer.sampling.loader import step_numbers
from orienteer.store import Store
from orienteer.training.devices import resolve
from orienteer.training.keeper import Validation
from orienteer.training.optimiser import Gentle
from orienteer.training.settings import DeviceSettings, PlateauSettings


@dataclass
class Finetuning:
    """Patches of a few labelled scans.

    Attributes:
        settings: with devices resolved.
        store: where the scans are.
        goal: what is learned.
        source: the pretraining run, or None to start from scratch.
        asked: the devices as they were asked for.
        loaded: what became of the run's weights, once built.
        atlas_at: where its atlas is, once written; None where it has none.
        atlas_sha256: of the run whose positions the atlas has, when this fine-tuning was prepared.
    """

    early: ClassVar = False  # whole scans are scored, which takes long
    settings: FinetuneSettings
    store: Store
    goal: Goal
    source: Run | None
    asked: DeviceSettings
    loaded: Loaded | None = None
    atlas_at: Path | None = None
    atlas_sha256: str | None = None

    def build(self) -> SegmentationNetwork | ScanNetwork:
        """The network, with the run's weights in it.

        Raises:
            RunError: the run does not fit, or is no longer what it was when this fine-tuning was prepared.
        """
        channels = self.store.entry(self.goal.scans[0]).channels
        network = self.goal.network(self.settings, channels, self.store.manifest.convention)
        if self.source is not None and self.settings.transfer.encoder:
            loaded = load_weights(
                network, self.source, decoder=self.settings.transfer.decoder, patch=self.settings.patches.size
            )
            if self.loaded is not None and loaded.sha256 != self.loaded.sha256:
                raise RunError(
                    f"the best weights of {self.run_path} have changed since this fine-tuning began",
                    cure="wait until that run is finished, then fine-tune into another folder",
                )
            self.loaded = loaded
            if self.settings.transfer.freeze == "encoder":
                network.encoder.freeze()
        return network

    @property
    def categories(self) -> dict[str, dict[str, int]]:
        """For classification, see ``subjects_by_category``."""
        column = self.settings.column if self.settings.kind == "classify" else None
        return subjects_by_category(self.store, column, self.goal.scans) if column else {}

    def batches(self, start: int, *, rank: int, processes: int) -> Generator[PatchBatch, None, None]:
        """Varied patches of the labelled scans."""
        settings = self.settings
        numbers = step_numbers(
            start, settings.optimiser.steps, settings.optimiser.batch, rank=rank, processes=processes
        )
        sampler = PatchSampler(
            self.store, self.goal.scans, settings.patches, settings.seed, structures=self.goal.structures
        )
        workers, on_device = resolve(settings.devices).workers, settings.patches.appearance.on_device
        return patch_batches(sampler, self._targets, numbers, workers=workers, on_device=on_device)

    def validate(self, model: Any, device: torch.device, step: int) -> Validation | None:
        """Scores of labelled validation subjects, for the log only."""
        if not self.watched:
            return None
        rows = score_scans(model, self.store, self.watched, self.goal, self.settings, device, atlas=self.atlas)
        kind, judged = self.settings.kind, JUDGED[self.settings.kind]
        mean = mean_by_metric(rows).get(judged.name)
        measure = Measure(float("nan") if mean is None else mean, judged.unit, None, judged.better)
        return Validation({kind: Observation(kind, {judged.name: measure})}, None)

    def gentle(self, model: Any) -> Gentle | None:
        """Taken weights, where they are to learn more slowly or later."""
        transfer = self.settings.transfer
        if self.loaded is None or (transfer.rate == 1.0 and transfer.head_first == 0.0):
            return None
        return Gentle(frozenset(self.loaded.loaded), transfer.rate, self.settings.starts)

    @property
    def plateau(self) -> PlateauSettings | None:
        """As the settings say."""
        return self.settings.plateau

    def follow(self, model: Any) -> Callable[[], None]:
        """Nothing follows."""
        return lambda: None

    @property
    def run_path(self) -> str:
        """Where the pretraining run is, for messages."""
        return str(self.source.path) if self.source is not None else "scratch"

    @cached_property
    def atlas(self) -> Atlas | None:
        """The prior that is predicted with, if any."""
        how = self.settings.atlas
        return Atlas.read(self.atlas_at, how) if self.atlas_at is not None and how is not None else None

    @cached_property
    def _targets(self) -> dict[str, float] | None:
        answers, column = self.goal.answers, self.settings.column
        if answers is None or column is None:
            return None
        return {scan: answers.encode(self.store.entry(scan).table[column], scan) for scan in self.goal.scans}

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """Labelled validation scans that are scored at every checkpoint; none when that is switched off."""
        if not self.settings.validate_scans:
            return ()
        entries = [entry for entry in self.store.manifest.scans if entry.split == "val"]
        if self.settings.kind == "segment":
            return tuple(entry.id for entry in entries if entry.labelled)
        return tuple(entry.id for entry in entries if has_answer(entry.table, self.settings.column))
