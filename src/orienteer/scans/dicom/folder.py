"""From the DICOM files of one folder to its series: screenshots set apart, and files that cannot be read named once."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orienteer.errors import ScanError
from orienteer.scans.dicom.header import FileHeader
from orienteer.scans.dicom.volumes import LEAST_SLICES
from orienteer.scans.source import Source, below_root

MOST_CAPTURES = 5
"""More grey secondary captures than this in one series may be a scan that somebody converted, and are reported."""

Series = Mapping[str, Sequence[FileHeader]]


def series_of(headers: Sequence[FileHeader]) -> tuple[Series, list[FileHeader]]:
    """The series of a folder by a short name, and the screenshots among its files."""
    series: dict[str, list[FileHeader]] = defaultdict(list)
    for header in headers:
        series[header.series].append(header)
    captures = []
    for uid, of_series in list(series.items()):
        shots = [header for header in of_series if header.capture]
        if len(shots) < len(of_series) or len(shots) <= MOST_CAPTURES or any(h.samples > 1 for h in shots):
            captures += shots
            series[uid] = [header for header in of_series if not header.capture]
    filled = {uid: of_series for uid, of_series in series.items() if of_series}
    return {_short(uid): of_series for uid, of_series in _joined(filled).items()}, captures


def _joined(series: Mapping[str, list[FileHeader]]) -> dict[str, list[FileHeader]]:
    """Slices that lie in one stack and have a series of their own each, as one: so that they are reported once."""
    stacks: dict[object, list[str]] = defaultdict(list)
    for uid, (first, *others) in series.items():
        if not others and len(first.frames) == 1:
            place = first.frames[0].geometry
            stacks[first.modality, place.rows, place.columns, place.direction, place.spacing].append(uid)
    home = {uid: uids[0] for uids in stacks.values() if len(uids) >= LEAST_SLICES for uid in uids}
    joined: dict[str, list[FileHeader]] = defaultdict(list)
    for uid, of_series in series.items():
        joined[home.get(uid, uid)] += of_series
    return joined


def _short(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:8]


def damaged_sources(
    damaged: Sequence[tuple[Path, ScanError]], name: str, root: Path, *, alone: bool
) -> Iterator[Source]:
    """A source for all files of a folder that cannot be read for one reason, so that it is told once.

    Args:
        damaged: the files, and why.
        name: of the folder below the root.
        root: the folder that is searched.
        alone: whether nothing else in the folder bears its name.
    """
    reasons: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for path, error in damaged:
        reasons[error.code, error.message.removeprefix(f"{path.name}: ")].append(path)
    for paths in reasons.values():
        relative = below_root(paths[0], root)
        if len(paths) > 1 and len(reasons) == 1 and alone:
            relative = name
        yield Source(tuple(paths), "DICOM", relative, root)
