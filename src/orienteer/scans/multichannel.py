"""Several files of one subject as one scan of several channels: only where they lie in the same place."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid, covered, resample_image
from orienteer.scans.findings import Finding, finding
from orienteer.scans.formats.limits import MAX_VOXELS
from orienteer.scans.source import ScanInfo, Source

TOLERANCE = 0.1
"""Share of the smallest voxel side by which the corners of two channels may lie apart."""
COVERED = 0.9
"""Share of the first channel's space that another one must cover to be resampled onto its grid."""


def join_channels(source: Source, parts: Sequence[tuple[ScanInfo, Volume | None]]) -> tuple[ScanInfo, Volume | None]:
    """Join the channels of a scan if none of them has an error and all lie on one grid.

    Args:
        source: a scan of several parts.
        parts: what each part is, and its volume if it was read.

    Returns:
        What the scan is, and its volume ``(C, X, Y, Z)`` on the first part's grid; None if a part has no volume.
    """
    infos, volumes = [info for info, _ in parts], [volume for _, volume in parts if volume is not None]
    # File names may tell more of a patient than a message should, so that channels go by their names.
    names = [*source.channel_names, *(f"channel {n}" for n in range(len(source.channel_names), len(infos)))]
    names = names[: len(infos)]
    first = infos[0]
    joined = replace(
        first,
        source=source,
        channels=len(infos),
        dtype=first.dtype if len({info.dtype for info in infos}) == 1 else "mixed",
        low=min((info.low for info in infos if info.low is not None), default=None),
        high=max((info.high for info in infos if info.high is not None), default=None),
        modality=first.modality if len({info.modality for info in infos}) == 1 else "unknown",
        content="",
        findings=(*source.faults, *_merged_findings(infos, names)),
    )
    if not joined.usable or len(infos) != len(source.channel_names):
        return joined, None
    voxels = len(infos) * math.prod(first.shape)
    if voxels > MAX_VOXELS:
        joined = joined.with_findings(finding("too-large", f"its channels hold {voxels:,} voxels"))
    grids = [_grid(info) for info in infos]
    aligned = [_distance(grids[0], grid) <= TOLERANCE * min(first.spacing) for grid in grids]
    for name, grid, fits in zip(names, grids, aligned, strict=True):
        if not fits:
            joined = joined.with_findings(_misaligned(names[0], grids[0], name, grid, resample=source.resample))
    if not joined.usable or len(volumes) < len(infos):
        return joined, None
    contents = "".join(info.content for info in infos)
    content = hashlib.sha256(contents.encode()).hexdigest()
    return replace(joined, content=content), _stacked(grids[0], volumes, aligned)


def _merged_findings(infos: Sequence[ScanInfo], names: Sequence[str]) -> list[Finding]:
    """The findings of all parts; one that all parts have is listed once, the others name their channels."""
    owners: dict[Finding, list[str]] = {}
    for info, name in zip(infos, names, strict=True):
        for found in info.findings:
            owners.setdefault(found, []).append(name)
    return [
        found if len(named) == len(infos) else replace(found, message=f"{', '.join(named)}: {found.message}")
        for found, named in owners.items()
    ]


def _misaligned(first_name: str, first: Grid, name: str, grid: Grid, *, resample: bool) -> Finding:
    """A channel that does not lie where the first one lies: an error, unless it can be resampled and may be."""
    if not resample:
        apart = f"corners {_distance(first, grid):.2f} mm apart"
        if first.shape != grid.shape:
            apart = f"{'x'.join(map(str, grid.shape))} and {'x'.join(map(str, first.shape))} voxels"
        return finding("channels-differ", f"{name} lies on another grid than {first_name}: {apart}")
    share = covered(grid.shape, grid.affine, first)
    if share < COVERED:
        return finding("channels-differ", f"{name} covers {share:.0%} of the space of {first_name}")
    return finding("channels-resampled", f"{name} was brought onto the grid of {first_name}")


def _grid(info: ScanInfo) -> Grid:
    if info.affine is None:
        raise ValueError(f"{info.id} has no place")
    x, y, z = info.shape
    return Grid((x, y, z), info.affine)


def _distance(one: Grid, other: Grid) -> float:
    """Largest distance between the same corners of two grids, mm; infinite where their shapes differ."""
    if one.shape != other.shape:
        return math.inf
    corners = np.array([[*np.multiply(pick, np.subtract(one.shape, 1)), 1] for pick in np.ndindex(2, 2, 2)])
    return float(np.linalg.norm(corners @ (one.affine - other.affine).T, axis=1).max())


def _stacked(grid: Grid, volumes: Sequence[Volume], aligned: Sequence[bool]) -> Volume:
    """``(C, X, Y, Z)`` on the first grid; whole numbers stay whole where all channels hold them."""
    arrays = [
        volume.array if fits else resample_image(volume, grid) for volume, fits in zip(volumes, aligned, strict=True)
    ]
    kind = np.result_type(*arrays)
    plain = np.float32 if kind.kind == "f" or kind.itemsize > 4 else kind
    return Volume(np.concatenate([array.astype(plain, copy=False) for array in arrays]), grid.affine)
