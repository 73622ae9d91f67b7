"""The contract: how a scan has to be prepared before the network sees it, and what the network has learned."""

from typing import Any, Self

import numpy as np
import torch
from pydantic import Field

from orienteer.config import Tree
from orienteer.errors import RunError
from orienteer.networks.encoders import Encoder
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.metric import Record
from orienteer.records.trained_on import TrainedOn
from orienteer.records.verdict import Label
from orienteer.runs.load import best_checkpoint
from orienteer.runs.run import Run
from orienteer.store.convention import DEVIATIONS, Convention, Name, Range, Window, ZScore
from orienteer.store.intensity import CEILING, FLOOR, LIMIT
from orienteer.store.manifest import Parameters

VERSION = 1
FILE = "contract.json"

CONSTANT = (
    "where the background is one constant value near the body's lowest, as in skull-stripped MR, that value is mapped"
    " there in place of the lower percentile"
)


class Grid(Record):
    """Where voxels lie."""

    axes: str = "RAS"
    """Directions in which the axes of ``(C, D, H, W)`` grow: right, anterior, superior."""
    spacing_mm: float = Field(gt=0, allow_inf_nan=False)
    """Edge of a voxel, the same along all axes."""
    interpolation: str = (
        "linear, after a Gaussian along each axis that gets coarser, of variance (new^2 - old^2) / (8 ln 2) mm^2"
    )
    extent: str = "the scan's whole field of view, centred, rounded to whole voxels"
    """Which part of the scan is kept."""


class Intensities(Record):
    """How values are scaled, in each channel by itself: two of them become ``low`` and ``high``, others in line."""

    rule: Name = "window"
    """Which two: percentiles, so many standard deviations below and above the mean, or a fixed range."""
    percentiles: tuple[float, float] | None = None
    """Of the body's voxels."""
    deviations: float | None = None
    """Of the body's voxels, so that their mean becomes 0 and their standard deviation 1."""
    range: tuple[float, float] | None = None
    """In the scan's own units."""
    body: str = (
        "on the new grid, of every channel: intensities from the lowest (of a CT, not below -1024) to the 99.5th"
        " percentile, minus the lowest, square root; what lies above Otsu's threshold of that (256 bins), opened by"
        " a voxel and its six neighbours, without parts smaller than a fifth of the largest, holes filled in the"
        " whole and then in every slice across the third axis; of several channels, what any of them shows; all"
        " voxels where no air surrounds it: the threshold explains less than 80 % of the variance, or the scan's"
        " four edges along no axis lie below it for 75 % of their length"
    )
    """What counts as the body: ``ingest/foreground.py``."""
    low: float = FLOOR
    high: float = CEILING
    limits: tuple[float, float] = (-LIMIT, LIMIT)
    """Values below and above are cut off there."""
    background: str = ""
    """Where a background of one constant value changes the rule."""
    padding: float = FLOOR
    """What lies outside the scan."""

    @classmethod
    def of(cls, convention: Convention) -> Self:
        """Those of a store's convention, in the network's units."""
        shown = np.array([FLOOR, CEILING, -LIMIT, LIMIT])
        low, high, least, most = map(float, convention.to_network(shown))
        by_percentiles = isinstance(convention, Window)
        return cls(
            rule=convention.name,
            percentiles=convention.percentiles if by_percentiles else None,
            deviations=DEVIATIONS if isinstance(convention, ZScore) else None,
            range=(convention.low, convention.high) if isinstance(convention, Range) else None,
            low=low,
            high=high,
            limits=(least, most),
            background=CONSTANT if by_percentiles else "",
            padding=low,
        )


class Input(Record):
    """What a network takes."""

    shape: str = "(N, C, D, H, W)"
    dtype: str = "float32"
    channels: int = Field(1, ge=1)
    channel_names: tuple[str, ...] = ()
    """In order, where the store knew them."""
    view_voxels: int = Field(ge=1)
    """Edge of the cubes it learned from; features are normalised over what is shown, so stay near this size."""
    stride: int = 1
    """Edges have to be multiples of it."""
    least_edge: int = 0
    """Smallest edge, voxels; 0 where only ``view_voxels`` fits."""
    levels: int = 0
    """How many maps come out; 0 where an older export does not say."""


class Learned(Record):
    """What it learned from, and how well."""

    subjects: int
    scans: int
    simulated: bool = False
    modality: str = ""
    """Of the training scans, as their owner gave it, such as ``T1-weighted MR``; empty where nothing was said."""
    anatomy: str = ""
    """What they show, as their owner gave it."""
    extent_mm: tuple[tuple[float, float], ...] = ()
    """Smallest and largest extent of a training body along R, A, S."""
    voxel_mm: tuple[tuple[float, float], ...] = ()
    """Smallest and largest edge of their voxels before resampling, along R, A, S."""
    window: tuple[tuple[float, float, float, float], ...] = ()
    """For each channel, in the scans' own units (HU of a CT): smallest and largest intensity that became
    ``intensities.low``, and smallest and largest distance from there to ``intensities.high``."""
    imported: str = ""
    """Where the encoder came from, if it was trained elsewhere, and whether these scans trained it further."""
    tasks: tuple[str, ...] = ()
    verdict: Label
    sentence: str
    """The verdict in one sentence, with its error and chance."""
    judged_on: str
    """Split that the verdict rests on."""
    step: int | None = None


