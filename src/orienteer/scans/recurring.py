"""Ids that are equal up to a part which recurs, as in ``1001-d0``, ``1001-d90``, ``1002-d0``, ``1002-d90``."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from orienteer.scans.source import SEPARATOR
from orienteer.scans.stems import MOST_VISITS

TOKEN = re.compile(r"[^\W\d_]+|\d+")
LONG = re.compile(r"\d{3,}")
GLUED = re.compile(r"([^\W\d_]+)(\d.*)")
AROUND = "-_. ()[]"
Cut = Callable[[str], Iterator[tuple[str, str]]]
"""From an id to the stems and rests it may be made of."""


def recurring(ids: Sequence[str], files_alike: bool = False) -> list[list[str]]:
    """Groups of ids that differ in the same few endings, else in the letters before a number.

    The same endings come after two stems at least, and after no fewer than there are endings, as a numbering of few
    sites is not of visits. Most ids must take part. Where all files are called alike, their folders' names count, up to
    a separator: ``A001`` and ``A002`` are two folders of people.
    """
    tails = {"".join(scan.rpartition(SEPARATOR)[1:]) for scan in ids}
    if len(tails) == 1 and (tail := tails.pop()).startswith(SEPARATOR):
        groups = recurring([scan.removesuffix(tail) for scan in ids], files_alike=True)
        return [[scan + tail for scan in group] for group in groups]
    for cut in (_parted,) if files_alike else (_endings, _beginnings):
        groups = _groups(ids, cut)
        if 2 * sum(map(len, groups)) > len(ids):
            return groups
    return []


def _groups(ids: Sequence[str], cut: Cut) -> list[list[str]]:
    """Disjoint groups of ids with one stem; what comes after most stems, then after the longest, goes first."""
    stems: dict[str, dict[str, str]] = defaultdict(dict)
    for scan in sorted(ids):
        for stem, rest in cut(scan.casefold()):
            stems[stem].setdefault(rest, scan)
    same: dict[frozenset[str], list[str]] = defaultdict(list)
    for stem, rests in stems.items():
        if 1 < len(rests) <= MOST_VISITS:
            same[frozenset(rests)].append(stem)
    accepted = [found for rests, found in same.items() if len(found) >= max(2, _least(rests))]
    groups: list[list[str]] = []
    used: set[str] = set()
    accepted.sort(key=lambda found: (-len(found), -len(found[0]), found))
    for stem in chain.from_iterable(accepted):
        group = sorted(stems[stem].values())
        if used.isdisjoint(group):
            groups.append(group)
            used.update(group)
    return groups


def _least(rests: frozenset[str]) -> int:
    """How many stems it takes; more where long numbers are all that differs, as in ``ct_1001`` and ``mr_1001``."""
    numbering = len({LONG.sub("", rest) for rest in rests}) == 1
    return len(rests) + numbering


def _endings(scan: str) -> Iterator[tuple[str, str]]:
    folders, separator, name = scan.rpartition(SEPARATOR)
    for end in (*(match.start() for match in TOKEN.finditer(name)), len(name)):
        stem = name[:end].strip(AROUND)
        if stem:
            yield folders + separator + stem, name[end:].strip(AROUND)


def _parted(scan: str) -> Iterator[tuple[str, str]]:
    return ((stem, rest) for stem, rest in _endings(scan) if not rest or stem + rest != scan)


def _beginnings(scan: str) -> Iterator[tuple[str, str]]:
    folders, separator, name = scan.rpartition(SEPARATOR)
    if found := GLUED.fullmatch(name):
        yield folders + separator + found[2], found[1]
