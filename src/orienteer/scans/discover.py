"""Find every scan below a folder, whatever mix of formats it holds."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.scans.catalogue import FETCH
from orienteer.scans.fetched import not_fetched
from orienteer.scans.formats.library_messages import without_messages
from orienteer.scans.formats.registry import (
    format_named,
    format_of,
    is_data_file,
    known_formats,
    recognised_format,
    without_extension,
)
from orienteer.scans.labels.names import LABEL_FOLDER, is_label
from orienteer.scans.source import Skipped, Source, below_root

SIDECARS = (".json", ".tsv", ".csv", ".txt", ".md", ".bval", ".bvec", ".xml", ".html", ".pdf", ".jpg", ".png")
"""Files beside scans: whether they are there or only their links makes no difference to the scans."""


@dataclass(frozen=True)
class Survey:
    """All scans below a folder, and what was skipped, both sorted by path."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...] = ()


def discover(root: Path, exclude: Sequence[Path] = ()) -> list[Source]:
    """Every scan below ``root``, sorted by path; see :func:`survey`.

    Raises:
        OrienteerError: ``root`` is missing or holds no scan.
    """
    return list(survey(root, exclude).sources)


def survey(root: Path, exclude: Sequence[Path] = ()) -> Survey:
    """Search ``root`` and its folders; hidden files, stores and label files are no scans.

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
    sources, skipped = _search(root, exclude)
    if not sources:
        raise OrienteerError(f"no scan in {root}", cure=f"Orienteer reads {known_formats()}")
    return Survey(
        sources=tuple(sorted(_without_lone_subjects(sources), key=lambda source: source.relative)),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.relative)),
    )


def label_files(folder: Path) -> tuple[list[Source], list[Source]]:
    """Files below ``folder`` that are named as labels or lie in a folder of labels, and the others, sorted by path.

    Raises:
        OrienteerError: ``folder`` is missing or holds neither.
    """
    if not folder.exists():
        raise OrienteerError(f"there is no {folder}", cure="check the path of --labels")
    others, skipped = _search(folder)
    named: list[Source] = []
    for skip in skipped:
        path = folder / skip.relative
        if skip.code == "skipped-label-folder":
            found = [source for source in _search(path)[0] if format_named(source.format).one_file_a_scan]
            named += [replace(s, relative=below_root(s.paths[0], folder), root=folder) for s in found]
        elif skip.code == "skipped-label" and (kind := format_of(path)):
            named += [source for source in kind.scans([path], folder) if isinstance(source, Source)]
    if not named and not others:
        raise OrienteerError(f"no label file in {folder}", cure=f"Orienteer reads {known_formats()}")
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
        store = (folder / "manifest.json").is_file() and (folder / "arrays").is_dir()
        if store or (folder != root and LABEL_FOLDER.match(folder.name)):
            skipped.append(Skipped(below_root(folder, root), "skipped-store" if store else "skipped-label-folder"))
            folders.clear()
            continue
        folders[:] = sorted(part for part in folders if not part.startswith("."))
        if folder != root and not folders and not files and format_of(folder):
            skipped.append(Skipped(below_root(folder, root), "skipped-empty-folder"))
        visible = [folder / part for part in sorted(files) if not part.startswith(".")]
        yield [path for path in visible if not excluded or _real(path) not in excluded]


def _real(path: Path) -> Path:
    """Links followed; unlike `Path.resolve`, a link that leads to itself is no error."""
    return Path(os.path.realpath(path))


def _scans_of(root: Path, files: list[Path], skipped: list[Skipped]) -> list[Source]:
    """The scans of one folder: each file goes to its format, and the format makes scans of its files."""
    by_format: dict[str, list[Path]] = {}
    stems = {without_extension(path.name) for path in files if format_of(path)}
    for path in files:
        claimed = format_of(path)
        try:
            if claimed is None and not_fetched(path):
                code = "skipped-format" if path.suffix.lower() in SIDECARS else "skipped-not-fetched"
            elif path.exists() and not path.is_file():
                code = "skipped-no-file"
            elif claimed and claimed.one_file_a_scan and is_label(without_extension(path.name), stems):
                code = "skipped-label"
            elif found := claimed or recognised_format(path):
                by_format.setdefault(found.name, []).append(path)
                continue
            elif is_data_file(path, files):
                continue
            else:
                code = "skipped-format"
        except OSError:
            code = "skipped-file-closed"
        skipped.append(Skipped(below_root(path, root), code))
    scans = [scan for name, paths in by_format.items() for scan in format_named(name).scans(paths, root)]
    skipped += [scan for scan in scans if isinstance(scan, Skipped)]
    return [scan for scan in scans if isinstance(scan, Source)]


def _without_lone_subjects(sources: Sequence[Source]) -> list[Source]:
    """A subject told by headers alone matters only if several scans are theirs."""
    counts = Counter(source.subject for source in sources)
    return [replace(source, subject="") if counts[source.subject] == 1 else source for source in sources]
