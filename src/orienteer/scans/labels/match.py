"""Which label file belongs to which scan: by path, by name, or as the labels of all sequences of one case."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from unicodedata import normalize

from orienteer.scans.labels.names import ALONE, LABEL_FOLDER, cases_of_label, cases_of_scan, is_sequence_of
from orienteer.scans.source import SEPARATOR

LAST = "\U0010ffff"
"""After every character of a name."""
Folder = tuple[str, ...]


@dataclass(frozen=True)
class Matched:
    """Labels by scan, all by their ids.

    Attributes:
        labels: of each scan that has them; scans with the same labels are sequences of one case.
        several: scans that more than one label file fits, and these: none is used.
        unused: label files that belong to no scan.
        passed_over: label files that fit a scan by their name, which has labels nearer to its path; with that scan.
    """

    labels: Mapping[str, str]
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    passed_over: Mapping[str, str] = field(default_factory=dict)


def match_labels(labels: Sequence[str], scans: Sequence[str]) -> Matched:
    """Match by ids: the very same path, then what the longest paths and the names have in common.

    Only the very same path is enough by itself. A name, or the end of a path, counts where one scan and one label file
    have it, because labels of somebody else are worse than none. Then a folder of labels beside a scan counts as
    the scan's own. Last come sequences: ``case_t1`` and ``case_flair`` both get ``case_seg`` of their folder.
    """
    given = set(labels).intersection(scans)
    chosen = {scan: scan for scan in scans if scan in given}
    several: dict[str, tuple[str, ...]] = {}
    deepest = max((name.count(SEPARATOR) + 1 for name in (*labels, *scans)), default=1)
    paths = {label: label for label in labels}
    for depth in (*range(deepest, 0, -1), 0):
        if not depth:
            depth, paths = deepest, {label: _without_label_folders(label) for label in labels}
        of_labels = _by_name((label, _keys(paths[label], cases_of_label(_base(label)), depth)) for label in labels)
        of_scans = _by_name((scan, _keys(scan, cases_of_scan(_base(scan)), depth)) for scan in scans)
        for name, (scan, *others) in of_scans.items():
            fitting = [label for label in of_labels[name] if label not in given]
            if others or scan in chosen or not fitting:
                continue
            if len(fitting) == 1 and len(of_labels[name]) == 1:
                chosen[scan] = fitting[0]
                given.add(fitting[0])
            elif len(fitting) > 1:
                several[scan] = tuple(fitting)
    left = [label for label in labels if label not in given] if len(chosen) < len(scans) else []
    for scan, fitting in _sequences(left, scans).items():
        if scan not in chosen and scan not in several and len(fitting) == 1:
            chosen[scan] = fitting[0]
        elif scan not in chosen and len(fitting) > 1:
            several[scan] = tuple(fitting)
    told = {scan: found for scan, found in several.items() if scan not in chosen}
    used = {*chosen.values(), *(label for found in told.values() for label in found)}
    rest = [label for label in labels if label not in used]
    by_name = _by_name((scan, _keys(scan, cases_of_scan(_base(scan)), 1)) for scan in scans)
    passed_over = {
        label: by_name[name][0]
        for label in rest
        for name in _keys(label, cases_of_label(_base(label)), 1)
        if len(by_name[name]) == 1 and by_name[name][0] in chosen
    }
    return Matched(chosen, told, tuple(label for label in rest if label not in passed_over), passed_over)


def case_of(label: str) -> str:
    """What the scans that share labels are of, as an id: the folder and the case."""
    folder, case = _folder(label), cases_of_label(_base(label))[-1]
    return SEPARATOR.join(folder if folder and case in ("", folder[-1]) else (*folder, case))


def _sequences(labels: Sequence[str], scans: Sequence[str]) -> dict[str, list[str]]:
    """The label files of the case that a scan is a sequence of; of ``a`` and ``a_2`` those of the longer case."""
    beside: dict[Folder, list[str]] = defaultdict(list)
    for scan in sorted(scans, key=_base):
        beside[_folder(scan)].append(scan)
    # By the end of its path: a folder of labels may lie in other folders than the scans' one.
    ending: dict[Folder, list[Folder]] = defaultdict(list)
    for folder in beside:
        for start in range(len(folder) + 1):
            ending[folder[start:]].append(folder)
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        own, *others = cases_of_label(_base(label))
        folders = dict.fromkeys((*ending[_place(_folder(label))], *([()] if () in beside else [])))
        for case in (own, *others):
            fitting = {folder: _sequences_in(beside[folder], folder, case, sure=case != own) for folder in folders}
            # Where folders tell nobody apart, a case in two of them is two people.
            somewhere = [folder for folder, fits in fitting.items() if fits]
            for scan in fitting[somewhere[0]] if len(somewhere) == 1 else ():
                found[scan][case].append(label)
    return {scan: cases[max(cases, key=len)] for scan, cases in found.items()}


def _sequences_in(scans: Sequence[str], folder: Folder, case: str, *, sure: bool) -> list[str]:
    """Scans of one folder, sorted, that are sequences of a case; ``sure`` where a word says that it is of labels."""
    start = bisect_left(scans, case, key=_base)
    fitting = scans[start : bisect_right(scans, f"{case}{LAST}", key=_base)]
    one_case = len(fitting) == len(scans) and (bool(folder) or (not case and len(scans) == 1))
    alone = sure and one_case
    return [scan for scan in fitting if is_sequence_of(_base(scan), case, alone=alone)]


def _without_label_folders(label: str) -> str:
    kept = [part for part in _folder(label) if not LABEL_FOLDER.match(part)]
    return SEPARATOR.join((*kept, _base(label)))


def _place(label: Folder) -> Folder:
    """The folder that labels are of: without folders of labels, and of derivatives as in BIDS, above it."""
    subject = next((place for place, part in enumerate(label) if part.startswith("sub-")), 0)
    label = label[subject:]
    while label and (LABEL_FOLDER.match(label[0]) or ALONE.match(label[0])):
        label = label[1:]
    return label


def _keys(own: str, cases: Iterable[str], depth: int) -> list[str]:
    """The last ``depth`` parts of an id, once for every case it may be of."""
    folder = _folder(own)
    kept = folder[max(0, len(folder) - depth + 1) :]
    # A Mac writes names in decomposed characters.
    return [normalize("NFC", SEPARATOR.join((*kept, case))) for case in cases if case]


def _folder(own: str) -> Folder:
    return tuple(own.split(SEPARATOR)[:-1])


def _base(own: str) -> str:
    return own.rpartition(SEPARATOR)[2] or own


def _by_name(named: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """The ids each name may stand for, from ids and their names."""
    found: dict[str, list[str]] = defaultdict(list)
    for own, names in named:
        for name in dict.fromkeys(names):
            found[name].append(own)
    return found
