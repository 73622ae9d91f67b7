"""Decide by what lies in a folder how it is laid out, and make scans of its files accordingly."""

from collections.abc import Sequence
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.discover import Skipped, survey
from orienteer.scans.layouts import bids, decathlon, nnunet, plain
from orienteer.scans.layouts.folders import IMAGES, LABELS
from orienteer.scans.layouts.layout import LAYOUTS, LaidOut, Part, below
from orienteer.scans.source import Source

ABOVE = 3
"""Folders above the one searched that may describe it: ``sub-01/ses-1/anat`` of a BIDS dataset."""
BELOW = 4
"""Folders below the one searched in which datasets are looked for."""
CURES = {
    "nnunet": "nnU-Net raw has imagesTr/CASE_0000.nii.gz, CASE_0001.nii.gz and dataset.json with channel_names",
    "decathlon": "the Decathlon has imagesTr/CASE.nii.gz and dataset.json with modality and training",
    "bids": "BIDS has sub-01/anat/sub-01_T1w.nii.gz and dataset_description.json",
}


def lay_out(
    root: Path,
    exclude: Sequence[Path] = (),
    *,
    layout: str = "auto",
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
    if layout not in LAYOUTS:
        raise OrienteerError(f"no layout {layout!r}", cure=f"one of {', '.join(LAYOUTS)}")
    if len({name.casefold() for name in channels}) < len(channels):
        raise OrienteerError(f"a channel twice: {', '.join(channels)}", cure="name each channel once in --channels")
    root = root.absolute()
    found = survey(root, exclude)
    base = root.parent if root.is_file() else root
    parts, rest = _datasets(base, list(found.sources), layout, channels)
    if rest and parts and (channels or layout in CURES):
        parts[-1].skipped += [Skipped(source.relative, "skipped-layout") for source in rest]
    elif rest and layout in CURES:
        parts.append(_forced(base, rest, layout, channels))
    elif rest:
        parts.append(_plain(base, rest, channels, expected, alone=not parts))
    sources = [source for part in parts for source in part.sources]
    if not sources:
        raise OrienteerError(
            f"no scan in {root}, though it holds {len(found.sources)} files of scans: {parts[0].layout.name}",
            cure="add --layout plain to take every file as a scan",
        )
    return LaidOut(
        sources=tuple(sorted(sources, key=lambda source: source.relative)),
        skipped=tuple(sorted(_left(found.skipped, parts), key=lambda skip: skip.relative)),
        layouts=tuple(part.layout for part in parts),
    )


def _left(skipped: Sequence[Skipped], parts: Sequence[Part]) -> list[Skipped]:
    """What was passed over, less the descriptions and folders of labels that a layout made use of."""
    used = {
        f"{part.layout.folder}/{name}".lstrip("/")
        for part in parts
        if part.layout.name != plain.NAME
        for name in ("dataset.json", "dataset_description.json", *(LABELS if part.layout.labelled else ()))
    }
    return [skip for skip in skipped if skip.relative not in used] + [s for part in parts for s in part.skipped]


def _datasets(
    base: Path, sources: list[Source], layout: str, channels: Sequence[str]
) -> tuple[list[Part], list[Source]]:
    """What describes itself, each dataset once, and the sources that are left."""
    parts: list[Part] = []
    for folder in _candidates(base, sources) if layout != "plain" else ():
        here = below(sources, folder)
        part = _recognised(folder, base, here, layout, channels) if here else None
        if part:
            parts.append(part)
            inside = {id(source) for source in here}
            sources = [source for source in sources if id(source) not in inside]
    return parts, sources


def _recognised(
    folder: Path, base: Path, sources: Sequence[Source], layout: str, channels: Sequence[str]
) -> Part | None:
    if layout in ("auto", "nnunet") and (names := nnunet.recognised(folder, sources)):
        return nnunet.arrange(folder, base, sources, names, channels)
    if layout in ("auto", "decathlon") and (names := decathlon.recognised(folder, sources)):
        if channels:
            raise OrienteerError(
                f"--channels cannot choose among the volumes of a 4D file ({decathlon.NAME})",
                cure=f"leave out --channels: all of {', '.join(names)} are taken",
            )
        return decathlon.arrange(folder, base, sources, names)
    if layout in ("auto", "bids") and bids.recognised(folder, sources):
        return bids.arrange(folder, base, sources, channels)
    images = [source for source in sources if source.paths[0].parent == folder]
    if layout == "auto" and IMAGES.match(folder.name) and nnunet.grouped(images):
        return nnunet.arrange(folder.parent, base, sources, (), channels)
    return None


def _candidates(base: Path, sources: Sequence[Source]) -> list[Path]:
    """Folders that may be a dataset, the outermost first."""
    above = [folder for folder in reversed(list(base.parents)[:ABOVE]) if _describes(folder)]
    inside = {base}
    for source in sources:
        inside |= {folder for folder in source.paths[0].parents if folder.is_relative_to(base)}
    shallow = [folder for folder in inside if len(folder.parts) - len(base.parts) <= BELOW]
    return [*above, *sorted(shallow, key=lambda folder: (len(folder.parts), folder))]


def _describes(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset.json", "dataset_description.json"))


def _forced(base: Path, sources: list[Source], layout: str, channels: Sequence[str]) -> Part:
    """Files that no description covers, in the layout the user insists on; only nnU-Net's names suffice."""
    if layout == "nnunet" and any(nnunet.split_name(source) for source in sources):
        return nnunet.arrange(base, base, sources, (), channels)
    raise OrienteerError(f"{base} is not laid out as {layout}", cure=CURES[layout])


def _plain(base: Path, sources: list[Source], channels: Sequence[str], expected: int, *, alone: bool) -> Part:
    if channels:
        return plain.arrange_channels(sources, channels)
    if expected > 1 and nnunet.exactly(sources, expected):
        return nnunet.arrange(base, base, sources, (), ())
    hint = "names end in _0000, _0001, ...: if these are the channels of one scan, add --layout nnunet"
    place = "" if alone else "the rest"
    return plain.arrange(sources, place, notes=(hint,) if nnunet.grouped(sources) else ())
