"""What is left of a scan's id without the words for a sequence, a visit or a repetition: what people are called by."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from orienteer.scans.labels.names import SEQUENCES
from orienteer.scans.source import SEPARATOR

BETWEEN = re.compile(r"([-_. ]+)")
_ENDINGS = "ct cta cbct mr mri pet pt pd nc art pv"
ENDINGS = frozenset(_ENDINGS.split())
"""At the end of a file's name only: ``ct_train_1`` and ``mr_train_1``, and ``PD_1`` and ``NC_1``, are two people."""
_IMAGES = "image images img imaging scan volume vol"
_MORE = "mprage mp2rage tse gre suv spair stir bold dess baseline bl followup"
_PHASES = "arterial venous portal portalvenous delayed"
_AGAIN = "rescan repeat repeated retest copy kopie"
PLAIN = (SEQUENCES.difference(_IMAGES.split()) - ENDINGS) | frozenset(f"{_MORE} {_PHASES} {_AGAIN}".split())
VISITS = r"(?:ses|session|visit|timepoint|tp|followup|fu|v|day|month|t(?=\d))"
"""Words that a number follows; ``ses-2``, ``v1``, and ``t0`` to ``t4``, of which two may as well be sequences."""
REPEATS = r"(?:mr|mpr|scan|run|rep|echo|frame|phase|acq|series)"
"""The same, where ``scan1`` to ``scan100`` may as well be 100 people."""
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_NAMED = r"(?:jan|feb|ma[ry]|apr|ju[nl]|aug|sep|o[ck]t|nov|de[cz])"
_TIME = r"(?:T?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d{1,7})?(?:_S\d+_I\d+)?|[T_]\d\d([-_.])\d\d\2\d\d)"
DAY = re.compile(
    rf"(?:^|[-_. ])(?:{_YEAR}([-_.]?){_MONTH}\1{_DAY}{_TIME}?|{_DAY}([-_.]?){_NAMED}\3{_YEAR}"
    rf"|(?:{_DAY}([-_.]){_MONTH}|{_MONTH}([-_.]){_DAY})(?:\4|\5){_YEAR})(?=[-_. ]|$)",
    re.IGNORECASE,
)
"""``2020-01-31``, ``2020_01_31``, ``20200131T101500``, ``31.01.2020``, ``01-31-2020``, ``31Jan2020``.

ADNI's files go on with a time and the numbers of series and image: ``20060418193713091_S13408_I13722``.
"""
SIDES = frozenset(("l", "r", "left", "right"))
"""At the end of a file's name, and at the beginning of any."""
COUNTER = re.compile(r"(.+)[-_](\d{3,4})")
"""The channels of nnU-Net (``_0000``), the time points of BraTS (``-000``)."""
BIDS = re.compile(r"sub-[0-9A-Za-z+]+(?=_|$)")

PLAIN_WORDS, VISIT_WORDS, DAYS, DATES, REPEAT_WORDS, COUNTERS = range(6)
"""What a stem goes without, each with those before: the later, the more doubtful."""
NUMBERED = {
    VISIT_WORDS: re.compile(rf"{VISITS}(\d*)"),
    DAYS: re.compile(r"(?:d(?=\d)|run|rep|echo)(\d*)"),
    DATES: re.compile(rf"({_YEAR}|m\d\d)"),
    REPEAT_WORDS: re.compile(rf"{REPEATS}(\d*)"),
}
"""By the level from which on; those of days count after an id with a number; years, months may be people's numbers."""
MOST_VISITS = 10


@lru_cache(1 << 17)
def stem(scan_id: str, level: int = COUNTERS) -> str:
    """The id without words, and without a folder whose name the file's begins with.

    Examples:
        >>> stem("IXI-T1__IXI002-Guys-0828-T1", PLAIN_WORDS), stem("anna__ses-1__anna_flair", VISIT_WORDS)
        ('IXI__IXI002-Guys-0828', 'anna')
    """
    parts = scan_id.split(SEPARATOR)
    kept: list[str] = []
    ending = _words(_without_words(parts[-1], level, ""))[-1]
    for part in parts:
        if found := BIDS.match(part):
            return SEPARATOR.join([*kept, found[0]])
        rest = _without_words(part, level, ending)
        if kept and f"{rest}_".casefold().startswith(tuple(f"{kept[-1]}{mark}".casefold() for mark in "-_. ")):
            kept.pop()
        kept += [rest] * bool(rest)
    whole = SEPARATOR.join(kept)
    counted = COUNTER.fullmatch(whole) if level >= COUNTERS else None
    if not whole and PLAIN.isdisjoint(_words(scan_id)):  # ct and mr, alone, are of nobody
        return scan_id
    return counted[1] if counted else whole


