"""Which frames of a DICOM series make one volume: echoes, time points, b-values and orientations told apart."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from orienteer.scans.dicom.file import open_dataset
from orienteer.scans.dicom.header import DISTINGUISHING, FileHeader, Frame, is_number
from orienteer.scans.dicom.steps import REPEATED_MM

LEAST_SLICES = 3
"""Slices that point another way, or have another size, make a volume of their own from this many on."""

SCOUT_SLICES = 12
"""Three stacks at right angles with fewer slices than this each are a localiser."""

MOST_ORIENTATIONS = 64
MOST_TAGS = 3

Key = tuple[Path, int]


@dataclass(frozen=True)
class Group:
    """Frames that belong together.

    Attributes:
        frames: in the order of their position where they have one, else of their names; copies among them.
        copies: those of them that only repeat others, and are not read.
        separated_by: the tags, or ``orientation``, that separate it from other volumes of its series; empty if alone.
        localiser: whether it is one by its header or by its three orientations.
    """

    frames: tuple[Frame, ...]
    copies: tuple[Frame, ...] = ()
    separated_by: tuple[str, ...] = ()
    localiser: bool = False


def volumes_of(headers: Sequence[FileHeader]) -> list[Group]:
    """The volumes of one series, in an order that stays the same from run to run.

    A series is only cut where slices would otherwise lie on one another, point different ways or differ in size;
    tags that change from slice to slice of one volume, as many do, cut nothing.
    """
    scouts = [header for header in headers if header.localiser]
    scans = [header for header in headers if not header.localiser]
    groups = [Group(_in_order(_frames(scouts)), localiser=True)] if scouts else []
    if scans:
        groups += _scans(_frames(scans), {header.path: header.instance for header in scans})
    return groups


def _frames(headers: Iterable[FileHeader]) -> list[Frame]:
    return [frame for header in headers for frame in header.frames]


def _scans(frames: list[Frame], instances: dict[Path, str]) -> list[Group]:
    if not frames or not all(frame.geometry.placed for frame in frames):
        return [Group(_in_order(frames))]
    stacks = _stacks(frames)
    if stacks is None:
        return [Group(_in_order(frames))]
    if len(stacks) >= 3 and all(len(one) < SCOUT_SLICES for one in stacks) and _three_ways(stacks):
        return [Group(_in_order(frames), localiser=True)]
    if len(stacks) > 1 and min(len(one) for one in stacks) < LEAST_SLICES:
        return [Group(_in_order(frames))]
    apart = ("orientation",) if len(stacks) > 1 else ()
    return [
        Group(group.frames, group.copies, (*apart, *group.separated_by))
        for one in sorted(stacks, key=lambda one: (-len(one), one[0].geometry.direction))
        for group in _separated(one, instances)
    ]


def _stacks(frames: list[Frame]) -> list[list[Frame]] | None:
    """Frames of one direction, size and spacing; None where there are too many to be stacks."""
    stacks: list[list[Frame]] = []
    homes: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        place = frame.geometry
        exactly = (place.rows, place.columns, place.direction, place.spacing)
        home = homes.get(exactly) or next((one for one in stacks if alike(one[0], frame)), None)
        if home is None:
            if len(stacks) == MOST_ORIENTATIONS:
                return None
            stacks.append(home := [])
        home.append(frame)
        homes[exactly] = home
    return stacks


def alike(one: Frame, other: Frame) -> bool:
    """Whether two slices have one size, spacing and direction."""
    a, b = one.geometry, other.geometry
    return (
        (a.rows, a.columns) == (b.rows, b.columns)
        and np.allclose(a.direction, b.direction, atol=1e-3)
        and np.allclose(a.spacing, b.spacing, rtol=1e-3)
    )


def _three_ways(stacks: list[list[Frame]]) -> bool:
    """Whether three of the stacks are at right angles to one another."""
    normals = [one[0].geometry.normal for one in stacks]
    return any(
        all(abs(float(np.dot(a, b))) < 0.2 for a, b in combinations(three, 2)) for three in combinations(normals, 3)
    )


def _separated(frames: list[Frame], instances: dict[Path, str]) -> list[Group]:
    """One stack cut into volumes in which no two slices share a place."""
    ordered = list(_in_order(frames))
    normal = frames[0].geometry.normal
    depth = np.array([frame.geometry.along(normal) for frame in ordered])
    steps = np.concatenate([[0], np.cumsum(np.diff(depth) >= REPEATED_MM)])
    at = {frame.key: int(place) for frame, place in zip(ordered, steps, strict=True)}
    copy_of = _copies(ordered, at, instances)
    own = [frame for frame in ordered if frame.key not in copy_of]
    tags = _distinguishing_tags(own, at) if len({at[frame.key] for frame in own}) < len(own) else ()
    cut: dict[tuple[str, ...], list[Frame]] = defaultdict(list)
    for frame in own:
        cut[_values(frame, tags)].append(frame)
    groups = []
    for values in sorted(cut, key=lambda values: [_sortable(value) for value in values]):
        mine = {frame.key for frame in cut[values]}
        spare = tuple(frame for frame in ordered if copy_of.get(frame.key) in mine)
        groups.append(Group(_in_order([*cut[values], *spare]), spare, tags))
    return groups


def _copies(ordered: list[Frame], at: dict[Key, int], instances: dict[Path, str]) -> dict[Key, Key]:
    """Which frame is only a copy, and of which one: the same bytes, or one instance with the same voxels."""
    here: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in ordered:
        here[at[frame.key], frame.index, *sorted(frame.tags.items())].append(frame)
    copies: dict[Key, Key] = {}
    for alike in here.values():
        if len({frame.path for frame in alike}) == 1:
            continue
        # Each file is read once, however many lie at one place.
        first: dict[object, Key] = {}
        for frame in alike:
            whole = _digest(frame.path)
            voxels = (instances[frame.path], _voxel_digest(frame.path)) if instances[frame.path] else whole
            known = first.get(whole) or first.get(voxels)
            if known is not None and known[0] != frame.path:
                copies[frame.key] = known
            else:
                first[whole] = first[voxels] = frame.key
    return copies


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return str(path)  # what cannot be read is no copy; it is told when it is read


def _voxel_digest(path: Path) -> str:
    try:
        voxels = open_dataset(path, ["PixelData"], voxels=True).get("PixelData")
        return hashlib.sha256(voxels).hexdigest() if voxels else str(path)
    except Exception:  # a damaged file is no copy either
        return str(path)


def _distinguishing_tags(frames: list[Frame], at: dict[Key, int]) -> tuple[str, ...]:
    """The tags that make the fewest volumes without two slices at one place; none where no tags do."""
    names = [*DISTINGUISHING, "StackID"]
    useful = [name for name in names if len({frame.tags.get(name) for frame in frames}) > 1]
    best: tuple[int, tuple[str, ...]] = (len(frames) // 2 + 1, ())
    for count in range(1, MOST_TAGS + 1):
        for tags in combinations(useful, count):
            taken: dict[tuple[str, ...], set[int]] = defaultdict(set)
            for frame in frames:
                taken[_values(frame, tags)].add(at[frame.key])
            clean = sum(len(places) for places in taken.values()) == len(frames)
            if clean and min(len(places) for places in taken.values()) > 1 and len(taken) < best[0]:
                best = (len(taken), tags)
        if best[1]:
            break
    return best[1]


def _values(frame: Frame, tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(frame.tags.get(tag, "") for tag in tags)


def _sortable(value: str) -> tuple[int, float, str]:
    return (0, float(value), value) if is_number(value) else (1, 0.0, value)


def _in_order(frames: Sequence[Frame]) -> tuple[Frame, ...]:
    """By position along the normal; by name only where no position is known."""

    def name(frame: Frame) -> tuple[str, int]:
        return frame.path.name, frame.index

    if frames and all(frame.geometry.placed for frame in frames):
        normal = frames[0].geometry.normal
        return tuple(sorted(frames, key=lambda frame: (round(frame.geometry.along(normal), 3), *name(frame))))
    return tuple(sorted(frames, key=name))
