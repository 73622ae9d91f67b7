"""What only shows with all scans side by side: ids and voxels that occur twice, odd channels, the usual spacing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import StoreError
from orienteer.scans.channels import odd_channels, usual_channels
from orienteer.scans.findings import Finding, finding
from orienteer.scans.plausibility import SPACING_MM
from orienteer.scans.source import ScanInfo

FINE_MM = 0.1
"""Below this a proposed spacing is rounded to 0.1 micrometre instead of 0.01 mm."""


def compare(scans: Sequence[ScanInfo]) -> list[ScanInfo]:
    """The scans with ``duplicate-id``, ``identical-content`` and ``channels-mixed`` added, as an ingest will say it.

    The first of each kind, and those with the channels that most have, get none.

    Ids are compared without case, because a store may be copied to a disk that does not tell case apart.
    """
    ids: dict[str, str] = {}
    compared = []
    for scan in scans:
        key = scan.id.casefold()
        if key in ids:
            scan = scan.with_findings(finding("duplicate-id", f"{ids[key]} has the id {scan.id} as well"))
        ids.setdefault(key, scan.source.relative)
        compared.append(scan)
    compared = _copies(compared)
    usual = usual_channels(scan.source.channels for scan in compared)
    odd = [odd_channels(scan.source.channels, usual) if scan.usable else None for scan in compared]
    return [scan.with_findings(found) if found else scan for scan, found in zip(compared, odd, strict=True)]


def _copies(scans: Sequence[ScanInfo]) -> list[ScanInfo]:
    """An error where an ingest leaves the copy out: another person's, with voxels of the same size and direction.

    The first by its id is kept, as there.
    """
    first: dict[str, ScanInfo] = {}
    told: dict[str, Finding] = {}
    for scan in sorted(scans, key=lambda scan: scan.id):
        if not scan.content or not scan.usable:
            continue
        kept = first.setdefault(scan.content, scan)
        if kept is scan:
            continue
        if not _same_grid(kept, scan):
            message = f"the voxels of {kept.id}, but in another size or direction: both are kept"
            told[scan.id] = finding("identical-content", message, level="warning")
        elif _person(kept) == _person(scan):
            message = f"the voxels of {kept.id}, of the same subject: both are kept"
            told[scan.id] = finding("identical-content", message, level="warning")
        else:
            told[scan.id] = finding("identical-content", f"holds the same voxels as {kept.id}, which is kept")
    return [scan.with_findings(told[scan.id]) if scan.usable and scan.id in told else scan for scan in scans]


def _person(scan: ScanInfo) -> str:
    return scan.source.subject or scan.id


def _same_grid(one: ScanInfo, other: ScanInfo) -> bool:
    return (
        one.affine is not None
        and other.affine is not None
        and np.allclose(one.affine[:3, :3], other.affine[:3, :3], atol=1e-4)
    )


def cohort_spacing(scans: Iterable[ScanInfo]) -> float | None:
    """The spacing, in mm, at which the cohort's median scan keeps its number of voxels; None without any.

    A scan counts with the geometric mean of its three voxel sizes, so thick slices weigh in without ruling.
    """
    sizes = [float(np.prod(scan.spacing) ** (1 / 3)) for scan in scans if scan.usable and len(scan.spacing) == 3]
    if not sizes:
        return None
    median = float(np.median(sizes))
    return round(median, 2 if median >= FINE_MM else 4)


def refuse_spacing(mm: float) -> None:
    """Stop where a wished spacing is none that scans have.

    Raises:
        StoreError: with the limits.
    """
    low, high = SPACING_MM
    if not low <= mm <= high:
        raise StoreError(
            f"a spacing of {mm:g} mm is outside {low:g} to {high:g} mm", cure="give --spacing in mm, for example 1.5"
        )


def too_small(info: ScanInfo, min_mm: float | Sequence[float]) -> Finding | None:
    """A warning when the scan is shorter than ``min_mm`` along an axis (one number, or one per axis)."""
    short = [
        extent for extent, needed in zip(info.extent_mm, np.broadcast_to(min_mm, 3), strict=False) if extent < needed
    ]
    if not short:
        return None
    return finding("too-small", f"{min(short):.0f} mm along its shortest axis, {np.max(min_mm):.0f} mm needed")


def vanishing(extent_mm: Sequence[float] | NDArray[np.float64], spacing: float) -> Finding | None:
    """An error when all of a scan would be one voxel of a store of that spacing: a mouse among people."""
    if not len(extent_mm) or (np.rint(np.asarray(extent_mm) / spacing) > 1).any():
        return None
    extent = " x ".join(f"{mm:.3g}" for mm in extent_mm)
    found = finding("too-small", f"all of it ({extent} mm) would be one voxel of {spacing:g} mm", level="error")
    return replace(found, cure="use a finer --spacing, or correct the header's voxel size or unit")