def _words(text: str) -> list[str]:
    return BETWEEN.split(text.casefold())[::2]


def _without_words(part: str, level: int, ending: str) -> str:
    pieces = BETWEEN.split(DAY.sub("", part) if level >= DAYS else part)
    words, before = pieces[::2], ["", *pieces[1::2]]
    kept: list[str] = []
    number_next = False
    for at, word in enumerate(words):
        low, following = word.casefold(), words[at + 1 : at + 2]
        if number_next or low in PLAIN or (level >= DATES and not at and following and low in SIDES):
            number_next = False
            continue
        kinds = (kind for least, kind in NUMBERED.items() if least <= level and (least != DAYS or _numbered(kept)))
        found = next((match for kind in kinds if (match := kind.fullmatch(low))), None)
        if found and (found[1] or (following and following[0].isdigit())):
            number_next = not found[1]
            continue
        kept.append(before[at] + word)
    last = kept[-1].strip("-_. ").casefold() if kept else ""
    if last == ending and last in (ENDINGS | SIDES if level >= DATES else ENDINGS):
        kept.pop()
    rest = "".join(kept).strip("-_. ")
    # A folder scan1 is somebody; a folder visit1 is not.
    return rest if rest or level < REPEAT_WORDS else _without_words(part, DATES, ending)


def _numbered(kept: Sequence[str]) -> bool:
    return any(word[-1:].isdigit() for word in kept)


def one_spelling(name: str) -> str:
    """What spellings of one name have in common: without capitals, spaces, leading zeros and the ``sub-`` of BIDS."""
    close = re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", name.casefold()).removeprefix("sub-")
    return re.sub(r"(?<![\d.])0+(?=\d)", "", close)


def names_in(scan_id: str) -> Iterator[tuple[str, str]]:
    """What the file's name and then its folders begin with, the longest first, and who that is apart from visits.

    Examples:
        >>> list(names_in("ses-1__sub-01_T1"))[:2]
        [('sub-01_T1', 'sub-01'), ('sub-01', 'sub-01')]
    """
    parts = scan_id.split(SEPARATOR)
    for depth in range(len(parts), 0, -1):
        pieces = BETWEEN.split(parts[depth - 1])
        for end in range(len(pieces), 0, -2):
            name = "".join(pieces[:end])
            yield name, stem(SEPARATOR.join([*parts[: depth - 1], name]), VISIT_WORDS).casefold()


def alike(ids: Sequence[str]) -> Iterator[list[str]]:
    """Ids that have a stem in common, and may be of one person.

    Words for sequences are believed, and one name in two spellings. Visits are if they are at most ``MOST_VISITS``,
    or no more than people with visits; days if they are no more than twice as many as stems; years, months, sides,
    repetitions and counters, which may tell people apart, if no more than people with them, and counters from 0 on.
    """
    before = {scan: scan for scan in ids}
    for level in range(COUNTERS + 1):
        after = {scan: stem(scan, level) for scan in ids}
        groups: dict[str, list[str]] = defaultdict(list)
        for scan, name in after.items():
            groups[one_spelling(name)].append(scan)
        shortened = [g for g in groups.values() if not level or any(after[scan] != before[scan] for scan in g)]
        if level == COUNTERS:
            shortened = [g for g in shortened if any(_is_zero(before[scan]) for scan in g)]
        most = max((_times(group, before) for group in shortened), default=0)
        for group in shortened:
            allowed = {VISIT_WORDS: MOST_VISITS, DAYS: 2 * len(groups)}.get(level, 0)
            few = _times(group, before) <= allowed
            if len(group) > 1 and (level == PLAIN_WORDS or few or most <= len(shortened)):
                yield group
        before = after


def _times(group: Sequence[str], before: Mapping[str, str]) -> int:
    """How many visits, repetitions or counters a group has."""
    return len({one_spelling(before[scan]) for scan in group})


def _is_zero(name: str) -> bool:
    found = COUNTER.fullmatch(name)
    return found is not None and not found[2].strip("0")