class Preparation(Record):
    """How a scan is prepared: the part of a contract that somebody else's weights need as well."""

    grid: Grid
    intensities: Intensities = Intensities()
    input: Input
    licence: str
    """Of the data that it was trained on, as their owner gave it."""

    @property
    def parameters(self) -> Parameters:
        """How a scan is brought onto the grid; its ``convention`` then gives the network's units."""
        return Parameters(
            spacing=self.grid.spacing_mm,
            intensities=self.intensities.rule,
            intensity_range=self.intensities.range,
        )

    @property
    def cannot(self) -> str:
        """The first thing it says that is not what is done here, in words; empty where all of it is."""
        here = Intensities.of(self.parameters.convention).model_dump()
        for part, said, done in (
            ("intensities", self.intensities, here),
            ("grid", self.grid, Grid(spacing_mm=1.0).model_dump()),
            ("input", self.input, {"shape": "(N, C, D, H, W)", "dtype": "float32"}),
        ):
            for name in sorted(said.model_fields_set & done.keys() - {"spacing_mm", "axes"}):
                if getattr(said, name) != done[name]:
                    return f"{part}.{name} is {getattr(said, name)!r}, here it is {done[name]!r}"
        return ""


class Contract(Preparation):
    """``contract.json`` of an exported encoder."""

    version: int = VERSION
    orienteer_version: str
    door: str = "torch"
    """The program that the folder is for."""
    learned: Learned
    network: Tree
    """Settings of the network, in the words of ``orienteer pretrain``."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of every other file of the folder, by its path in it."""

    @classmethod
    def of(cls, run: Run, licence: str, door: str = "torch", *, modality: str = "", anatomy: str = "") -> Self:
        """That of a run's best checkpoint, for one program.

        Args:
            run: judged since its best checkpoint was written.
            licence: of the training data.
            door: name of the program.
            modality: of the training data, in a few words.
            anatomy: what they show.

        Raises:
            RunError: the run, or its best checkpoint, was never judged.
        """
        from orienteer import __version__

        data, judged = run.record.data, _judged(run)
        backbone, imported = run.backbone(), run.record.imported
        further = "kept as it was; heads alone were trained" if run.settings.frozen_encoder else "trained further"
        return cls(
            orienteer_version=__version__,
            door=door,
            grid=Grid(spacing_mm=data.spacing_mm),
            intensities=Intensities.of(data.parameters.convention),
            input=Input(
                channels=data.channels,
                channel_names=data.channel_names,
                view_voxels=run.settings.views.size,
                stride=max(backbone.encoder.strides),
                least_edge=least_edge(backbone.encoder, data.channels, run.settings.views.size),
                levels=len(backbone.encoder.strides),
            ),
            learned=Learned(
                subjects=data.persons.get("train", 0),
                scans=data.scans.get("train", 0),
                simulated=data.simulated,
                modality=modality,
                anatomy=anatomy,
                **_ranges(TrainedOn.read(run.path)),
                imported=f"{imported.origin}, SHA-256 {imported.sha256}, {further}" if imported else "",
                tasks=run.record.tasks,
                verdict=judged.verdict.label,
                sentence=judged.verdict.sentence,
                judged_on=judged.split,
                step=judged.step,
            ),
            licence=licence,
            network=run.settings.network.model_dump(mode="json"),
        )


def least_edge(encoder: Encoder, channels: int, view: int) -> int:
    """The smallest edge of an image that an encoder takes, voxels; 0 where only views of ``view`` fit.

    Norms over a map of one cell fail, so an encoder that has them starts at twice its stride.
    """
    stride = max(encoder.strides)
    for cells in (1, 2):
        if all(_takes(encoder, channels, cells * n * stride) for n in (1, 2)):
            return cells * stride
    return 0


def _takes(encoder: Encoder, channels: int, edge: int) -> bool:
    try:
        with torch.no_grad():
            cells = int(encoder(torch.zeros(1, channels, edge, edge, edge))[-1].shape[2])
    except (RuntimeError, ValueError):
        return False
    return cells * max(encoder.strides) == edge  # positions of one token would fit any image


def _ranges(trained_on: TrainedOn | None) -> dict[str, Any]:
    """What the training scans were like, naming none."""
    if trained_on is None:
        return {}
    return {
        "extent_mm": tuple((span.low, span.high) for span in trained_on.extent_mm),
        "voxel_mm": tuple((span.low, span.high) for span in trained_on.voxel_mm or ()),
        "window": tuple(
            (each.floor.low, each.floor.high, each.width.low, each.width.high) for each in trained_on.channels
        ),
    }


def _judged(run: Run) -> EvaluationRecord:
    """The evaluation that speaks for a run: of test subjects where there is one, else of validation subjects.

    Raises:
        RunError: there is none of its best checkpoint.
    """
    found = [run.evaluations[name] for name in ("test", "val") if name in run.evaluations]
    if not found:
        cure = "let it finish: orienteer pretrain ... --resume; imported weights: orienteer evaluate RUN STORE"
        raise RunError(f"{run.path} was never judged", cure=cure)
    best = best_checkpoint(run.folder)[0].step
    for record in found:
        if record.step == best:
            return record
    raise RunError(
        f"{run.path} was judged at step {found[0].step}, its best checkpoint is of step {best}",
        cure="judge that one: orienteer evaluate RUN STORE --overwrite",
    )
