"""Scans below a folder, as their layouts make them, with the labels that lie in another folder or beside them."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from orienteer.errors import OrienteerError, StoreError
from orienteer.scans.discover import label_files
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.labels.masks import CURE, about_masks, files_in, masks_apart
from orienteer.scans.labels.match import Matched, case_of, match_labels
from orienteer.scans.labels.meaning import Meaning, meaning_of
from orienteer.scans.labels.names import LABEL_FOLDER, says_labels
from orienteer.scans.layouts.descriptions import read_description
from orienteer.scans.layouts.lay_out import LaidOut, lay_out
from orienteer.scans.source import SEPARATOR, Skipped, Source, below_root
from orienteer.units import counted, some

NAMES = "give them the scans' paths or names (a name alone counts where one scan and one label file have it)"
SKIPPED = ("skipped-label", "skipped-label-folder")


def find_scans(
    scans: Path,
    labels: Path | None = None,
    *,
    exclude: Sequence[Path] = (),
    layout: str = "auto",
    channels: Sequence[str] = (),
) -> LaidOut:
    """Every scan below a folder; where a folder of labels is named, it wins over what the layout says.

    Args:
        scans: a folder, or one file.
        labels: a folder of label files; it may be the scans' own, or lie above or below it.
        exclude: files or folders to leave alone.
        layout: ``auto``, or the only layout to look for.
        channels: names of the sequences that make one scan together, in order.

    Raises:
        OrienteerError: a folder is missing, or holds nothing of use; no label file belongs to any scan.
    """
    if labels is None:
        found = lay_out(scans, exclude, layout=layout, channels=channels)
        return replace(found, notes=(*found.notes, *_meanings(found.sources), *_not_used(found, scans)))
    files, alone = labels_in(labels, scans)
    apart = [labels] if alone else [path for source in files for path in source.paths]
    found = lay_out(scans, [*exclude, *apart], layout=layout, channels=channels)
    return with_labels(found, labels, files)


def labels_in(folder: Path, scans: Path) -> tuple[list[Source], bool]:
    """The label files below a folder, in which the scans may lie as well; and whether it holds nothing else.

    Where scans do, only those files count that are named as labels, or lie in a folder that is.

    Raises:
        OrienteerError: the folder is missing or holds none.
    """
    named, others = label_files(folder)
    above, below = _contains(folder, scans), _contains(scans, folder)
    if not above and (not below or LABEL_FOLDER.match(folder.name)):
        return [*named, *others], True
    named += [source for source in others if says_labels(_name(source))]
    outside = [source for source in others if not _contains(scans, source.paths[0])] if above else others
    chosen = named or outside
    if not chosen:
        raise OrienteerError(
            f"no label file beside the scans in {folder}",
            cure="labels are called as their scan with a word such as _seg, _mask or _label, or lie in a folder labels",
        )
    if above and not below:
        chosen = [_below(source, scans) if _contains(scans, source.paths[0]) else source for source in chosen]
    return chosen, not above and not named


def with_labels(found: LaidOut, folder: Path, labels: Sequence[Source]) -> LaidOut:
    """The scans with the labels that belong to them. Scans that share labels are of one person.

    Raises:
        StoreError: no label file belongs to any scan.
    """
    by_id: dict[str, Source] = {}
    for label in labels:
        by_id.setdefault(label.id, label)
    ids = sorted({source.id for source in found.sources})
    matched = match_labels(sorted(by_id), ids)
    if not matched.labels:
        several, masks = (
            _several(matched),
            masks_apart((path for label in labels for path in label.paths), found.sources),
        )
        message = (
            f"no label file in {folder} belongs to any of the scans: label files are called e.g. {min(by_id)!r}"
            f" ({counted(len(by_id), 'file')}), scans e.g. {ids[0]!r} ({counted(len(ids), 'scan')})"
        )
        if masks:
            raise StoreError(f"{message}; {about_masks(masks, folder)}", cure=f"{CURE}, or leave out --labels")
        raise StoreError(
            f"{message}{_above_several(sorted(by_id), ids)}",
            cure=f"{several[0] if several else NAMES}, or leave out --labels",
        )
    described = cache(_described)
    shared = {label for label, count in Counter(matched.labels.values()).items() if count > 1}
    sources = []
    for source in found.sources:
        own = matched.labels.get(source.id)
        if own is not None:
            person = source.subject or (case_of(own) if own in shared else "")
            meaning = described(by_id[own].paths[0].parent)
            source = replace(source, labels=meaning.give(by_id[own]), subject=person)
        sources.append(source)
    return replace(found, sources=tuple(sources), notes=(*found.notes, *_meanings(sources), *_notes(matched, shared)))


def _above_several(labels: Sequence[str], scans: Sequence[str]) -> str:
    """What is in the way where a label file lies above the folders of several scans; empty where none does."""
    for label in labels:
        folder, _, _ = label.rpartition(SEPARATOR)
        below = [scan for scan in scans if folder and scan.rpartition(SEPARATOR)[0].startswith(f"{folder}{SEPARATOR}")]
        if len(below) > 1:
            return (
                f"; {label!r} lies above {counted(len(below), 'scan')} ({some(below, 2)}) and does not say whose it is"
            )
    return ""


def _described(folder: Path) -> Meaning:
    """What ``dataset.json`` in a folder of labels, or beside it, says of them."""
    here = meaning_of(read_description(folder / "dataset.json"))
    return here if here != Meaning() else meaning_of(read_description(folder.parent / "dataset.json"))


def _meanings(sources: Sequence[Source]) -> list[str]:
    """Each thing once that has to be said of what label values mean."""
    meanings = dict.fromkeys(Meaning(s.labels.structures, s.labels.ignored) for s in sources if s.labels)
    return list(dict.fromkeys(note for meaning in meanings for note in meaning.notes()))


def _notes(matched: Matched, shared: set[str]) -> list[str]:
    notes = _several(matched)
    if shared:
        scans, files = sum(label in shared for label in matched.labels.values()), counted(len(shared), "label file")
        notes.append(f"{scans} scans share {files}: the sequences of a case, which count as one subject")
    if matched.passed_over:
        label, scan = next(iter(matched.passed_over.items()))
        count = counted(len(matched.passed_over), "label file")
        notes.append(f"{count} not used, their scans have others: {label} for {scan}, which has {matched.labels[scan]}")
    if matched.unused:
        belong = "belongs" if len(matched.unused) == 1 else "belong"
        notes.append(f"{counted(len(matched.unused), 'label file')} {belong} to no scan: {some(matched.unused)}")
    return notes


def _several(matched: Matched) -> list[str]:
    """A note where more than one label file fits a scan."""
    if not matched.several:
        return []
    scan, files = next(iter(matched.several.items()))
    count = counted(len(matched.several), "scan")
    return [f"more than one label file for {count}, none is used: {some(files)} for {scan}; move all but one away"]


def _not_used(found: LaidOut, root: Path) -> list[str]:
    """A note on label files that nobody asked for, and on masks that cannot be asked for."""
    left = [skip.relative for skip in found.skipped if _is_of_labels(skip)]
    if not left or any(source.labels for source in found.sources):
        return []
    files = {relative: files_in(root / relative) or [root / relative] for relative in left}
    masks = masks_apart((path for paths in files.values() for path in paths), found.sources)
    notes = [f"{about_masks(masks, root)}: {CURE}, or go on without labels"] if masks else []
    left = [relative for relative in left if not masks.keys() & {path.parent for path in files[relative]}]
    if not left:
        return notes
    kind = "file or folder of labels is" if len(left) == 1 else "files or folders of labels are"
    used = "--labels DIR uses them, DIR may be the scans' own folder"
    ids = [without_extension(below_root(path, root)).replace("/", SEPARATOR) for each in left for path in files[each]]
    matched = match_labels(ids, [source.id for source in found.sources])
    if not (matched.labels or matched.several):
        used = f"none is called as a scan: {NAMES}; then --labels DIR uses them"
    return [*notes, f"{len(left)} {kind} not used ({some(left, 2)}); {used}"]


def _is_of_labels(skip: Skipped) -> bool:
    if skip.code == "skipped-bids-folder":
        return says_labels(without_extension(skip.relative.rpartition("/")[2]))
    return skip.code in SKIPPED


def _name(source: Source) -> str:
    return without_extension(source.paths[0].name)


def _contains(folder: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _below(source: Source, root: Path) -> Source:
    real = Path(os.path.realpath(source.paths[0]))
    return replace(source, relative=below_root(real, Path(os.path.realpath(root))), root=root)
