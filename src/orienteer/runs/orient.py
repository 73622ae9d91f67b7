"""``orient``: whether scans lie as their headers say: turned, mirrored, of another spacing, of another anatomy."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from orienteer import __version__
from orienteer.arguments import of_orient
from orienteer.atomic import make_folder, write_bytes, write_json, write_text
from orienteer.console import Bar
from orienteer.errors import ConfigError, RunError, ScanError
from orienteer.evaluation.familiar import WholeScan
from orienteer.folders import ENDING, Folder
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.foreground import foreground_box
from orienteer.ingest.prepare import Scaled
from orienteer.localize.field import placing, placing_task
from orienteer.localize.held import BATCH
from orienteer.localize.oriented import Held, Oriented, Verdict, Yardstick, as_csv, as_json, decided
from orienteer.localize.orienting import MANY, Shown, Witness, hold
from orienteer.localize.picture import picture
from orienteer.localize.pose import MIRROR, UPRIGHT, Pose
from orienteer.localize.rewrite import rewritten
from orienteer.pretext.contract import PretextTask, TellsMirrored
from orienteer.pretext.model import SpatialModel
from orienteer.records.rows import read_rows
from orienteer.records.statistics import vectors
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import far_too_large, unfamiliar
from orienteer.runs.load import best_checkpoint
from orienteer.runs.locate import named_apart, reason
from orienteer.runs.run import Run
from orienteer.runs.scan import for_network, read_with_info_as
from orienteer.scans.findings import Finding, finding
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source
from orienteer.store.intensity import normalise

RECORD = Folder.ORIENTATIONS.marker
CODES = {
    Verdict.MIRRORED: "orientation-contradicted",
    Verdict.TURNED: "orientation-contradicted",
    Verdict.SPACING: "spacing-contradicted",
    Verdict.UNSURE: "orientation-untold",
    Verdict.OTHER: "anatomy-unknown",
}
"""Findings of ``check --run``."""
WIDE = 0.8
"""Of the narrowest body in training: below, left and right are not told."""


@dataclass(frozen=True)
class OrientResult:
    """What became of every scan.

    Attributes:
        found: a verdict a scan, in the order of their paths.
        failed: scan to what was wrong with it.
        fixed: scan to the corrected copy that was written.
        folder: of the files; None where none were asked for.
    """

    found: tuple[Oriented, ...]
    failed: Mapping[str, ScanError]
    fixed: Mapping[str, Path]
    folder: Path | None = None


def orient(
    run: Path | str,
    scans: Path | str,
    *,
    out: Path | str | None = None,
    fix: Path | str | None = None,
    sides: Path | str | None = None,
    all_pictures: bool = False,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> OrientResult:
    """Ask for every scan below a folder how it is held; one that cannot be read is named and the others go on.

    Args:
        run: a run that learned to place single voxels, as by default, and was validated.
        scans: a folder of scans in any format, or one file.
        out: a new folder: ``orientations.csv``, ``orientations.json``, and a picture of each scan that is not fine.
        fix: a folder for corrected copies (NIfTI) of scans that are turned or mirrored, where all of it is sure: the
            header's axes change, no voxel does, and no spacing.
        sides: another run, with a task that tells a view from its mirror image, to tell left from right.
        all_pictures: a picture of the others, too.
        overwrite: replace an earlier answer, and earlier copies.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, no validation, or an earlier answer in the way.
        ConfigError: the run learned no task that places single voxels, or ``sides`` none that tells mirror images.
        OrienteerError: no scans.
    """
    of_orient(run, scans, out, fix, sides)
    opened, folder, copies = Run.open(run), None if out is None else Path(out), None if fix is None else Path(fix)
    if folder is not None and (folder / RECORD).exists() and not overwrite:
        raise RunError(f"{folder} holds an answer already", cure="add --overwrite, or name another folder")
    asked = Asked.of(opened, None if sides is None else Run.open(sides))
    mine = [path for path in (folder, copies) if path is not None]
    laid = lay_out(Path(scans), mine, layout=layout, channels=channels, expected=opened.record.data.channels)
    sources = named_apart(laid.sources)
    if copies is not None and not overwrite:
        for name in sources:
            if (copies / f"{name}{ENDING}").exists():
                raise RunError(f"{copies} holds {name}{ENDING} already", cure="add --overwrite, or name a new folder")
    for path in mine:
        make_folder(path)
    if folder is not None:
        _forget(folder)
    found: list[Oriented] = []
    failed: dict[str, ScanError] = {}
    fixed: dict[str, Path] = {}
    with Bar("orienting", len(sources), shown=progress) as bar:
        for name, source in bar.track(list(sources.items())):
            try:
                volume, one = asked.scan(name, source)
                if copies is not None and one.fixable:
                    fixed[name] = copies / f"{name}{ENDING}"
                    write_bytes(fixed[name], rewritten(source.paths[0], volume, one.affine))
            except (ScanError, OSError, RuntimeError, MemoryError) as error:
                failed[name] = reason(source, error)
                continue
            found.append(one)
            if folder is not None and (all_pictures or not one.fine):
                write_bytes(folder / f"{name}.png", picture(_grey(volume), volume.affine, one))
    if folder is not None:
        about = {
            "orienteer_version": __version__,
            "step": best_checkpoint(opened.folder)[0].step,
            "validated_error_mm": round(asked.stick.error_mm, 2),
            "axes": "direction each axis of the file grows towards",
            "affine": "voxel of the file to world R, A, S in mm, as it should be",
            "spacing_factors": "true spacing over the header's, along the file's axes",
        }
        write_text(folder / "orientations.csv", as_csv(found))
        write_json(folder / RECORD, as_json(found, about, {name: error.message for name, error in failed.items()}))
    return OrientResult(tuple(found), failed, fixed, folder)


def contradictions(run: Path | str, sources: Sequence[Source]) -> Iterator[Finding | None]:
    """What a run says against the headers of scans, in order; None where nothing.

    Raises:
        RunError: no run, no whole checkpoint, no validation.
        ConfigError: the run learned no task that places single voxels.
    """
    asked = Asked.of(Run.open(run))
    for source in sources:
        try:
            yield as_finding(asked.scan(source.id, source)[1])
        except (ScanError, OSError, RuntimeError, MemoryError) as error:
            yield finding("orientation-untold", reason(source, error).message)


def as_finding(one: Oriented) -> Finding | None:
    """A verdict as ``check`` names it; None where the scan is fine."""
    if one.fine:
        return None
    sure = f" ({one.confidence:.0%})" if one.confidence else ""
    axes = f", axes {one.axes} are {one.axes_found}" if one.axes != one.axes_found else ""
    return finding(CODES[one.verdict], f"{one.verdict.value}{axes}{one.why and f': {one.why}'}{sure}")


@dataclass(frozen=True, eq=False)
class Sides:
    """A run with a task that tells a view from its mirror image.

    Attributes:
        run: the run.
        model: its best checkpoint.
        task: the task.
    """

    run: Run
    model: SpatialModel
    task: TellsMirrored

    @classmethod
    def of(cls, run: Run, model: SpatialModel) -> "Sides | None":
        """None where the run learned no such task."""
        tasks = (model.task(name) for name in model.tasks)
        task = next((task for task in tasks if isinstance(task, TellsMirrored)), None)
        return None if task is None else cls(run, model, task)

    def witness(self, here: Volume) -> Witness:
        """What the task says of a canonical scan once it is held upright: the mean over windows of the run's own grid.

        Raises:
            ScanError: it cannot be brought onto that grid.
        """
        ready = for_network(here, self.run.record.data.parameters)
        scan = Volume(normalise(ready.image, ready.intensity), ready.grid.affine)
        start = Shown(scan, ready.mask, self.run.settings.views.size, 1)

        @torch.no_grad()
        def log_odds(turn: Pose, turned_deg: tuple[float, ...]) -> float:
            windows = start.held_in(turn).turned_by(np.array(turned_deg)).windows(MANY)
            if windows is None:
                return 0.0
            one, twin = (self._embedding(pose.show(windows.cubes)) for pose in (UPRIGHT, MIRROR))
            return float(self.task.mirrored(one, twin).mean())

        return log_odds

    def _embedding(self, cubes: NDArray[np.float32]) -> torch.Tensor:
        parts = np.split(np.ascontiguousarray(cubes), range(BATCH, len(cubes), BATCH))
        device = next(self.model.parameters()).device
        return torch.cat([self.model.backbone(torch.from_numpy(some).to(device)).embedding for some in parts])


@dataclass(frozen=True, eq=False)
class Asked:
    """A run that is asked about scans.

    Attributes:
        run: the run.
        model: its best checkpoint.
        stick: what its validation says.
        trained: what its training scans were like; None where it does not tell.
        sides: runs that are asked about left and right, too: itself where it learned to, and another.
    """

    run: Run
    model: SpatialModel
    stick: Yardstick
    trained: TrainedOn | None
    sides: tuple[Sides, ...] = ()

    @classmethod
    def of(cls, run: Run, sides: Run | None = None) -> "Asked":
        """Load it once, and the run that is asked about left and right, too.

        Raises:
            RunError: no whole checkpoint, or no validation.
            ConfigError: it learned no task that places single voxels, or ``sides`` none that tells mirror images.
        """
        model = run.model()
        placing(model)
        own, other = Sides.of(run, model), None if sides is None else Sides.of(sides, sides.model())
        if sides is not None and other is None:
            raise ConfigError(
                f"no task of {sides.path} tells a view from its mirror image", cure="give a run that learned one"
            )
        known = tuple(each for each in (own, other) if each is not None)
        return cls(run, model, yardstick(run, model), TrainedOn.read(run.path), known)

    def scan(self, name: str, source: Source) -> tuple[Volume, Oriented]:
        """A scan in its own axes, and the verdict.

        Raises:
            ScanError: it cannot be read.
        """
        data = self.run.record.data
        volume = read_with_info_as(source, (data.channels, data.channel_names))[1]
        return volume, self.volume(name, volume)

    def volume(self, name: str, volume: Volume) -> Oriented:
        """The verdict on a scan in its own axes.

        Raises:
            ScanError: it cannot be brought onto the run's grid, or its unit is wrong by far.
        """
        here = canonical(volume)
        if self.trained and (huge := far_too_large([self.trained], here.shape, here.spacing.tolist())):
            raise ScanError(huge.message, code=huge.code, cure=huge.cure)
        ready = for_network(here, self.run.record.data.parameters)
        held = hold(
            placing(self.model),
            Volume(normalise(ready.image, ready.intensity), ready.grid.affine),
            ready.mask,
            view=self.run.settings.views.size,
            stride=self.model.backbone.dense_stride,
            unit_mm=self.stick.error_mm,
            witnesses=[each.witness(here) for each in self.sides],
        )
        if held is not None and not self._both_halves(ready, held):
            held = replace(held, mirrored=0.5)
        strange = "" if held is None else self._strange(ready, held)
        return decided(name, volume.affine, volume.shape, held, self.stick, strange=strange)

    def _both_halves(self, ready: Scaled, held: Held) -> bool:
        """Whether the body is about as wide as in training: half a head passes for either."""
        if self.trained is None:
            return True
        low, high = foreground_box(held.turn.show(ready.mask))
        wide = (high[0] - low[0]) * self.trained.spacing_mm * held.scale[held.turn.axes[0]]
        return bool(wide >= WIDE * self.trained.extent_mm[0].low)

    def _strange(self, ready: Scaled, held: Held) -> str:
        """What about the network's features of a scan, held upright, is unlike all training scans."""
        if self.trained is None:
            return ""
        image, mask = held.turn.show(ready.image), held.turn.show(ready.mask)
        turned = replace(ready, grid=Grid(mask.shape, ready.grid.affine), image=image, mask=mask)
        scan = WholeScan.prepared(turned, turned.grid.affine[:3, :3].diagonal(), self.run.record.data.parameters)
        size, encoder = self.run.settings.views.size, self.model.backbone.encoder
        content = scan.content(encoder, size=size, device=next(self.model.parameters()).device)
        found = unfamiliar(self.trained, scan.frame, content)
        return next((each.message for each in found if each.code == "unfamiliar-features"), "")


