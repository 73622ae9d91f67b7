"""Find every scan below a folder, whatever mix of formats it holds."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.folders import Folder, home_of, predicted_files, recognised, recognised_by_names
from orienteer.scans.catalogue import FETCH
from orienteer.scans.fetched import not_fetched
from orienteer.scans.formats.library_messages import without_messages
from orienteer.scans.formats.registry import (
    data_files_among,
    format_named,
    format_of,
    known_formats,
    recognised_format,
    without_extension,
)
from orienteer.scans.labels.names import LABEL_FOLDER, labels_among
from orienteer.scans.source import Skipped, Source, below_root

TABLES = (".tsv", ".csv", ".txt", ".xlsx")
SIDECARS = (".json", ".tsv", ".csv", ".txt", ".md", ".bval", ".bvec", ".xml", ".html", ".pdf", ".jpg", ".png")
"""Files beside scans: whether they are there or only their links makes no difference to the scans."""


MADE = {None: "skipped-label-folder", Folder.STORE: "skipped-store"}


@dataclass(frozen=True)
class Survey:
    """All scans below a folder, and what was skipped, both sorted by path."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...] = ()


def discover(root: Path, exclude: Sequence[Path] = ()) -> list[Source]:
    """Every scan below ``root``, sorted by path; see ``survey``.

    Raises:
        OrienteerError: ``root`` is missing or holds no scan.
    """
    return list(survey(root, exclude).sources)


def survey(root: Path, exclude: Sequence[Path] = ()) -> Survey:
    """Search ``root`` and its folders; hidden files, label files and what Orienteer made are no scans.

    Args:
        root: a folder, or one file.
        exclude: files or folders to leave alone, such as the folder of labels.

    Raises:
        OrienteerError: ``root`` is missing, cannot be listed, or holds no scan.
    """
    if not root.exists():
        gone = root.is_symlink()
        message = f"{root} is a link to nothing" if gone else f"there is no {root}"
        raise OrienteerError(message, cure=FETCH if gone else "check the path")
    if any(path.exists() and path.samefile(root) for path in exclude):
        raise OrienteerError(f"{root} is the folder of the scans, too", cure="name another folder for the results")
    sources, skipped = _search(root, exclude)
    if not sources:
        raise OrienteerError(f"no scan in {root}{_instead(root)}", cure=f"Orienteer reads {known_formats()}")
    return Survey(
        sources=tuple(sorted(_without_lone_subjects(_side_by_side(sources)), key=lambda source: source.relative)),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.relative)),
    )


def _instead(root: Path) -> str:
    """What Orienteer made of a folder without scans."""
    if kind := recognised(root):
        return f": it is {kind.words}"
    home = home_of(root)
    return f": it lies in {home[0]}, which is {home[1].words}" if home else ""


def label_files(folder: Path) -> tuple[list[Source], list[Source]]:
    """Files below ``folder`` that are named as labels or lie in a folder of labels, and the others, sorted by path.

    Raises:
        OrienteerError: ``folder`` is missing or holds neither.
    """
    if not folder.exists():
        count = "; the number of scans to learn from is --labelled-scans of `orienteer finetune`"
        cure = f"check the path of the labels: a file or a folder{count if folder.name.isdigit() else ''}"
        raise OrienteerError(f"there is no {folder}", cure=cure)
    if (made := recognised(folder)) not in (None, Folder.PREDICTIONS, Folder.PROPAGATED):
        message = f"{folder} is {made.words}, not a folder of label files"
        raise OrienteerError(message, cure="check the path of --labels")
    others, skipped = _search(folder)
    named: list[Source] = []
    for skip in skipped:
        path = folder / skip.relative
        if skip.code == "skipped-label-folder":
            found = [source for source in _search(path)[0] if format_named(source.format).one_file_a_scan]
            named += [replace(s, relative=below_root(s.paths[0], folder), root=folder) for s in found]
        elif skip.code in ("skipped-label", "skipped-prediction") and (kind := format_of(path)):
            named += [source for source in kind.scans([path], folder) if isinstance(source, Source)]
    if not named and not others:
        table = "; a table is given with --table" if folder.suffix.lower() in TABLES else ""
        raise OrienteerError(f"no label file in {folder}", cure=f"Orienteer reads {known_formats()}{table}")
    return sorted(named, key=lambda source: source.relative), sorted(others, key=lambda source: source.relative)


