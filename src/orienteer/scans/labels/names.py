"""What names of files say: whether one is of labels, and of which case. ``p1_seg_v2``, ``CT.seg`` and ``mask1`` are.

Sources of the habits: BraTS (``case_flair``, ``case_seg``), KiTS (``case/imaging``, ``case/segmentation``), LiTS
(``volume-0``, ``segmentation-0``), ACDC (``case_gt``), 3D Slicer (``CT.seg.nrrd``), BIDS derivatives (``sub-01_dseg``).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

WORDS = r"(?:labels?|labelmap|segmentations?|d?seg|masks?|msk|gt|groundtruth|annotations?|manual)"
VERSION = r"(?:[-_.]?(?:v\d+|manual|corrected|final))*"
SUFFIXED = re.compile(rf"^(?P<case>.+?)(?:[-_.]manual)?[-_.]{WORDS}{VERSION}$", re.IGNORECASE)
PREFIXED = re.compile(rf"^{WORDS}(?:[-_.]|(?=\d))(?P<case>.+)$", re.IGNORECASE)
ALONE = re.compile(rf"^{WORDS}$", re.IGNORECASE)
LABEL_FOLDER = re.compile(r"^(labels?|segmentations?|segs?|masks?)(tr|ts|val)?$", re.IGNORECASE)

CHANNEL = re.compile(r"_0000$")
"""How nnU-Net marks the first channel of an image; its labels go without."""
IMAGE_WORD = re.compile(r"^(images?|img|imaging|scan|volume|vol|ct|mri?)(?:[-_.]|(?=\d))(?P<case>.+)$", re.IGNORECASE)

_SEQUENCES = (
    "t1 t1w t1n t1c t1ce t1gd t1post t1map t2 t2w t2f t2s t2star t2map flair pd pdw dwi adc swi dce asl ct cta cbct pet"
    " mr mri mra image images img imaging scan volume vol ce pre post native nc art pv dixon water fat inphase outphase"
)
SEQUENCES = frozenset(_SEQUENCES.split())
"""Words that tell the sequences of one case apart, and no two cases."""

BIDS_MARKS = frozenset({"label", "desc", "space", "atlas", "res", "den", "seg"})
"""BIDS entities that labels have and their scan has not."""
OWN_SPACE = frozenset({"orig", "native", "individual", "scanner", "anat", "t1w", "t2w", "flair"})
"""What ``space-`` may say of labels that lie where their scan lies; those in MNI152 lie elsewhere."""


def labels_among(names: Iterable[str]) -> set[str]:
    """Which files of one folder are of labels: their names say so, and a file that is of none lies there, their scan.

    Takes time in proportion to the number of names.

    Args:
        names: of all its files, without extension.
    """
    names = set(names)
    suffixed = {name: found["case"] for name in names if (found := SUFFIXED.match(name))}
    alone = {name for name in names if ALONE.match(name)} - suffixed.keys()
    scans = sorted(names - suffixed.keys() - alone)
    prefixed = {name: found["case"] for name in scans if (found := PREFIXED.match(name))}
    images = {_image_case(name) for name in scans if name not in prefixed}
    return {
        *(name for name, case in suffixed.items() if any_begins(scans, case)),
        *(alone if scans else ()),
        *(name for name, case in prefixed.items() if case in images),
    }


def any_begins(ordered: Sequence[str], start: str) -> bool:
    """Whether one of some sorted names begins like this; as quick for very many."""
    first = bisect_left(ordered, start)
    return first < len(ordered) and ordered[first].startswith(start)


def says_labels(name: str) -> bool:
    """Whether a name alone, without extension, says that the file is of labels."""
    return any(pattern.match(name) for pattern in (SUFFIXED, ALONE, PREFIXED))


def cases_of_label(name: str) -> list[str]:
    """What a label file may be of, by its name: the likeliest first; empty where it lies in another space."""
    if name.startswith("sub-") and "_" in name:
        return _bids_cases(name)
    cases = [name]
    if suffixed := SUFFIXED.match(name):
        cases.append(suffixed["case"])
    elif ALONE.match(name):
        cases.append("")
    elif prefixed := PREFIXED.match(name):
        cases.append(prefixed["case"])
    return cases


def cases_of_scan(name: str) -> list[str]:
    """By what names labels may call a scan: its own, or without the word for an image."""
    return list(dict.fromkeys((name, CHANNEL.sub("", name), _image_case(name))))


def is_sequence_of(name: str, case: str, *, alone: bool) -> bool:
    """Whether a scan is a sequence of a case: ``case_t1`` is.

    Args:
        name: of the scan, without extension.
        case: of the labels.
        alone: whether no other case's scans lie in the folder, so that any further word tells sequences apart.
    """
    if not name.startswith(case):
        return False
    rest = name[len(case) :]
    if not rest:
        return True
    first, *words = re.split(r"[-_.]", rest)
    if case and first:  # case1 is not of case
        return False
    return alone or (bool(case) and all(w.casefold() in SEQUENCES or re.fullmatch(r"\d{4}", w) for w in words))


def _image_case(name: str) -> str:
    image = IMAGE_WORD.match(name)
    return image["case"] if image else name


def _bids_cases(name: str) -> list[str]:
    """``sub-01_T2w`` of ``sub-01_T2w_label-SC_seg``."""
    parts = name.split("_")
    entities = dict(part.split("-", 1) for part in parts if "-" in part)
    if entities.get("space", "orig").casefold() not in OWN_SPACE:
        return [name]
    kept = [part for part in parts if part.partition("-")[0] not in BIDS_MARKS]
    if len(kept) > 1 and ALONE.match(kept[-1]):
        kept.pop()
    return list(dict.fromkeys((name, "_".join(kept))))