def yardstick(run: Run, model: SpatialModel) -> Yardstick:
    """How well a run's position field did on its validation people, from the rows of its evaluation.

    Raises:
        RunError: it was not validated.
    """
    task = placing_task(model)
    assert isinstance(task, PretextTask)
    evaluations = run.evaluations
    name = next((each for each in ("val", *evaluations) if each in evaluations), None)
    path = run.folder.evaluations / str(name) / f"{task.card.name}.parquet"
    if name is None or not path.exists():
        raise RunError(
            f"{run.path} has no validation of its position field to measure by",
            cure=f"orienteer evaluate {run.path} STORE --split val",
        )
    rows = read_rows(path)
    true, predicted, scans = vectors(rows, "true"), vectors(rows, "pred"), np.asarray(rows["scan"])
    scales = [
        (true[of] * predicted[of]).sum(0) / (true[of] ** 2).sum(0)
        for of in (scans == scan for scan in np.unique(scans))
    ]
    error = float(np.linalg.norm(predicted - true, axis=1).mean())
    view = run.settings.views.size * run.record.data.spacing_mm
    return Yardstick(max(error, 1e-3), np.clip(np.mean(scales, axis=0), 0.5, 1.5), view)


def _grey(volume: Volume) -> NDArray[np.float32]:
    """The first channel between its 0.5th and 99.5th percentile, in window units."""
    low, high = np.percentile(volume.array[0], (0.5, 99.5))
    grey: NDArray[np.float32] = (2 * (volume.array[0] - low) / max(float(high - low), 1e-9) - 1).astype(np.float32)
    return grey


def _forget(folder: Path) -> None:
    """Delete the pictures of an earlier answer: beside a new one they would be taken for its own."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for each in json.loads((folder / RECORD).read_text(encoding="utf-8"))["scans"]:
            path = folder / f"{each['scan']}.png"
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
