"""BIDS: ``sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz``; sessions and sequences of a subject stay together."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.layouts.descriptions import read_description
from orienteer.scans.layouts.layout import Arranged, Dataset, Layout, path_in
from orienteer.scans.layouts.requested_channels import scan_of_channels
from orienteer.scans.source import Skipped, Source

SUBJECT = re.compile(r"^sub-[0-9A-Za-z+]+$")
SESSION = re.compile(r"^ses-[0-9A-Za-z+]+$")
TAKEN = frozenset({"anat", "ct"})
"""Data types whose files are anatomy, one volume each; func, dwi, perf and the others are not."""
MARKINGS = frozenset({"mask", "defacemask", "dseg", "probseg"})


class BidsLayout(Layout):
    """Each anatomical file is a scan of its subject."""

    name = "bids"
    title = "BIDS"
    looks_like = "BIDS has sub-01/anat/sub-01_T1w.nii.gz and dataset_description.json"
    descriptions = ("dataset_description.json",)

    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """By ``dataset_description.json`` with ``BIDSVersion``, or ``sub-*/[ses-*/]anat/sub-*`` without it."""
        named = [source for source in sources if _subject(source, folder)]
        if not named:
            return None
        described = "BIDSVersion" in read_description(folder / self.descriptions[0])
        anatomy = (_type(source, folder) in TAKEN and _name(source).startswith("sub-") for source in named)
        return Dataset(folder) if described or any(anatomy) else None

    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        """Each anatomical file a scan; or, with ``wanted`` suffixes, each session one scan of several channels.

        Raises:
            OrienteerError: no file has one of the wanted suffixes.
        """
        folder, place = dataset.folder, path_in(root, dataset.folder)
        skipped, scans = [], []
        for source in sources:
            code = _passed_over(source, folder)
            if code:
                skipped.append(Skipped(source.relative, code))
            else:
                subject = f"{place}/{_subject(source, folder)}" if place else _subject(source, folder)
                scans.append(replace(source, subject=subject))
        suffixes = Counter(map(_suffix, scans))
        if wanted:
            scans, left = _sessions(scans, wanted)
            skipped += left
        notes = (_hint(suffixes),) if len(suffixes) > 1 and not wanted else ()
        return self.arranged(Dataset(folder, tuple(wanted)), root, scans, skipped, notes)


def _hint(suffixes: Counter[str]) -> str:
    counts = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(6))
    two = ",".join(suffix for suffix, _ in suffixes.most_common(2))
    return f"{counts}: each a scan of its own; --channels {two} would make one scan of both"


def _passed_over(source: Source, folder: Path) -> str:
    """Code of the reason why the file is no anatomical scan; empty where it is one."""
    if not _subject(source, folder):
        return "skipped-bids-folder"
    if _type(source, folder) not in TAKEN:
        return "skipped-bids-type"
    return "skipped-label" if _suffix(source) in MARKINGS else ""


def _sessions(sources: Sequence[Source], wanted: Sequence[str]) -> tuple[list[Source], list[Skipped]]:
    """Sources grouped by session, or by session and entities (``run-1``) where a session has several of a kind."""
    known = {name.casefold(): name for name in wanted}
    sessions: dict[str, list[Source]] = defaultdict(list)
    left = []
    for source in sources:
        if _suffix(source).casefold() in known:
            sessions[source.relative.rpartition("/")[0]].append(source)
        else:
            left.append(Skipped(source.relative, "skipped-channel"))
    if not sessions:
        suffixes = sorted({_suffix(source) for source in sources})
        raise OrienteerError(
            f"no file ends in {' or '.join(wanted)}; there are {', '.join(suffixes) or 'none'}",
            cure="name suffixes that are there in --channels",
        )
    scans = []
    for members in sessions.values():
        for stem, group in _groups(members).items():
            found = defaultdict(list)
            for source in group:
                found[known[_suffix(source).casefold()]].append(source)
            scans.append(scan_of_channels(f"{stem}_{'_'.join(wanted)}", found, tuple(wanted), group[0].subject))
    return scans, left


def _groups(members: Sequence[Source]) -> dict[str, list[Source]]:
    """By the path without suffix where every suffix comes with the same entities; else the session as one."""
    suffixes = [_suffix(source).casefold() for source in members]
    stems: dict[str, list[Source]] = defaultdict(list)
    for source in members:
        stems[without_extension(source.relative).rpartition("_")[0]].append(source)
    if len(set(suffixes)) < len(suffixes) and len({frozenset(map(_suffix, g)) for g in stems.values()}) == 1:
        return dict(stems)
    # Only what all names have in common: acq-fast belongs to one of the sequences.
    pieces = [stem.rpartition("/")[2].split("_") for stem in stems]
    shared = [piece for piece in pieces[0] if all(piece in other for other in pieces)]
    folder = members[0].relative.rpartition("/")[0]
    return {f"{folder}/{'_'.join(shared)}" if folder else "_".join(shared): list(members)}


def _subject(source: Source, folder: Path) -> str:
    """``sub-01``, or empty for what lies in ``derivatives``, ``sourcedata``, ``code`` or loose in the dataset."""
    parts = source.paths[0].relative_to(folder).parts
    return parts[0] if len(parts) > 1 and SUBJECT.match(parts[0]) else ""


def _type(source: Source, folder: Path) -> str:
    """``anat``, ``func``, ...: the folder below the subject and, if there is one, the session."""
    parts = source.paths[0].relative_to(folder).parts[1:-1]
    inner = parts[1:] if parts and SESSION.match(parts[0]) else parts
    return inner[0] if inner else ""


def _name(source: Source) -> str:
    return without_extension(source.paths[0].name)


def _suffix(source: Source) -> str:
    return _name(source).rpartition("_")[2]
