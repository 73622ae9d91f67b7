"""What only shows with all scans side by side: ids and voxels that occur twice, odd channels, the usual spacing."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from orienteer.scans.findings import Finding, finding
from orienteer.scans.source import ScanInfo

Channels = tuple[int, tuple[str, ...]]
"""How many a scan has, and their names where a layout says them."""


def compare(scans: Sequence[ScanInfo]) -> list[ScanInfo]:
    """The scans with ``duplicate-id``, ``identical-content`` and ``channels-mixed`` added.

    The first of each kind, and those with the channels that most have, get none.

    Ids are compared without case, because a store may be copied to a disk that does not tell case apart.
    """
    ids: dict[str, str] = {}
    contents: dict[str, str] = {}
    compared = []
    for scan in scans:
        key = scan.id.casefold()
        if key in ids:
            scan = scan.with_findings(finding("duplicate-id", f"{ids[key]} has the id {scan.id} as well"))
        elif scan.content and scan.usable and scan.content in contents:
            scan = scan.with_findings(finding("identical-content", f"the voxels of {contents[scan.content]}"))
        ids.setdefault(key, scan.source.relative)
        if scan.content and scan.usable:
            contents.setdefault(scan.content, scan.id)
        compared.append(scan)
    held = {n: (scan.channels, scan.source.channel_names) for n, scan in enumerate(compared) if scan.usable}
    usual = usual_channels(held.values())
    return [
        scan.with_findings(odd) if n in held and (odd := odd_channels(held[n], usual)) else scan
        for n, scan in enumerate(compared)
    ]


def usual_channels(channels: Iterable[Channels]) -> Channels:
    """What most scans have; where as many have others, the one with more channels."""
    channels = sorted(channels)
    counts = Counter(map(_key, channels))
    return max(channels, key=lambda one: (counts[_key(one)], _key(one)), default=(1, ()))


def odd_channels(channels: Channels, usual: Channels) -> Finding | None:
    """An error for a scan whose channels, or their order, are not the usual ones: a network reads one kind.

    A single channel may be any sequence; of several, the names must agree.
    """
    if _key(channels) == _key(usual):
        return None
    return finding("channels-mixed", f"{_channels_text(channels)}, where the others have {_channels_text(usual)}")


def _key(channels: Channels) -> Channels:
    count, names = channels
    return count, tuple(name.casefold() for name in names) if count > 1 else ()


def _channels_text(channels: Channels) -> str:
    count, names = channels
    named = f" ({', '.join(names)})" if names and count > 1 else ""
    return f"{count} channel{'s' * (count != 1)}{named}"


def cohort_spacing(scans: Iterable[ScanInfo]) -> float | None:
    """The spacing, in mm, at which the cohort's median scan keeps its number of voxels; None without any.

    A scan counts with the geometric mean of its three voxel sizes, so thick slices weigh in without ruling.
    """
    sizes = [float(np.prod(scan.spacing) ** (1 / 3)) for scan in scans if scan.usable and len(scan.spacing) == 3]
    return round(float(np.median(sizes)), 2) if sizes else None
