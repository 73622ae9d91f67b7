"""A raw scan made ready to be asked where things are: on the run's grid, at half its spacing, and seen by its model."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from scipy.ndimage import binary_dilation

from orienteer.errors import OrienteerError, RunError, ScanError
from orienteer.evaluation.familiar import WholeScan
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.prepare import Scaled
from orienteer.localize.correspond import Prepared
from orienteer.localize.field import placing_task
from orienteer.pretext.contract import PretextTask
from orienteer.pretext.model import SpatialModel
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import far_too_large, unfamiliar
from orienteer.runs.load import best_checkpoint, load_model
from orienteer.runs.run import Run, Step
from orienteer.runs.scan import at_half, for_network, read_with_info_as, stored
from orienteer.scans.discover import label_files
from orienteer.scans.findings import Finding
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import ScanInfo, Source
from orienteer.store import Store
from orienteer.store.intensity import normalise
from orienteer.units import in_sentence, shown

PLACE_MM = 0.01
"""By how much the places of labels and of their scan may differ."""


def digest_of(model: SpatialModel) -> str:
    """SHA-256 of a model's weights."""
    return hashlib.sha256(save(model.state_dict())).hexdigest()


@dataclass(frozen=True, eq=False)
class Asker:
    """A run with its model in memory, for many scans.

    Attributes:
        run: the run.
        model: of one of its checkpoints, in evaluation mode.
        trained: what its training scans were like; None where the run does not tell.
        finer: whether scans are also looked at at half the run's spacing, where that is not too much.
        notes: checkpoints that could not be read, and why the run's answers mean little.
    """

    run: Run
    model: SpatialModel
    trained: TrainedOn | None
    finer: bool = True
    notes: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model's weights."""
        return digest_of(self.model)

    @classmethod
    def of(cls, run: Run, step: Step = "best") -> "Asker":
        """With a checkpoint.

        Raises:
            RunError: no whole checkpoint of that step.
        """
        checkpoint, notes = best_checkpoint(run.folder) if step == "best" else (step, ())
        model = load_model(run, checkpoint)
        number = checkpoint if isinstance(checkpoint, int) else checkpoint.step
        return cls(run, model, TrainedOn.read(run.path, step=number), notes=(*notes, *doubts(run, model)))

    def stored(self, store: Store, scan: str) -> Prepared:
        """One scan of a store; it has the run's spacing alone.

        Raises:
            RunError: a store that the run cannot read.
            StoreError: no such scan, or its array is damaged.
            ConfigError: the model learned no task that places single voxels.
        """
        self.run.check_store(store)
        return Prepared.of(self.model, stored(store, scan), view=self.run.settings.views.size)

    def open(self, path: Path) -> "Ready":
        """The only scan in a file or a folder.

        Raises:
            OrienteerError: nothing is there, or more than one scan.
            ScanError: as ``read``.
        """
        sources = lay_out(path, expected=self.run.record.data.channels).sources
        if len(sources) != 1:
            raise OrienteerError(f"{path} holds {len(sources)} scans", cure="give one of them")
        return self.read(sources[0])

    def read(self, source: Source) -> "Ready":
        """One scan.

        Raises:
            ScanError: it cannot be read, or as ``bring``.
        """
        data = self.run.record.data
        info, volume = read_with_info_as(source, (data.channels, data.channel_names))
        return Ready(self, source, info, volume, *self.bring(volume))

    def see(self, source: Source) -> "Ready":
        """One scan, seen by the model.

        Raises:
            ScanError: as ``read``, or it is too thin.
            ConfigError: the model learned no task that places single voxels.
        """
        ready = self.read(source)
        assert ready.prepared
        return ready

    def bring(self, volume: Volume) -> tuple[Volume, Scaled]:
        """A scan in its own axes as axes R, A, S, and on the run's grid.

        Raises:
            ScanError: it cannot be brought there, or is far larger than any training scan: its header has the wrong
                unit.
        """
        upright = canonical(volume)
        if self.trained and (huge := far_too_large([self.trained], upright.shape, upright.spacing.tolist())):
            raise ScanError(huge.message, code=huge.code, cure=huge.cure)
        return upright, for_network(upright, self.run.record.data.parameters)


