"""Several files of one person as one scan of several channels: only where their places in the body agree."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

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
    """Join the channels of a scan where none of them has an error and all lie on one grid.

    Args:
        source: a scan of several parts.
        parts: what each part is, and its volume where it was read.

    Returns:
        What the scan is, and its volume ``(C, X, Y, Z)`` on the first part's grid; None where a part has none.
    """
    infos, volumes = [info for info, _ in parts], [volume for _, volume in parts if volume is not None]
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
        findings=(*source.faults, *_merged_findings(source, infos)),
    )
    if not joined.usable or len(infos) != len(source.channel_names):
        return joined, None
    joined = joined.with_findings(*_too_much(infos), *_apart(source, infos))
    if not joined.usable or len(volumes) < len(infos):
        return joined, None
    total = "".join(info.content for info in infos)
    return replace(joined, content=hashlib.sha256(total.encode()).hexdigest()), _stacked(infos, volumes)


def _merged_findings(source: Source, infos: Sequence[ScanInfo]) -> list[Finding]:
    """What was found about the parts; what all of them have in common is said once."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for info in infos:
        for found in info.findings:
            told.setdefault((found.code, found.level, found.message), []).append(_name(source, info))
    kinds = {(f.code, f.level, f.message): f for info in infos for f in info.findings}
    return [
        found if len(told[key]) == len(infos) else replace(found, message=f"{', '.join(told[key])}: {found.message}")
        for key, found in kinds.items()
    ]


def _name(source: Source, info: ScanInfo) -> str:
    """The channel's name: file names tell more of a patient than a message should."""
    place = next(n for n, part in enumerate(source.parts) if part is info.source)
    return source.channel_names[place] if place < len(source.channel_names) else f"channel {place}"


def _apart(source: Source, infos: Sequence[ScanInfo]) -> list[Finding]:
    """Channels that do not lie where the first one lies, unless they may be brought there."""
    first, found = infos[0], []
    for info in infos[1:]:
        name, usual = _name(source, info), _name(source, first)
        if _same_place(first, info):
            continue
        if not source.resample:
            found.append(finding("channels-differ", f"{name} lies on another grid than {usual}: {_how(first, info)}"))
            continue
        assert first.affine is not None and info.affine is not None
        share = covered(_shape(info), info.affine, Grid(_shape(first), first.affine))
        if share < COVERED:
            found.append(finding("channels-differ", f"{name} covers {share:.0%} of the space of {usual}"))
        else:
            found.append(finding("channels-resampled", f"{name} was brought onto the grid of {usual}"))
    return found


def _same_place(first: ScanInfo, other: ScanInfo) -> bool:
    """Whether all corners of the two grids lie together in the world."""
    if first.shape != other.shape or first.affine is None or other.affine is None:
        return False
    return _corners_apart(first, other) <= TOLERANCE * min(first.spacing)


def _corners_apart(first: ScanInfo, other: ScanInfo) -> float:
    """mm, the largest over the eight corners; the shapes are the same."""
    assert first.affine is not None and other.affine is not None
    ends = [(0, n - 1) for n in first.shape]
    corners = np.array([(x, y, z, 1) for x in ends[0] for y in ends[1] for z in ends[2]], dtype=float)
    apart: NDArray[np.float64] = np.linalg.norm(corners @ (first.affine - other.affine).T, axis=1)
    return float(apart.max())


def _how(first: ScanInfo, other: ScanInfo) -> str:
    if first.shape != other.shape:
        return f"{'x'.join(map(str, other.shape))} and {'x'.join(map(str, first.shape))} voxels"
    return f"corners {_corners_apart(first, other):.2f} mm apart"


def _shape(info: ScanInfo) -> tuple[int, int, int]:
    x, y, z = info.shape
    return x, y, z


def _stacked(infos: Sequence[ScanInfo], volumes: Sequence[Volume]) -> Volume:
    """``(C, X, Y, Z)`` on the first grid; whole numbers stay whole where all channels hold them."""
    first = volumes[0]
    grid = Grid(first.shape, first.affine)
    arrays = [
        volume.array if _same_place(infos[0], info) else resample_image(volume, grid)
        for info, volume in zip(infos, volumes, strict=True)
    ]
    kind = np.result_type(*arrays)
    plain = np.float32 if kind.kind == "f" or kind.itemsize > 4 else kind
    return Volume(np.concatenate([array.astype(plain, copy=False) for array in arrays]), first.affine)


def _too_much(infos: Sequence[ScanInfo]) -> list[Finding]:
    """All channels together must fit as well."""
    total = len(infos) * math.prod(infos[0].shape)
    return [finding("too-large", f"its channels hold {total:,} voxels")] if total > MAX_VOXELS else []
