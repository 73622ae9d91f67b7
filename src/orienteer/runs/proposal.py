"""A recipe for a cohort: views, batch, network, steps and precision from its scans, the device and the time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from orienteer.config import Tree, override
from orienteer.ingest.split import VALIDATION_SHARE
from orienteer.runs.rehearsal import LOADING, pretraining_seconds, rehearse
from orienteer.runs.settings import PretrainSettings
from orienteer.scans.proposal import VIEW_SHARE, body_mm, view_voxels
from orienteer.scans.schema import RecordedTraining
from orienteer.scans.source import ScanInfo
from orienteer.store import Store
from orienteer.training.devices import resolve
from orienteer.units import counted, duration

MULTIPLE, LEAST = 8, 16
"""Edges of views that are proposed, voxels: every encoder can be built for them."""
LARGER = 4 / 3
"""Views of a store finer than was proposed may have this many times the proposed edge."""
HOLD = 0.75
"""Share of the scans that can hold the proposed views."""
REFERENCE = 4 * 24**3
"""Voxels of one view of each scan of a batch in the measured recipe."""
STEPS, STEPS_GPU = 1000, 10_000
"""On a processor they brought brains to 6.3 mm and hippocampi to 2.9 mm, see the log; on a GPU none was measured."""
FEWEST = 50
"""Steps of the shortest budget."""
MEASURED = 48
"""Samples of a validation, over all its scans."""
NARROW, BROAD = 1 / 6, 2 / 3
"""Shares of a scan's size that views should not fall below or go beyond."""


@dataclass(frozen=True)
class Cohort:
    """What a recipe depends on.

    Attributes:
        spacing: mm per voxel of the store.
        channels: of a scan.
        extents_mm: of each scan.
        validation: scans to validate on.
    """

    spacing: float
    channels: int
    extents_mm: tuple[tuple[float, float, float], ...]
    validation: int

    @classmethod
    def of(cls, store: Store) -> Self:
        """That of a store; all scans count, whatever their split."""
        scans, spacing = store.manifest.scans, store.manifest.spacing
        extents = tuple((x * spacing, y * spacing, z * spacing) for x, y, z in scans.shapes().tolist())
        return cls(spacing, scans[0].channels, extents, scans.column("split").count("val"))

    @classmethod
    def to_ingest(cls, scans: Sequence[ScanInfo], spacing: float) -> Self:
        """That of the store which an ingest of the usable scans would make, without a table of splits."""
        usable = [scan for scan in scans if scan.usable]
        extents = tuple((x, y, z) for x, y, z in (scan.extent_mm for scan in usable))
        return cls(spacing, usable[0].channels, extents, max(1, round(VALIDATION_SHARE * len(usable))))

    @property
    def body_mm(self) -> float:
        """Size of the median scan, mm."""
        return body_mm(self.extents_mm)


@dataclass(frozen=True)
class Proposal:
    """A recipe, and why.

    Attributes:
        values: the proposed settings; all others have their defaults.
        reasons: a line for each that was not decided already.
        seconds: what the pretraining will take on this machine; None where no step was timed.
    """

    values: Tree
    reasons: tuple[str, ...]
    seconds: float | None = None

    def settings(self, assignments: Sequence[str] = ()) -> PretrainSettings:
        """The recipe, with ``key=value`` assignments over it."""
        return PretrainSettings.read(self.values, assignments)


def propose(
    cohort: Cohort,
    budget: float | None = None,
    assignments: Sequence[str] = (),
    *,
    gpu: bool | None = None,
    timed: bool = False,
) -> Proposal:
    """The recipe for a cohort. Without a budget it depends on the cohort and the kind of device alone.

    Args:
        cohort: what is there to learn from.
        budget: seconds that the pretraining may take; the number of steps follows from a timed one.
        assignments: ``key=value`` that are decided already.
        gpu: whether it trains on one; by default looked up.
        timed: time a step also without a budget.

    Raises:
        ConfigError: an assignment is wrong.
    """
    if gpu is None:  # what would be trained on, not what is built in: torch may be without CUDA, or told to leave it
        gpu = resolve(PretrainSettings.read({}, assignments).devices).accelerator == "gpu"
    size, network, steps = _view(cohort, budget, gpu=gpu), "base" if gpu else "small", STEPS_GPU if gpu else STEPS
    batch = max(2, min(8, round(REFERENCE / size**3))) * (4 if gpu else 1)
    per_scan = max(1, min(16, round(MEASURED / max(1, cohort.validation))))
    values: Tree = {
        "views": {"size": size},
        "network": {"size": network},
        "optimiser": {"batch": batch, "steps": steps},
        "checkpoint": {"every": every(steps)},
        "evaluation": {"per_scan": per_scan, "final_per_scan": 4 * per_scan},
    }
    reasons = {
        "views.size": f"views of {size} voxels: {size * cohort.spacing:.0f} mm, {_share(size, cohort):.0%} of a scan's "
        f"{cohort.body_mm:.0f} mm{_limited(size, cohort)}",
        "optimiser.batch": f"{batch} scans a step: for views of that size, {'on a GPU' if gpu else 'without a GPU'}",
        "network.size": f"the {network} network: {'there is a GPU' if gpu else 'there is no GPU'}",
    }
    decided = {assignment.partition("=")[0].strip() for assignment in assignments}
    reasons = {name: reason for name, reason in reasons.items() if name not in decided}
    chosen = PretrainSettings.read(values, assignments)
    if budget is None and not timed:
        return Proposal(values, tuple(reasons.values()))
    step = rehearse(chosen, channels=cohort.channels, spacing=cohort.spacing)
    if budget is not None and "optimiser.steps" not in decided:
        for _ in range(2):  # how often it validates depends on the steps
            steps = _steps_within(budget, chosen, step, cohort.validation)
            values = override(values, [f"optimiser.steps={steps}", f"checkpoint.every={every(steps)}"])
            chosen = PretrainSettings.read(values, assignments)
        rest = duration(pretraining_seconds(chosen, step, cohort.validation) - LOADING * step * steps)
        told = f"as many as {duration(budget)} allow, at {step:.2g} s a step and {rest} to start and judge"
        reasons["optimiser.steps"] = f"{steps:,} steps: {told}"
    return Proposal(values, tuple(reasons.values()), pretraining_seconds(chosen, step, cohort.validation))


