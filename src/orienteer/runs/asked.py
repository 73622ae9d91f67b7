"""A run that is asked how scans are held, and the runs that tell left from right beside it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from orienteer.errors import ConfigError, RunError
from orienteer.evaluation.familiar import WholeScan
from orienteer.geometry import Volume
from orienteer.geometry.pose import MIRROR, UPRIGHT, Pose
from orienteer.geometry.resample import Grid
from orienteer.ingest.foreground import foreground_box
from orienteer.ingest.prepare import Scaled
from orienteer.localize.field import placing, placing_task
from orienteer.localize.held import BATCH
from orienteer.localize.oriented import Held, Oriented, Yardstick, decided
from orienteer.localize.orienting import MANY, Shown, Witness, hold
from orienteer.pretext.contract import PretextTask, TellsMirrored
from orienteer.pretext.model import SpatialModel
from orienteer.records.rows import read_rows
from orienteer.records.statistics import vectors
from orienteer.records.unfamiliar import unfamiliar
from orienteer.runs.ready import Asker, Ready, digest_of
from orienteer.runs.run import Run
from orienteer.runs.scan import for_network
from orienteer.store.intensity import normalise

WIDE = 0.8
"""Of the shortest body in training: of one less wide, left and right are not told; of one less long, no spacing."""


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
        asker: the run with its model.
        stick: what its validation says.
        sides: runs that are asked about left and right, too: itself where it learned to, and another.
    """

    asker: Asker
    stick: Yardstick
    sides: tuple[Sides, ...] = ()

    @classmethod
    def of(cls, run: Run, sides: Run | None = None) -> "Asked":
        """Load it once, and the run that is asked about left and right, too.

        Raises:
            RunError: no whole checkpoint, or no validation.
            ConfigError: it learned no task that places single voxels, or ``sides`` none that tells mirror images.
        """
        asker = Asker.of(run)
        placing(asker.model)
        own, other = Sides.of(run, asker.model), None if sides is None else Sides.of(sides, sides.model())
        if sides is not None and other is None:
            raise ConfigError(
                f"no task of {sides.path} tells a view from its mirror image", cure="give a run that learned one"
            )
        known = tuple(each for each in (own, other) if each is not None)
        return cls(asker, yardstick(run, asker.model), known)

    @property
    def question(self) -> dict[str, Any]:
        """Which networks are asked, and what they are measured by, in figures alone."""
        networks = {"network": self.asker.digest, "sides": [digest_of(each.model) for each in self.sides]}
        return networks | {"error_mm": self.stick.error_mm, "scale": self.stick.scale.tolist()}

    def about(self, name: str, ready: Ready) -> Oriented:
        """The verdict on a scan that was read."""
        return self._verdict(name, ready.volume, ready.upright, ready.scaled)

    def volume(self, name: str, volume: Volume) -> Oriented:
        """The verdict on a scan in its own axes.

        Raises:
            ScanError: it cannot be brought onto the run's grid, or its unit is wrong by far.
        """
        return self._verdict(name, volume, *self.asker.bring(volume))

    def _verdict(self, name: str, volume: Volume, here: Volume, ready: Scaled) -> Oriented:
        held = hold(
            placing(self.asker.model),
            Volume(normalise(ready.image, ready.intensity), ready.grid.affine),
            ready.mask,
            view=self.asker.run.settings.views.size,
            stride=self.asker.model.backbone.dense_stride,
            unit_mm=self.stick.error_mm,
            witnesses=[each.witness(here) for each in self.sides],
        )
        seen = np.ones(3, dtype=bool) if held is None else self._seen(ready, held)
        if held is not None and not seen[0]:
            held = replace(held, mirrored=0.5)
        strange = "" if held is None else self._strange(ready, held)
        return decided(name, volume.affine, volume.shape, held, self.stick, strange=strange, whole=bool(seen.all()))

    def _seen(self, ready: Scaled, held: Held) -> NDArray[np.bool_]:
        """``(3,)`` whether the body is about as long as in training, along R, A, S: half a head passes for either."""
        if self.asker.trained is None:
            return np.ones(3, dtype=bool)
        low, high = foreground_box(held.turn.show(ready.mask))
        long = (np.array(high) - low) * self.asker.trained.spacing_mm * held.scale[list(held.turn.axes)]
        return np.asarray(long >= WIDE * np.array([span.low for span in self.asker.trained.extent_mm]))

    def _strange(self, ready: Scaled, held: Held) -> str:
        """What about the network's features of a scan, held upright, is unlike all training scans."""
        if self.asker.trained is None:
            return ""
        image, mask = held.turn.show(ready.image), held.turn.show(ready.mask)
        turned = replace(ready, grid=Grid(mask.shape, ready.grid.affine), image=image, mask=mask)
        scan = WholeScan.prepared(turned, turned.grid.affine[:3, :3].diagonal(), self.asker.run.record.data.parameters)
        size, encoder = self.asker.run.settings.views.size, self.asker.model.backbone.encoder
        content = scan.content(encoder, size=size, device=next(self.asker.model.parameters()).device)
        found = unfamiliar(self.asker.trained, scan.frame, content)
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