def _search(root: Path, exclude: Sequence[Path] = ()) -> tuple[list[Source], list[Skipped]]:
    """What is a scan below ``root``, and what was skipped, in any order."""
    skipped: list[Skipped] = []
    excluded = {_real(path) for path in exclude}
    folders = [[root]] if root.is_file() else _walk(root, excluded, skipped)
    sources: list[Source] = []
    with without_messages():
        for files in folders:
            sources += _scans_of(root.parent if root.is_file() else root, files, skipped)
    return sources, skipped


def _walk(root: Path, excluded: set[Path], skipped: list[Skipped]) -> Iterator[list[Path]]:
    """The visible files of each folder, links followed once."""
    seen: set[Path] = set()

    def refuse(error: OSError) -> None:
        skipped.append(Skipped(below_root(Path(str(error.filename)), root), "skipped-folder-closed"))

    for name, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        folder = Path(name)
        real = _real(folder)
        if real in seen or real in excluded:
            folders.clear()
            continue
        seen.add(real)
        made = recognised_by_names({*folders, *files}.__contains__)
        predicted: set[Path] = set()
        if made in (Folder.PREDICTIONS, Folder.PROPAGATED):
            predicted = set(predicted_files(folder, made))
            skipped += [Skipped(below_root(path, root), "skipped-prediction") for path in predicted if path.is_file()]
        elif made or (folder != root and LABEL_FOLDER.match(folder.name)):
            skipped.append(Skipped(below_root(folder, root), MADE.get(made, "skipped-run")))
            folders.clear()
            continue
        folders[:] = sorted(part for part in folders if not part.startswith("."))
        if folder != root and not folders and not files and format_of(folder):
            skipped.append(Skipped(below_root(folder, root), "skipped-empty-folder"))
        visible = [folder / part for part in sorted(files) if not part.startswith(".")]
        yield [path for path in visible if path not in predicted and (not excluded or _real(path) not in excluded)]


def _real(path: Path) -> Path:
    """Links followed; unlike `Path.resolve`, a link that leads to itself is no error."""
    return Path(os.path.realpath(path))


def _scans_of(root: Path, files: list[Path], skipped: list[Skipped]) -> list[Source]:
    """The scans of one folder: each file goes to its format, and the format makes scans of its files."""
    by_format: dict[str, list[Path]] = {}
    labels = labels_among(without_extension(path.name) for path in files if format_of(path))
    data = data_files_among(files)
    for path in files:
        claimed = format_of(path)
        try:
            if claimed is None and not_fetched(path):
                code = "skipped-format" if path.suffix.lower() in SIDECARS else "skipped-not-fetched"
            elif path.exists() and not path.is_file():
                code = "skipped-no-file"
            elif claimed and claimed.one_file_a_scan and without_extension(path.name) in labels:
                code = "skipped-label"
            elif found := claimed or recognised_format(path):
                by_format.setdefault(found.name, []).append(path)
                continue
            elif path in data:
                continue
            else:
                code = "skipped-format"
        except OSError:
            code = "skipped-file-closed"
        skipped.append(Skipped(below_root(path, root), code))
    scans = [scan for name, paths in by_format.items() for scan in format_named(name).scans(paths, root)]
    skipped += [scan for scan in scans if isinstance(scan, Skipped)]
    return [scan for scan in scans if isinstance(scan, Source)]


def _side_by_side(sources: Sequence[Source]) -> list[Source]:
    """What a format says of all its scans together."""
    by_format: dict[str, list[Source]] = {}
    for source in sources:
        by_format.setdefault(source.format, []).append(source)
    return [scan for name, scans in by_format.items() for scan in format_named(name).side_by_side(scans)]


def _without_lone_subjects(sources: Sequence[Source]) -> list[Source]:
    """A subject told by headers alone matters only if several scans are theirs."""
    counts = Counter(source.subject for source in sources)
    return [replace(source, subject="") if counts[source.subject] == 1 else source for source in sources]
