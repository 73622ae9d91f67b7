"""One DICOM series in several folders: parts of one scan told from copies of it, and from other volumes of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from orienteer.errors import ScanError
from orienteer.scans.dicom.header import FileHeader, Frame, read_header
from orienteer.scans.dicom.stack import Slice, stack
from orienteer.scans.dicom.steps import MOST_DRIFT, REPEATED_MM
from orienteer.scans.dicom.volumes import LEAST_SLICES, alike
from orienteer.scans.findings import finding
from orienteer.scans.source import Source
from orienteer.units import counted, some

MOST_FOLDERS = 64
"""A SeriesInstanceUID in more folders than this is one that a program gave to all series."""


@dataclass(frozen=True, eq=False)
class _Part:
    """What one folder holds of a volume.

    Attributes:
        source: the part.
        home: its folder and studies.
        first: one of its slices.
        places: its slices by their place along the normal, in steps of ``REPEATED_MM``.
        ids: of its slices; empty where the files have no ids of their own.
        numbers: the places of its slices by the numbers of their files in the series; empty where not all have one.
    """

    source: Source
    home: tuple[Path, frozenset[str]]
    first: Frame
    places: Mapping[int, Slice]
    ids: frozenset[tuple[object, ...]]
    numbers: Mapping[int, int]


def with_scattered(sources: Sequence[Source]) -> list[Source]:
    """The sources, with an error for each whose series has more slices in another folder.

    Headers are read again of those series only that several folders or studies have.
    """
    by_series: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        if source.series:
            by_series[source.series].append(source)
    told: dict[int, Source] = {}
    for scattered in by_series.values():
        if 1 < len({(source.paths[0].parent, source.subject) for source in scattered}) <= MOST_FOLDERS:
            for parts in _stacks(scattered):
                told |= _told(parts)
    return [told.get(id(source), source) for source in sources]


def _stacks(sources: Sequence[Source]) -> list[list[_Part]]:
    """The parts of one direction, size and spacing together."""
    stacks: list[list[_Part]] = []
    for source in sources:
        try:
            headers = [read_header(path) for path in source.paths]
        except ScanError:
            continue  # told when it is read
        frames = [frame for header in headers for frame in chosen(header, source).frames]
        if frames and all(frame.geometry.placed for frame in frames):
            home = next((one for one in stacks if alike(one[0].first, frames[0])), None)
            if home is None:
                stacks.append(home := [])
            home.append(_part(source, headers, frames, home[0].first if home else frames[0]))
    return stacks


def _part(source: Source, headers: Sequence[FileHeader], frames: Sequence[Frame], along: Frame) -> _Part:
    normal = along.geometry.normal
    instances = {header.path: header.instance for header in headers}
    known = frames if all(instances.values()) and len(set(instances.values())) == len(instances) else ()
    places = [round(frame.geometry.along(normal) / REPEATED_MM) for frame in frames]
    number = {header.path: header.number for header in headers if header.number is not None}
    numbers = {number[frame.path]: place for frame, place in zip(frames, places, strict=True) if frame.path in number}
    return _Part(
        source=source,
        home=(source.paths[0].parent, frozenset(header.study for header in headers)),
        first=frames[0],
        places={place: frame.geometry for frame, place in zip(frames, places, strict=True)},
        ids=frozenset((instances[frame.path], frame.index, frame.geometry.position) for frame in known),
        numbers=numbers if len(number) == len(headers) else {},
    )


def chosen(header: FileHeader, source: Source) -> FileHeader:
    """The header with the frames that belong to the source's volume."""
    if not source.frames:
        return header
    wanted = set(source.frames[source.paths.index(header.path)])
    return header.with_frames(tuple(frame for frame in header.frames if frame.index in wanted))


def _told(parts: Sequence[_Part]) -> dict[int, Source]:
    """Those with more slices elsewhere, by the identity of the source they take the place of."""
    told = {}
    for part in parts:
        rest = [other for other in parts if _completes(part, other)]
        if rest:
            theirs = {place for other in rest for place in other.places}
            more = counted(count := len(theirs - part.places.keys()), "more slice")
            lie, where = "lies" if count == 1 else "lie", some([other.source.relative for other in rest], 2)
            found = finding("dicom-scattered", f"{more} of its series {lie} in {where}")
            told[id(part.source)] = replace(part.source, faults=(*part.source.faults, found))
    return told


def _completes(part: _Part, other: _Part) -> bool:
    """Whether the other one has slices that the part lacks, and both make one volume.

    Copies have slices in common. Parts without have other numbers and places: another person's series under the
    same id begins to count at 1 as well, and another volume of the series lies at the same places, or a little beside
    them. Numbers also tell parts between which a third one is missing.
    """
    mine, theirs = part.places, other.places
    if part.home == other.home or theirs.keys() <= mine.keys():
        return False
    apart = not part.ids & other.ids
    if apart:
        unnumbered = not (part.numbers and other.numbers)
        if part.numbers.keys() & other.numbers.keys() or theirs.keys() & mine.keys():
            return False
        if unnumbered and part.home[1] != other.home[1]:
            return False
    try:
        together = stack([*{**theirs, **mine}.values()])
    except ScanError:
        return False
    if _in_line({**theirs, **mine}, {**part.numbers, **other.numbers}):
        return True
    entangled = min(mine) < max(theirs) and min(theirs) < max(mine)
    uneven = any(found.code == "dicom-uneven-gaps" for found in together.findings)
    return not any(found.level == "error" for found in together.findings) and not (apart and entangled and uneven)


def _in_line(slices: Mapping[int, Slice], numbers: Mapping[int, int]) -> bool:
    """Whether each slice has its number, and places grow evenly with the numbers, missing slices included."""
    if not LEAST_SLICES <= len(slices) == len(numbers):
        return False
    number, place = np.array([*numbers.items()]).T
    step, start = np.polyfit(number, place, 1)
    return bool(np.abs(start + step * number - place).max() <= MOST_DRIFT * abs(step))