def expected(scans: Sequence[ScanInfo], spacing: float, budget: float | None) -> RecordedTraining:
    """What a pretraining on a store of the usable scans would be like, from timed steps of its network.

    Args:
        scans: that were checked; at least one is usable.
        spacing: mm per voxel of the store.
        budget: seconds it may take.
    """
    cohort = Cohort.to_ingest(scans, spacing)
    proposal = propose(cohort, budget, timed=True)
    settings = proposal.settings()
    return RecordedTraining(
        view_voxels=settings.views.size,
        view_mm=settings.views.size * spacing,
        batch=settings.optimiser.batch,
        steps=settings.optimiser.steps,
        network=settings.network.size,
        precision=settings.devices.precision,
        seconds=proposal.seconds,
        reasons=(*proposal.reasons, *filter(None, [warning(settings, cohort)])),
    )


def warning(settings: PretrainSettings, cohort: Cohort) -> str | None:
    """What is wrong with the size of views, whoever chose it; None where it suits the scans."""
    share, mm = _share(settings.views.size, cohort), settings.views.size * cohort.spacing
    if NARROW <= share <= BROAD:
        return None
    better = max(LEAST, MULTIPLE * round(VIEW_SHARE * cohort.body_mm / cohort.spacing / MULTIPLE))
    wrong = "too little to tell where it is" if share < NARROW else "so much that views hardly differ"
    cure = f"views.size={better} spans {better * cohort.spacing:.0f} mm"
    if better == settings.views.size:
        cure = f"ingest at a finer --spacing, such as {VIEW_SHARE * cohort.body_mm / better:.2g}"
    elif better > LARGER * view_voxels():
        cure += f", a coarser --spacing of {VIEW_SHARE * cohort.body_mm / view_voxels():.2g} mm costs less"
    return f"a view of {mm:.0f} mm spans {share:.0%} of a scan's {cohort.body_mm:.0f} mm, {wrong}; {cure}"


def every(steps: int) -> int:
    """Steps between validations: a dozen of them, at round steps, 25 apart or more."""
    wanted = max(25.0, steps / 12)
    power = 10 ** math.floor(math.log10(wanted))
    return int(min((1, 2, 2.5, 5, 10), key=lambda n: abs(math.log(n * power / wanted))) * power)


def _view(cohort: Cohort, budget: float | None, *, gpu: bool) -> int:
    """Edge of a view, voxels."""
    wanted = VIEW_SHARE * cohort.body_mm / cohort.spacing
    most = LARGER * view_voxels(budget, gpu=gpu)
    shortest = float(np.quantile([min(extent) for extent in cohort.extents_mm], 1 - HOLD)) / cohort.spacing
    held = MULTIPLE * int(min(most, shortest) / MULTIPLE)
    return max(LEAST, min(held, MULTIPLE * round(wanted / MULTIPLE)))


def _limited(size: int, cohort: Cohort) -> str:
    """Why views are smaller than they should be, where a quarter of the scans could not hold larger ones."""
    larger = MULTIPLE * round(VIEW_SHARE * cohort.body_mm / cohort.spacing / MULTIPLE)
    short = sum(min(extent) < larger * cohort.spacing for extent in cohort.extents_mm)
    if larger <= size or short <= (1 - HOLD) * len(cohort.extents_mm):
        return ""
    return f"; {short} of {counted(len(cohort.extents_mm), 'scan')} cannot hold larger ones"


def _share(size: int, cohort: Cohort) -> float:
    return size * cohort.spacing / cohort.body_mm


def _steps_within(budget: float, settings: PretrainSettings, step: float, validation: int) -> int:
    """Steps, to two digits, that with their validations take the time there is."""
    fixed = pretraining_seconds(settings, step, validation) - LOADING * step * settings.optimiser.steps
    steps = max(FEWEST, int((budget - fixed) / (LOADING * step)))
    power = 10 ** max(0, math.floor(math.log10(steps)) - 1)
    return int(steps // power * power)
