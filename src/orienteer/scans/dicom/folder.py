"""From the DICOM files of one folder to its series: screenshots set apart, and files that cannot be read named once."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orienteer.errors import ScanError
from orienteer.scans.dicom.header import FileHeader
from orienteer.scans.dicom.volumes import LEAST_SLICES
from orienteer.scans.source import Source, below_root

MOST_CAPTURES = 5
"""More grey secondary captures than this in one series may be a scan that somebody converted, and are reported."""

Series = Mapping[str, Sequence[FileHeader]]
Key = tuple[str, str]
"""Study and series: programs that remove names may give series of two studies one SeriesInstanceUID."""


def series_of(headers: Sequence[FileHeader]) -> tuple[Series, list[FileHeader]]:
    """The series of a folder by a short name, and the screenshots among its files."""
    series = _by_study(headers)
    captures = []
    for key, of_series in list(series.items()):
        shots = [header for header in of_series if header.capture]
        if len(shots) < len(of_series) or len(shots) <= MOST_CAPTURES or any(h.samples > 1 for h in shots):
            captures += shots
            series[key] = [header for header in of_series if not header.capture]
    joined = _joined({key: of_series for key, of_series in series.items() if of_series})
    studies = Counter(uid for _, uid in joined)
    return {_short(*key, several=studies[key[1]] > 1): of_series for key, of_series in joined.items()}, captures


def _by_study(headers: Sequence[FileHeader]) -> dict[Key, list[FileHeader]]:
    """The files of each series; one whose slices have a study of their own each is one series all the same."""
    by_uid: dict[str, list[FileHeader]] = defaultdict(list)
    for header in headers:
        by_uid[header.series].append(header)
    series: dict[Key, list[FileHeader]] = defaultdict(list)
    for uid, of_series in by_uid.items():
        studies = {header.study for header in of_series}
        slices = all(len(header.frames) <= 1 for header in of_series)
        a_study_a_slice = slices and len(studies) >= LEAST_SLICES and 2 * len(studies) > len(of_series)
        for header in of_series:
            series["" if a_study_a_slice else header.study, uid].append(header)
    return series


def _joined(series: Mapping[Key, list[FileHeader]]) -> dict[Key, list[FileHeader]]:
    """Slices that lie in one stack and have a series of their own each, as one: so that they are reported once."""
    stacks: dict[object, list[Key]] = defaultdict(list)
    for key, (first, *others) in series.items():
        if not others and len(first.frames) == 1:
            place = first.frames[0].geometry
            stacks[first.modality, place.rows, place.columns, place.direction, place.spacing].append(key)
    home = {key: keys[0] for keys in stacks.values() if len(keys) >= LEAST_SLICES for key in keys}
    joined: dict[Key, list[FileHeader]] = defaultdict(list)
    for key, of_series in series.items():
        joined[home.get(key, key)] += of_series
    return joined


def _short(study: str, uid: str, *, several: bool) -> str:
    """A short name for a series; the study counts where several have this SeriesInstanceUID."""
    return hashlib.sha256((f"{study} {uid}" if several else uid).encode()).hexdigest()[:8]


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
