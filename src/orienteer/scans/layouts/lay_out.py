"""Decide by what lies in a folder how it is laid out, and make scans of its files accordingly."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.discover import survey
from orienteer.scans.layouts.layout import Arranged, DatasetSummary, Layout
from orienteer.scans.layouts.registry import AUTO, LAYOUTS, PLAIN, layouts_to_try
from orienteer.scans.source import Skipped, Source

ABOVE = 3
"""Folders above the one searched that may describe it: ``sub-01/ses-1/anat`` of a BIDS dataset."""
BELOW = 4
"""Folders below the one searched in which datasets are looked for."""


@dataclass(frozen=True)
class LaidOut:
    """All scans below a folder as their layouts make them, and what was passed over, both sorted by path.

    Attributes:
        sources: the scans.
        skipped: what was passed over.
        layouts: what the folders were recognised as.
        notes: what is worth knowing of labels.
    """

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...] = ()
    layouts: tuple[DatasetSummary, ...] = ()
    notes: tuple[str, ...] = ()


def lay_out(
    root: Path,
    exclude: Sequence[Path] = (),
    *,
    layout: str = AUTO,
    channels: Sequence[str] = (),
    expected: int = 1,
) -> LaidOut:
    """Every scan below ``root``, made of its files as the layout says.

    A folder counts as a dataset only where it describes itself (``dataset.json``, ``dataset_description.json``,
    ``imagesTr``, ``sub-*/anat``): files are never put together because their names happen to look alike.

    Args:
        root: a folder, or one file.
        exclude: files or folders to leave alone.
        layout: ``auto``, or the only layout to look for.
        channels: names of the sequences that make one scan together, in order; empty for what the layout says.
        expected: channels that a network reads; files ``CASE_0000`` to that number are then evidence by themselves.

    Raises:
        OrienteerError: no scan, another layout than the one asked for, or no such channel.
    """
    layouts = layouts_to_try(layout)
    if len({name.casefold() for name in channels}) < len(channels):
        raise OrienteerError(f"a channel twice: {', '.join(channels)}", cure="name each channel once in --channels")
    root = root.absolute()
    found = survey(root, exclude)
    base = root.parent if root.is_file() else root
    parts, rest = _datasets(base, list(found.sources), layouts, channels)
    skipped: list[Skipped] = []
    if rest and parts and (channels or layout not in (AUTO, PLAIN)):
        skipped = [Skipped(source.relative, "skipped-layout") for source in rest]
    elif rest and layout not in (AUTO, PLAIN):
        parts.append(_claimed(base, rest, layouts[0], channels))
    elif rest:
        parts.append(_plain(base, rest, channels, expected, alone=not parts))
    sources = [source for part in parts for source in part.sources]
    if not sources:
        raise OrienteerError(
            f"no scan in {root}, though it holds {len(found.sources)} files of scans: {parts[0].summary.name}",
            cure="add --layout plain to take every file as a scan",
        )
    skipped += [*_unused(found.skipped, parts), *(skip for part in parts for skip in part.skipped)]
    return LaidOut(
        sources=tuple(sorted(sources, key=lambda source: source.relative)),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.relative)),
        layouts=tuple(part.summary for part in parts),
    )


def _datasets(
    base: Path, sources: list[Source], layouts: Sequence[Layout], channels: Sequence[str]
) -> tuple[list[Arranged], list[Source]]:
    """What describes itself, each dataset once, and the files that are left."""
    parts: list[Arranged] = []
    taken: set[int] = set()
    for folder, below in _candidates(base, sources).items():
        here = [source for source in below if id(source) not in taken]
        part = _recognised(folder, base, here, layouts, channels) if here else None
        if part:
            parts.append(part)
            taken |= {id(source) for source in here}
    return parts, [source for source in sources if id(source) not in taken]


def _recognised(
    folder: Path, base: Path, sources: Sequence[Source], layouts: Sequence[Layout], channels: Sequence[str]
) -> Arranged | None:
    for layout in layouts:
        if dataset := layout.recognise(folder, sources):
            return layout.arrange(dataset, base, sources, channels)
    for layout in layouts if len(layouts) > 1 else ():
        if dataset := layout.recognise_by_names(folder, sources):
            return layout.arrange(dataset, base, sources, channels)
    return None


def _candidates(base: Path, sources: Sequence[Source]) -> dict[Path, list[Source]]:
    """Folders that may be a dataset, the outermost first, and the sources below each."""
    described = _descriptions()
    above = [
        folder
        for folder in reversed(list(base.parents)[:ABOVE])
        if any((folder / name).is_file() for name in described)
    ]
    inside: dict[Path, list[Source]] = {base: []}
    shallow: dict[Path, list[Path]] = {}
    for source in sources:
        parent = source.paths[0].parent
        if parent not in shallow:
            parts = parent.relative_to(base).parts[:BELOW]
            shallow[parent] = [base.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
        for folder in shallow[parent]:
            inside.setdefault(folder, []).append(source)
    ordered = sorted(inside, key=lambda folder: (len(folder.parts), folder))
    return {folder: list(sources) for folder in above} | {folder: inside[folder] for folder in ordered}


def _descriptions() -> set[str]:
    return {name for layout in LAYOUTS.values() for name in layout.descriptions}


def _claimed(base: Path, sources: list[Source], layout: Layout, channels: Sequence[str]) -> Arranged:
    """Files that no description covers, in the layout the user insists on."""
    if dataset := layout.claim(base, sources):
        return layout.arrange(dataset, base, sources, channels)
    raise OrienteerError(f"{base} is not laid out as {layout.name}", cure=layout.looks_like)


def _plain(base: Path, sources: list[Source], channels: Sequence[str], expected: int, *, alone: bool) -> Arranged:
    """Files that no layout recognised: each a scan, unless somebody says how many channels a scan has."""
    plain, *others = sorted((kind() for kind in LAYOUTS.values()), key=lambda layout: layout.name != PLAIN)
    claim = plain.claim(base, sources)
    for layout in others if expected > 1 and not channels else ():
        if fitting := layout.claim(base, sources, expected):
            return layout.arrange(fitting, base, sources, ())
    assert claim is not None
    arranged = plain.arrange(claim, base, sources, channels)
    if channels:
        return arranged
    hints = tuple(hint for layout in others if (hint := layout.hint(sources)))
    named = {"folder": "" if alone else "the rest", "notes": hints}
    return replace(arranged, summary=arranged.summary.model_copy(update=named))


def _unused(skipped: Sequence[Skipped], parts: Sequence[Arranged]) -> list[Skipped]:
    """What was passed over, less the descriptions and folders of labels that a layout made use of."""
    used = {
        f"{part.summary.folder}/{name}".lstrip("/")
        for part in parts
        if part.layout.name != PLAIN
        for name in (*_descriptions(), *(part.layout.label_folders if part.summary.labelled else ()))
    }
    return [skip for skip in skipped if skip.relative not in used]
