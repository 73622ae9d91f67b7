"""nnU-Net raw: ``imagesTr/CASE_0000.nii.gz``, one file a channel, described by ``dataset.json``."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.findings import Finding, finding
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.layouts.descriptions import numbered_names, read_description
from orienteer.scans.layouts.images_folders import IMAGES, LABELS, in_images, is_training, labels_by_case
from orienteer.scans.layouts.layout import Arranged, Dataset, Layout
from orienteer.scans.source import Skipped, Source

SUFFIX = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")
Cases = Mapping[str, Mapping[int, Source]]


class NnunetLayout(Layout):
    """One scan a case, its channels in the order of their numbers."""

    name = "nnunet"
    title = "nnU-Net raw"
    looks_like = "nnU-Net raw has imagesTr/CASE_0000.nii.gz, CASE_0001.nii.gz and dataset.json with channel_names"
    descriptions = ("dataset.json",)
    label_folders = LABELS

    def recognise(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """By ``dataset.json`` beside ``imagesTr``.

        It has ``channel_names``, or, as in version 1, ``modality`` and files whose names all end in a channel's
        number. (The Decathlon's has ``modality`` too, but plain names.)
        """
        values = read_description(folder / "dataset.json")
        names = numbered_names(values.get("channel_names")) or numbered_names(values.get("modality"))
        images = [source for source in sources if in_images(source, folder)]
        if not names or not images:
            return None
        numbers = [_split_name(source) for source in images]
        if "channel_names" in values:
            return Dataset(folder, names) if any(numbers) else None
        fitting = all(number is not None and number[1] < len(names) for number in numbers)
        return Dataset(folder, names) if fitting else None

    def recognise_by_names(self, folder: Path, sources: Sequence[Source]) -> Dataset | None:
        """A folder such as ``imagesTr`` in which several cases have more than one channel."""
        images = [source for source in sources if source.paths[0].parent == folder]
        return Dataset(folder.parent) if IMAGES.match(folder.name) and _grouped(images) else None

    def claim(self, folder: Path, sources: Sequence[Source], channels: int | None = None) -> Dataset | None:
        """Files of which one is named for its channel; or all are, each case with just so many channels."""
        cases = _cases(sources)
        if channels is None:
            return Dataset(folder) if cases else None
        whole = all(set(case) == set(range(channels)) for case in cases.values())
        return Dataset(folder) if cases and whole and sum(map(len, cases.values())) == len(sources) else None

    def hint(self, sources: Sequence[Source]) -> str:
        """See ``Layout.hint``."""
        named = "names end in _0000, _0001, ...: if these are the channels of one scan, add --layout nnunet"
        return named if _grouped(sources) else ""

    def arrange(self, dataset: Dataset, root: Path, sources: Sequence[Source], wanted: Sequence[str]) -> Arranged:
        """One scan a case, its channels in the order of their numbers, or in the order of ``wanted``.

        Where the dataset has no ``imagesTr``, all files are cases.

        Raises:
            OrienteerError: the dataset has no channel of a wanted name.
        """
        cases = _cases([source for source in sources if in_images(source, dataset.folder)] or sources)
        names = dataset.channels or tuple(f"{n:04d}" for n in range(_usual_count(cases)))
        numbers = self._chosen(names, wanted, dataset.folder)
        taken = {source.relative for channels in cases.values() for source in channels.values()}
        skipped = [Skipped(source.relative, "skipped-layout") for source in sources if source.relative not in taken]
        labels = labels_by_case(dataset.folder)
        scans = [_scan(case, channels, names, numbers, labels) for case, channels in cases.items()]
        return self.arranged(Dataset(dataset.folder, tuple(names[n] for n in numbers)), root, scans, skipped)

    def _chosen(self, names: tuple[str, ...], wanted: Sequence[str], folder: Path) -> list[int]:
        if not wanted:
            return list(range(len(names)))
        known = {name.casefold(): number for number, name in enumerate(names)}
        lost = [name for name in wanted if name.casefold() not in known]
        if lost:
            raise OrienteerError(
                f"no channel {', '.join(lost)} in {folder} ({self.title}): it has {', '.join(names)}",
                cure="name some of those in --channels",
            )
        return [known[name.casefold()] for name in wanted]


def _split_name(source: Source) -> tuple[str, int] | None:
    """``imagesTr/CASE`` and the channel's number, or None where the name ends in none."""
    match = SUFFIX.match(without_extension(source.relative))
    return (match["case"], int(match["channel"])) if match and len(source.paths) == 1 else None


def _cases(sources: Sequence[Source]) -> Cases:
    """Sources by case and channel; of two files with one name (``.nii`` and ``.nii.gz``) the first."""
    cases: dict[str, dict[int, Source]] = defaultdict(dict)
    for source in sources:
        if name := _split_name(source):
            cases[name[0]].setdefault(name[1], source)
    return dict(cases)


def _grouped(sources: Sequence[Source]) -> bool:
    """Whether every name ends in a channel's number and several cases have more than one."""
    cases = _cases(sources)
    several = sum(set(channels) >= {0, 1} for channels in cases.values()) >= 2
    return several and sum(map(len, cases.values())) == len(sources)


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


def _usual_count(cases: Cases) -> int:
    """Channels that most cases have; more where as many have more."""
    counts = Counter(max(channels) + 1 for channels in cases.values())
    return max(counts, key=lambda count: (counts[count], count)) if counts else 1
