"""The spacing a cohort asks for: a view should span enough of a scan, in as many voxels as there is time for."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from orienteer.hardware import has_gpu
from orienteer.scans.cohort import cohort_spacing
from orienteer.scans.source import ScanInfo
from orienteer.units import duration

VIEW_SHARE = 0.4
"""Of a scan's size that a view spans: 72 of 173 mm in the best recipe measured on brains, 16 of 40 on hippocampi."""
ROUND = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
"""Spacings that are proposed, times powers of ten."""
CLOSE = 1.25
"""A cohort's own spacing is kept where a coarser one would be less than this much coarser."""
HOUR = 3600.0


@dataclass(frozen=True)
class SpacingProposal:
    """A spacing for the store of a cohort.

    Attributes:
        spacing: mm per voxel.
        own: what the cohort's median scan has, mm.
        reason: in one line.
    """

    spacing: float
    own: float
    reason: str


def view_voxels(budget: float | None = None, *, gpu: bool | None = None) -> int:
    """Edge of a view, voxels, that the device learns from in the time there is.

    Args:
        budget: seconds for the pretraining; by default as long as the proposed recipe takes.
        gpu: whether there is one; by default looked up.
    """
    if has_gpu() if gpu is None else gpu:
        return 48
    return 24 if budget is None or budget < HOUR else 32


def body_mm(extents_mm: Iterable[Sequence[float]]) -> float:
    """Size of the cohort's median scan: the geometric mean of its three extents, mm."""
    return float(np.median([float(np.prod(extent)) ** (1 / 3) for extent in extents_mm]))


def propose_spacing(
    scans: Iterable[ScanInfo], budget: float | None = None, *, gpu: bool | None = None
) -> SpacingProposal | None:
    """The spacing to ingest at: the cohort's own, or a coarser one at which a view spans enough of a body.

    Args:
        scans: of the cohort.
        budget: seconds for the pretraining.
        gpu: whether there is one.

    Returns:
        None where no scan can be used.
    """
    usable = [scan for scan in scans if scan.usable and len(scan.spacing) == 3]
    own = cohort_spacing(usable)
    if own is None:
        return None
    gpu = has_gpu() if gpu is None else gpu
    voxels, body = view_voxels(budget, gpu=gpu), body_mm(scan.extent_mm for scan in usable)
    wanted = _rounded(VIEW_SHARE * body / voxels)
    if wanted < CLOSE * own:
        return SpacingProposal(own, own, f"{own:g} mm: the scans' median")
    time = "" if budget is None else f" in {duration(budget)}"
    reason = (
        f"{wanted:g} mm: a view of {voxels} voxels, which {'a GPU' if gpu else 'a processor'} learns from{time}, spans "
        f"{wanted * voxels:.0f} of a scan's {body:.0f} mm; --spacing {own:g} keeps the scans' own"
    )
    return SpacingProposal(wanted, own, reason)


def _rounded(mm: float) -> float:
    """The nearest round spacing, on a scale of ratios."""
    power = 10.0 ** math.floor(math.log10(mm))
    near = min((power * step for step in (*ROUND, 10.0)), key=lambda candidate: abs(math.log(candidate / mm)))
    return round(near, 4)
