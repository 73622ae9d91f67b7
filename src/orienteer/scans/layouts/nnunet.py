"""nnU-Net raw: ``imagesTr/CASE_0000.nii.gz``, one file a channel, described by ``dataset.json``."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.discover import Skipped
from orienteer.scans.findings import Finding, finding
from orienteer.scans.layouts.folders import in_images, is_training, labels_by_case, place_of
from orienteer.scans.layouts.layout import Layout, Part, describe, numbered_names, read_description
from orienteer.scans.source import Source, without_extension

NAME = "nnU-Net raw"
SUFFIX = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")
Cases = Mapping[str, Mapping[int, Source]]


def split_name(source: Source) -> tuple[str, int] | None:
    """``imagesTr/CASE`` and the channel's number, or None where the name ends in none."""
    match = SUFFIX.match(without_extension(source.relative))
    return (match["case"], int(match["channel"])) if match and len(source.paths) == 1 else None


def recognised(folder: Path, sources: Sequence[Source]) -> tuple[str, ...]:
    """Names of the channels where ``folder`` is one dataset in this layout; else empty.

    Evidence is ``dataset.json`` beside ``imagesTr``: with ``channel_names``, or as in version 1 with ``modality``
    and files whose names all end in a channel's number. (The Decathlon's has ``modality`` too, but plain names.)
    """
    values = read_description(folder / "dataset.json")
    names = numbered_names(values.get("channel_names")) or numbered_names(values.get("modality"))
    images = [source for source in sources if in_images(source, folder)]
    if not names or not images:
        return ()
    numbers = [split_name(source) for source in images]
    if "channel_names" in values:
        return names if any(numbers) else ()
    return names if all(number is not None and number[1] < len(names) for number in numbers) else ()


def grouped(sources: Sequence[Source]) -> bool:
    """Whether every name ends in a channel's number and several cases have more than one: evidence by name."""
    cases = cases_of(sources)
    return len(cases) > 0 and sum(map(len, cases.values())) == len(sources) and _several(cases)


def exactly(sources: Sequence[Source], channels: int) -> bool:
    """Whether every file belongs to a case that has the channels 0 to ``channels - 1`` and no other."""
    cases = cases_of(sources)
    files = sum(map(len, cases.values()))
    return bool(cases) and files == len(sources) and all(set(c) == set(range(channels)) for c in cases.values())


def cases_of(sources: Sequence[Source]) -> dict[str, dict[int, Source]]:
    """Sources by case and channel; of two files with one name (``.nii`` and ``.nii.gz``) the first."""
    cases: dict[str, dict[int, Source]] = defaultdict(dict)
    for source in sources:
        if name := split_name(source):
            cases[name[0]].setdefault(name[1], source)
    return dict(cases)


def arrange(folder: Path, root: Path, sources: Sequence[Source], names: tuple[str, ...], wanted: Sequence[str]) -> Part:
    """One scan a case, its channels in the order of their numbers, or in the order of ``wanted``.

    Args:
        folder: the dataset; where it has no ``imagesTr``, all sources are cases.
        root: the folder that was searched.
        sources: all below ``folder``.
        names: of the channels; empty where no ``dataset.json`` names them.
        wanted: names of the channels to take; empty for all.

    Raises:
        OrienteerError: the dataset has no channel of a wanted name.
    """
    cases = cases_of([source for source in sources if in_images(source, folder)] or sources)
    count = len(names) or _usual_count(cases)
    names = names or tuple(f"{n:04d}" for n in range(count))
    numbers = _chosen(names, wanted, folder)
    part = Part(Layout(NAME, place_of(folder, root), channels=tuple(names[n] for n in numbers)))
    taken = {source.relative for channels in cases.values() for source in channels.values()}
    outside = [source for source in sources if source.relative not in taken]
    part.skipped = [Skipped(source.relative, "skipped-layout") for source in outside]
    labels = labels_by_case(folder)
    for case, channels in cases.items():
        part.sources.append(_scan(case, channels, names, numbers, labels))
    return describe(part)


def _scan(
    case: str,
    channels: Mapping[int, Source],
    names: tuple[str, ...],
    numbers: Sequence[int],
    labels: Mapping[str, Source],
) -> Source:
    first = next(iter(channels.values()))
    parts = tuple(channels[n] for n in numbers if n in channels)
    place, name = first.paths[0].parent, case.rpartition("/")[2]
    return Source(
        paths=tuple(part.paths[0] for part in parts) or first.paths,
        format=first.format,
        relative=case,
        root=first.root,
        parts=parts if len(numbers) > 1 else (),
        channel_names=tuple(names[n] for n in numbers),
        split="" if is_training(place) else "test",
        labels=labels.get(name) if is_training(place) else labels.get(f"test/{name}"),
        faults=tuple(_faults(name, channels, names, numbers)),
    )


def _faults(case: str, channels: Mapping[int, Source], names: tuple[str, ...], numbers: Sequence[int]) -> list[Finding]:
    missing = [f"{case}_{n:04d} ({names[n]})" for n in numbers if n not in channels]
    beyond = [f"{case}_{n:04d}" for n in sorted(channels) if n >= len(names)]
    found = []
    if missing:
        found.append(finding("channel-missing", f"no {', no '.join(missing)}"))
    if beyond:
        found.append(finding("channels-mixed", f"{', '.join(beyond)}: only {len(names)} channels are named"))
    return found


def _chosen(names: tuple[str, ...], wanted: Sequence[str], folder: Path) -> list[int]:
    if not wanted:
        return list(range(len(names)))
    known = {name.casefold(): number for number, name in enumerate(names)}
    lost = [name for name in wanted if name.casefold() not in known]
    if lost:
        raise OrienteerError(
            f"no channel {', '.join(lost)} in {folder} ({NAME}): it has {', '.join(names)}",
            cure="name some of those in --channels",
        )
    return [known[name.casefold()] for name in wanted]


def _usual_count(cases: Cases) -> int:
    """Channels that most cases have; more where as many have more."""
    counts = Counter(max(channels) + 1 for channels in cases.values())
    return max(counts, key=lambda count: (counts[count], count)) if counts else 1


def _several(cases: Cases) -> bool:
    return sum(set(channels) >= {0, 1} for channels in cases.values()) >= 2
