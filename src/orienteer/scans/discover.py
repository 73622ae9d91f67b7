"""Find every scan below a folder, whatever mix of formats it holds."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orienteer.errors import OrienteerError, ScanError
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.dicom.header import FileHeader, is_dicom, read_header
from orienteer.scans.dicom.sources import name_the_lonely, sources_of
from orienteer.scans.formats.quiet import quiet
from orienteer.scans.source import Source, without_extension

FORMATS = {
    ".nii.gz": "NIfTI",
    ".nii": "NIfTI",
    ".hdr": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
    ".dcm": "DICOM",
    ".ima": "DICOM",
}
KNOWN = "NIfTI (.nii, .nii.gz, .hdr + .img), NRRD (.nrrd, .nhdr), MetaImage (.mha, .mhd) and DICOM series"
LABEL_FOLDER = re.compile(r"^(labels?|segmentations?|segs?|masks?)(tr|ts|val)?$", re.IGNORECASE)
LABEL_NAME = re.compile(r"^(?P<case>.+?)[-_.](labels?|labelmap|segmentation|seg|masks?)$", re.IGNORECASE)


@dataclass(frozen=True)
class Skipped:
    """A file or folder that is no scan of its own, and why: ``code`` is one of the catalogue's ``skipped-...``."""

    relative: str
    code: str

    @property
    def reason(self) -> str:
        """The code in words."""
        return CATALOGUE[self.code].meaning


@dataclass(frozen=True)
class Survey:
    """All scans below a folder, and what was passed over, both sorted by path."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]


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
        raise OrienteerError(f"there is no {root}", cure="check the path")
    base = root.parent if root.is_file() else root
    skipped: list[Skipped] = []
    excluded = {_real(path) for path in exclude}
    folders = [(base, [root])] if root.is_file() else _walk(root, excluded, skipped)
    sources: list[Source] = []
    with quiet():
        for folder, files in folders:
            sources += _scans_of(base, folder, files, skipped)
    if not sources:
        raise OrienteerError(f"no scan in {root}", cure=f"Orienteer reads {KNOWN}")
    return Survey(
        sources=tuple(sorted(name_the_lonely(sources), key=lambda source: source.relative)),
        skipped=tuple(sorted(skipped, key=lambda skip: skip.relative)),
    )


def _walk(root: Path, excluded: set[Path], skipped: list[Skipped]) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its visible files, links followed once."""
    seen: set[Path] = set()

    def refuse(error: OSError) -> None:
        skipped.append(Skipped(_relative(Path(str(error.filename)), root), "skipped-folder-closed"))

    for name, folders, files in os.walk(root, followlinks=True, onerror=refuse):
        folder = Path(name)
        real = _real(folder)
        if real in seen or real in excluded:
            folders.clear()
            continue
        seen.add(real)
        if (folder / "manifest.json").is_file() and (folder / "arrays").is_dir():
            skipped.append(Skipped(_relative(folder, root), "skipped-store"))
            folders.clear()
            continue
        if folder != root and LABEL_FOLDER.match(folder.name):
            skipped.append(Skipped(_relative(folder, root), "skipped-label-folder"))
            folders.clear()
            continue
        folders[:] = sorted(part for part in folders if not part.startswith("."))
        if folder != root and not folders and not files and _format(folder):
            skipped.append(Skipped(_relative(folder, root), "skipped-empty-folder"))
        visible = [folder / part for part in sorted(files) if not part.startswith(".")]
        yield folder, [path for path in visible if not excluded or _real(path) not in excluded]


def _real(path: Path) -> Path:
    """Links followed; unlike `Path.resolve`, a link that leads to itself is no error."""
    return Path(os.path.realpath(path))


def _scans_of(root: Path, folder: Path, files: list[Path], skipped: list[Skipped]) -> list[Source]:
    sources: list[Source] = []
    slices: list[Path] = []
    stems = {without_extension(path.name) for path in files if _format(path)}
    for path in files:
        kind = _format(path)
        try:
            if path.exists() and not path.is_file():
                skipped.append(Skipped(_relative(path, root), "skipped-no-file"))
                continue
            if kind == "DICOM" or (kind is None and path.name != "DICOMDIR" and is_dicom(path)):
                slices.append(path)
            elif kind is None:
                if not _companion(path, files):
                    skipped.append(Skipped(_relative(path, root), "skipped-format"))
            elif _is_label(path, stems):
                skipped.append(Skipped(_relative(path, root), "skipped-label"))
            else:
                sources.append(Source((path,), kind, _relative(path, root), root))
        except OSError:
            skipped.append(Skipped(_relative(path, root), "skipped-file-closed"))
    return sources + _series_of(root, folder, slices, skipped)


def _series_of(root: Path, folder: Path, paths: list[Path], skipped: list[Skipped]) -> list[Source]:
    """One source a volume, and one for each file whose header cannot be read, so that it is reported."""
    series: dict[str, list[FileHeader]] = defaultdict(list)
    sources = []
    for path in paths:
        try:
            header = read_header(path)
        except ScanError:
            sources.append(Source((path,), "DICOM", _relative(path, root), root))
            continue
        if header.image:
            series[header.series].append(header)
        else:
            skipped.append(Skipped(_relative(path, root), "skipped-dicom"))
    place = _relative(folder, root) if folder != root else root.resolve().name
    for uid, headers in series.items():
        short = hashlib.sha256(uid.encode()).hexdigest()[:8]
        sources += sources_of(headers, place if len(series) == 1 else f"{place}/{short}", root)
    return sources


def _format(path: Path) -> str | None:
    lower = path.name.lower()
    return next((kind for ending, kind in FORMATS.items() if lower.endswith(ending)), None)


def _is_label(path: Path, stems: Iterable[str]) -> bool:
    """``case_label`` is a label only where a ``case...`` that is no label lies beside it."""
    match = LABEL_NAME.match(without_extension(path.name))
    if match is None:
        return False
    return any(stem.startswith(match["case"]) and not LABEL_NAME.match(stem) for stem in stems)


def _companion(path: Path, files: list[Path]) -> bool:
    """Whether the file is the data of a detached header beside it."""
    headers = {".img": (".hdr",), ".raw": (".mhd", ".nhdr"), ".zraw": (".mhd",), ".gz": (".nhdr",)}
    endings = headers.get(path.suffix.lower(), ())
    stem = path.name.split(".")[0]
    return any(f.suffix.lower() in endings and f.name.startswith(stem) for f in files)


def _relative(path: Path, root: Path) -> str:
    # A name that is no valid UTF-8 must still be printable.
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    return os.fsencode(name).decode("utf-8", "backslashreplace")
