"""A mask of each structure in a file of its own, as TotalSegmentator writes them: told, as no file is a label map."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from orienteer.scans.formats.registry import format_of, without_extension
from orienteer.scans.labels.match import match_labels
from orienteer.scans.labels.names import LABEL_FOLDER
from orienteer.scans.source import SEPARATOR, Source
from orienteer.units import counted, some

CURE = "make one label map of the masks of each scan: docs/how-to/ingest.md, 'A mask for each structure'"


def masks_apart(files: Iterable[Path], scans: Sequence[Source]) -> Mapping[Path, list[str]]:
    """The folders of several label files of one scan, none of which is called as the scan, and what they are called.

    Args:
        files: of labels.
        scans: that have no labels yet.
    """
    beside: dict[Path, list[str]] = defaultdict(list)
    called: dict[str, list[str]] = defaultdict(list)
    for source in scans:
        path = source.paths[0]
        name = without_extension(path.name)
        beside[path.parent].append(name)
        called[name].append(name)
    called |= {folder.name: names for folder, names in beside.items() if len(names) == 1}
    masks: dict[Path, list[str]] = defaultdict(list)
    for path in files:
        masks[path.parent].append(without_extension(path.name))
    found: dict[Path, list[str]] = {}
    several: set[Path] = set()
    for folder, names in masks.items():
        subject = folder.parent if LABEL_FOLDER.match(folder.name) else folder
        own = beside.get(subject) or called.get(subject.name, [])
        if own and len(names) > 1 and not _match(names, own):
            found[folder] = sorted(names)
            several |= {folder} if len(own) > 1 else set()
    # Beside several scans, maps with names of their own are told from masks by whether the names recur.
    count = Counter(name for names in found.values() for name in names)
    return {folder: names for folder, names in found.items() if folder not in several or count[names[0]] > 1}


def _match(labels: Sequence[str], scans: Sequence[str]) -> bool:
    """Whether any of the labels is called as any of the scans, were they in one folder."""
    matched = match_labels(*([f"s{SEPARATOR}{name}" for name in names] for names in (labels, scans)))
    return bool(matched.labels or matched.several)


def files_in(folder: Path) -> list[Path]:
    """The files below a folder that could be labels, as far as it can be listed."""
    files = [Path(here) / name for here, _, names in os.walk(folder) for name in names if not name.startswith(".")]
    formats = ((path, format_of(path)) for path in sorted(files))
    return [path for path, known in formats if known and known.one_file_a_scan]


def about_masks(masks: Mapping[Path, list[str]], root: Path) -> str:
    """What such folders are, and what to do."""
    folder, names = next(iter(masks.items()))
    count, hold = counted(len(masks), "folder"), "holds" if len(masks) == 1 else "hold"
    shown = folder.name if folder == root else folder.relative_to(root)
    return f"{count} {hold} a mask for each structure and no label map ({shown}: {some(names)})"