def doubts(run: Run, model: SpatialModel) -> tuple[str, ...]:
    """Why a run's answers mean little, by its verdict; nothing where it has none, or learned places."""
    try:
        judged = next((run.evaluations[name] for name in ("val", "test") if name in run.evaluations), None)
    except RunError as error:
        return (str(error),)
    if judged is None:
        return ()
    extended_at = run.record.extended_at
    if extended_at is not None and judged.step <= extended_at:
        return (
            f"{run.path} was judged at step {judged.step} and has been trained further since; to judge it as it is now:"
            f" orienteer evaluate {run.path} STORE --split {judged.split} --overwrite",
        )
    if judged.verdict.label != "learning":
        return (f"{run.path} is {judged.verdict.label}: {judged.verdict.sentence} What it finds means little.",)
    task = placing_task(model)
    placed = judged.task(task.card.name) if isinstance(task, PretextTask) else None
    if placed is None or placed.judged is None or placed.judged[1].beats_chance is not False:
        return ()
    metric, value = placed.judged
    figures = f"{shown(value.value, value.unit)}, chance {shown(value.chance, value.unit)}"
    return (
        f"{run.path}: {in_sentence(metric.title)} is not shown to beat chance ({figures}); what it finds means little",
    )


@dataclass(frozen=True, eq=False)
class Ready:
    """One scan, read.

    Attributes:
        asker: whose grid and intensities it has.
        source: its files.
        info: what its file says.
        volume: in its own orientation.
        upright: the same, axes R, A, S.
        scaled: on the run's grid.
    """

    asker: Asker
    source: Source
    info: ScanInfo
    volume: Volume
    upright: Volume
    scaled: Scaled

    @cached_property
    def prepared(self) -> Prepared:
        """Seen by the model.

        Raises:
            ScanError: it is too thin.
            ConfigError: the model learned no task that places single voxels.
        """
        coarse = Volume(normalise(self.scaled.image, self.scaled.intensity), self.scaled.grid.affine)
        return Prepared.of(self.asker.model, coarse, self._finer(), view=self.asker.run.settings.views.size)

    @property
    def body(self) -> Volume:
        """``(1, D, H, W)`` on the run's grid, True in the body and one voxel around it."""
        return Volume(binary_dilation(self.scaled.mask)[None], self.scaled.grid.affine)

    def as_exemplar(self) -> tuple[str, ...]:
        """What is odd about it, in sentences; where it is unlike training, what is carried from it means little."""
        header = [each for each in self.info.findings if each.level == "warning"]
        return (
            *(f"{self.source.relative}: {each.message} [{each.code}]; to mend it: {each.cure}" for each in header),
            *(
                f"{self.source.relative}: unlike training: {each.message} [{each.code}]"
                for each in self.unlike_training
            ),
        )

    @property
    def of_header(self) -> dict[str, Any]:
        """What is odd about its header, as JSON."""
        return {"warnings": [asdict(each) for each in self.info.findings if each.level == "warning"]}

    @property
    def warnings(self) -> dict[str, Any]:
        """What is odd about its header, and how it is unlike the training scans, as JSON."""
        return {"warnings": [*self.of_header["warnings"], *map(asdict, self.unlike_training)]}

    def labels(self, path: Path) -> tuple[Volume, tuple[str, ...]]:
        """A label file of this scan: int16 ``(1, X, Y, Z)`` in the file's own orientation, and what is odd about it.

        Raises:
            OrienteerError: no such file, labels that lie elsewhere, or what is rather a scan.
        """
        named, others = label_files(path)
        if len(named) + len(others) != 1:
            raise OrienteerError(f"{path} holds {len(named) + len(others)} label files", cure="give one label file")
        grid = Grid(self.volume.shape, self.volume.affine)
        found, findings = read_labels((named or others)[0], grid, oriented=names_orientation(self.info.findings))
        if found is None:
            raise OrienteerError(findings[0].message, cure=findings[0].cure)
        if scan := next((each for each in findings if each.code == "labels-like-scan"), None):
            raise OrienteerError(scan.message, cure="give the scan first, then its labels")
        notes = [
            f"{each.message} [{each.code}]; to mend it: {each.cure}" for each in findings if each.level == "warning"
        ]
        upright = canonical(found)
        if upright.shape != self.upright.shape or not np.allclose(upright.affine, self.upright.affine, atol=PLACE_MM):
            sizes = " and ".join(" x ".join(map(str, each.shape)) for each in (upright, self.upright))
            notes.append(
                f"{path.name} has another grid than {self.source.relative} ({sizes} voxels): is it of that scan?"
            )
        return found, tuple(notes)

    def _finer(self) -> Volume | None:
        if not self.asker.finer:
            return None
        return at_half(self.upright, self.scaled.intensity, self.asker.run.record.data.spacing_mm)

    @property
    def unlike_training(self) -> tuple[Finding, ...]:
        """How it is unlike the scans the run learned from; nothing where the run does not tell what they were like."""
        if self.asker.trained is None:
            return ()
        run = self.asker.run
        scan = WholeScan.prepared(self.scaled, self.upright.spacing, run.record.data.parameters)
        content = scan.content(
            self.asker.model.backbone.encoder, size=run.settings.views.size, device=torch.device("cpu")
        )
        return unfamiliar(self.asker.trained, scan.frame, content)
