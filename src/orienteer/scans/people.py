"""Which scans may be of one person although nothing says so, as questions: one person in train and val is a silent lie.

Five kinds of evidence, each with the rule that keeps it from crying wolf:

- ``study``: one StudyInstanceUID in several folders. The reader counts such scans as one person already, but programs
  that remove names may give all patients the same one.
- ``patient``: one DICOM PatientID, unless most studies (three at least) share it, see
  ``patient``.
- ``folder``: the folders at one depth hold at most ``MOST`` scans each, and are twice as many as the fullest one
  holds (four at least), because sites and splits hold many; or they are more than it holds, and the names of the scans
  are the same in all and no numbers. Folders that are called by a sequence or a visit are nobody's.
- ``name``: names are equal up to a word, see ``stems``; where nothing else tells, up to any part
  that recurs, see ``recurring``.
- ``grid``: at most ``MOST`` scans share shape and affine, twice as many other grids are there, and the affine is a
  person's own, see ``own_grid``.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.dicom.sources import STUDY
from orienteer.scans.recurring import recurring
from orienteer.scans.source import SEPARATOR, ScanInfo
from orienteer.scans.stems import COUNTERS, VISIT_WORDS, alike, stem
from orienteer.units import counted, some

Reason = Literal["study", "patient", "folder", "name", "grid"]
WORDS: Mapping[Reason, str] = {
    "study": "share a StudyInstanceUID and count as one subject",
    "patient": "share a PatientID",
    "folder": "share a folder",
    "name": "have one name up to a part, such as a word for the sequence or visit",
    "grid": "share shape and affine",
}
MOST = 8
"""Scans that a folder or a grid of one person may have."""
FEW_STUDIES = 2
"""Studies that one PatientID may always have: a subject with two visits may be all there is."""
ROUND_MM = 0.125
CENTRED_MM = 1.0


@dataclass(frozen=True)
class Clue:
    """What tells of one scan who is on it.

    Attributes:
        id: the scan's.
        person: whom the user's table or the folder's layout names; empty where neither does.
        study: the study it is from, as the reader calls it; empty where it is alone.
        grid: see ``own_grid``.
        patient: a digest of the PatientID in its header; empty where that names nobody.
    """

    id: str
    person: str = ""
    study: str = ""
    grid: str = ""
    patient: str = field(default="", repr=False)

    @classmethod
    def of(cls, scan: ScanInfo) -> "Clue":
        """What check knows of a scan."""
        said = scan.source.subject
        study = said if STUDY.fullmatch(said) else ""
        return cls(scan.id, "" if study else said, study, own_grid(scan.shape, scan.affine), scan.source.patient)


@dataclass(frozen=True)
class Question:
    """Scans that may be of one person.

    Attributes:
        scans: their ids, sorted.
        person: a name for whoever it is, always the same for the same scans.
        reasons: why.
    """

    scans: tuple[str, ...]
    person: str
    reasons: tuple[Reason, ...]


def about_patients(clues: Collection[Clue]) -> list[str]:
    """A note where a PatientID is no sign because most studies have it, and nobody said who is on them."""
    people = {clue.id: clue.person for clue in clues}
    return [
        f"most studies have one PatientID, which is not taken for a subject's: {some(sorted(group))}; if they are of"
        " one subject, say so in the column person of --table"
        for group, is_sign in _patients(clues)
        if not is_sign and not all(people[scan] for scan in group)
    ]


def own_grid(shape: Sequence[int], affine: NDArray[np.float64] | None) -> str:
    """A digest of shape and affine where a scan was placed for one person; empty where many may lie like that.

    Templates, crops and scanners that start in their centre write affines without tilt, and along two axes with a round
    origin (an eighth of a mm) or the volume's centre in that of the world: these tell nobody.
    """
    if affine is None or len(shape) != 3:
        return ""
    tilted = bool((np.sort(np.abs(affine[:3, :3]), axis=0)[:2] > 1e-3 * np.abs(affine[:3, :3]).max()).any())
    origin = affine[:3, 3]
    centre = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + origin
    round_axes = (np.abs(origin / ROUND_MM - np.rint(origin / ROUND_MM)) * ROUND_MM < 1e-3).sum()
    if not tilted and (round_axes >= 2 or (np.abs(centre) < CENTRED_MM).sum() >= 2):
        return ""
    return hashlib.sha256(repr((tuple(shape), (np.round(affine, 3) + 0.0).tolist())).encode()).hexdigest()[:16]


def questions(clues: Iterable[Clue]) -> tuple[Question, ...]:
    """Groups of scans that may be of one person, sorted, where nobody has said of all of a group who it is."""
    known = {clue.id: clue for clue in sorted(clues, key=lambda clue: clue.id)}
    evidence = list(_evidence(known))
    connected = {scan for _, group in evidence for scan in group}
    others = {scan for _, group in evidence for scan in sorted(group, key=lambda scan: (len(scan), scan))[1:]}
    alone, firsts = ([scan for scan in known if scan not in left] for left in (connected, others))
    evidence += (("name", group) for group in recurring(alone))
    if connected:  # P1 (1) beside P1 and P1 - Copy; folders of visits that hold several scans
        more = (group for group in recurring(firsts) if not connected.issuperset(group) or _spread(group))
        evidence += (("name", group) for group in more)
    if not evidence:
        return ()
    from scipy.cluster.hierarchy import DisjointSet  # here, as it takes half a second to import

    together = DisjointSet(known)
    reasons: dict[str, set[Reason]] = defaultdict(set)
    for reason, group in evidence:
        reasons[group[0]].add(reason)
        for other in group[1:]:
            together.merge(group[0], other)
    groups = sorted(sorted(group) for group in together.subsets() if len(group) > 1)
    asked = [group for group in groups if _is_open(group, known)]
    names = Counter(name for scan in known for name in _names(scan))
    taken = {*known, *(clue.person for clue in known.values())}
    made = []
    for group in asked:
        person = _person(group, known, names, taken.difference(group))
        taken.add(person)
        why = set[Reason]().union(*(reasons[scan] for scan in group))
        made.append(Question(tuple(group), person, tuple(reason for reason in WORDS if reason in why)))
    return tuple(made)


def _spread(group: Sequence[str]) -> bool:
    return len({scan.rpartition(SEPARATOR)[0] for scan in group}) > 1


def _evidence(known: Mapping[str, Clue]) -> Iterator[tuple[Reason, list[str]]]:
    studies, grids = defaultdict(list), defaultdict(list)
    for clue in known.values():
        studies[clue.study or f"alone {clue.id}"].append(clue.id)
        grids[clue.grid or f"alone {clue.id}"].append(clue.id)
    yield from (("study", group) for group in studies.values() if len(group) > 1)
    yield from (("patient", group) for group, is_sign in _patients(known.values()) if is_sign)
    yield from (("folder", group) for group in _folders(known))
    yield from (("name", group) for group in alike(list(known)))
    few = [g for g in grids.values() if 1 < len(g) <= MOST and 2 * len(g) <= len(grids) - 1]
    yield from (("grid", group) for group in few)


def _patients(clues: Iterable[Clue]) -> list[tuple[list[str], bool]]:
    """Scans of one PatientID, and whether it tells of somebody: one that is most studies' is nobody's."""
    scans: dict[str, list[str]] = defaultdict(list)
    studies: dict[str, set[str]] = defaultdict(set)
    for clue in clues:
        if clue.patient:
            scans[clue.patient].append(clue.id)
            studies[clue.patient].add(clue.study or clue.id)
    most = max(FEW_STUDIES, sum(map(len, studies.values())) / 2)
    return [(group, len(studies[patient]) <= most) for patient, group in scans.items() if len(group) > 1]


def _folders(ids: Iterable[str]) -> list[list[str]]:
    """Scans by folder, of the first depth at which folders look like people."""
    parts = [scan.split(SEPARATOR) for scan in ids]
    for depth in range(1, max(map(len, parts), default=0)):
        folders: dict[str, list[list[str]]] = defaultdict(list)
        for part in parts:
            if len(part) > depth:
                folders[SEPARATOR.join(part[:depth])].append(part)
        fullest = max(map(len, folders.values()))
        names = {SEPARATOR.join(part[depth:]) for group in folders.values() for part in group}
        without_digits = {re.sub(r"\d", "", name) for name in names}
        same_names = len(names) == len(without_digits) == fullest and len(folders) > fullest
        sequences = any(not stem(f"{name}{SEPARATOR}t1", VISIT_WORDS) for name in folders)
        many = len(folders) >= max(4, 2 * fullest) or same_names
        if many and 1 < fullest <= MOST and not sequences:
            return [[SEPARATOR.join(part) for part in group] for group in folders.values() if len(group) > 1]
    return []


def _is_open(group: Sequence[str], known: Mapping[str, Clue]) -> bool:
    """Whether nobody has said who is on these scans.

    A study says so, unless it is spread over folders, or its scans name several patients.
    """
    clues = [known[scan] for scan in group]
    if all(clue.person for clue in clues):
        return False
    spread = len({clue.id.split(SEPARATOR)[0] for clue in clues}) > 1
    several = len({clue.patient for clue in clues} - {""}) > 1
    return spread or several or not clues[0].study or len({clue.study for clue in clues}) > 1


def _person(group: Sequence[str], known: Mapping[str, Clue], names: Mapping[str, int], taken: Collection[str]) -> str:
    """The name somebody gave one of them, else the stem or folder that they have and no other scan has."""
    given = {known[scan].person for scan in group} - {""}
    if len(given) == 1:
        return given.pop()
    common = set.intersection(*(set(_names(scan)) for scan in group))
    own = (name for name in _names(group[0]) if name in common and names[name] == len(group))
    return next((name for name in own if name not in taken), f"person of {group[0]}")


def _names(scan: str) -> list[str]:
    """What a scan's person may be called by, the longest first."""
    parts = scan.split(SEPARATOR)
    folders = (SEPARATOR.join(parts[:depth]) for depth in range(1, len(parts)))
    stems = (stem(scan, level) for level in range(COUNTERS + 1))
    return sorted({name for name in (*folders, *stems) if name}, key=lambda name: (-len(name), name))


def people_of(clues: Iterable[Clue], asked: Iterable[Question]) -> dict[str, str]:
    """By scan whom the user, the layout or a guess names; empty where each scan may be somebody else's."""
    guessed = {scan: question.person for question in asked for scan in question.scans}
    return {clue.id: clue.person or guessed.get(clue.id, "") for clue in clues}


def in_words(asked: Sequence[Question]) -> list[str]:
    """The questions, those with the same reasons as one."""
    alike: dict[tuple[Reason, ...], list[Question]] = defaultdict(list)
    for question in asked:
        alike[question.reasons].append(question)
    lines = []
    for reasons, same in alike.items():
        more = sum(len(question.scans) for question in same[1:])
        others = f"; and {counted(len(same) - 1, 'more group')} like this, of {more} scans" if more else ""
        why = " and ".join(WORDS[reason] for reason in reasons)
        lines.append(f"are these scans of one subject? {some(same[0].scans)} (they {why}){others}")
    return lines
