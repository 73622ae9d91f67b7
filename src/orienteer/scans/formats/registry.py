"""The file formats there are. Everything that asks about extensions, companions or readers asks here.

Adding one is a file beside these and a line in ``SHIPPED``, or, in a package of its own, an entry point
``orienteer.formats``: see docs/how-to/add-a-format.md.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orienteer.errors import OrienteerError
from orienteer.registry import Registry
from orienteer.scans.labels.names import any_begins

if TYPE_CHECKING:
    from orienteer.scans.formats.format import Format

SHIPPED = {
    "NIfTI": "orienteer.scans.formats.nifti:NiftiFormat",
    "NRRD": "orienteer.scans.formats.nrrd:NrrdFormat",
    "MetaImage": "orienteer.scans.formats.metaimage:MetaImageFormat",
    "DICOM": "orienteer.scans.formats.dicom:DicomFormat",
}

FORMATS: "Registry[Format[Any]]" = Registry(
    base="orienteer.scans.formats.format:Format", group="orienteer.formats", shipped=SHIPPED
)


def format_named(name: str) -> "Format[Any]":
    """The format of that name."""
    return FORMATS[name]()


def format_of(path: Path) -> "Format[Any] | None":
    """The format that a file's extension names; None where no format has it."""
    extension = _extension(path.name)
    return _by_extension()[extension] if extension else None


def recognised_format(path: Path) -> "Format[Any] | None":
    """The format of a file that no extension names, by its content; None where no format knows it.

    Raises:
        OSError: the file cannot be read.
    """
    return next((candidate for kind in FORMATS.values() if (candidate := kind()).recognises(path)), None)


def data_files_among(files: Sequence[Path]) -> set[Path]:
    """Which files of one folder hold the voxels of a detached header that lies there."""
    names: dict[str, list[str]] = defaultdict(list)
    for path in files:
        names[path.suffix.lower()].append(path.name)
    ordered = {suffix: sorted(same) for suffix, same in names.items()}
    headers: dict[str, set[str]] = defaultdict(set)
    for kind in FORMATS.values():
        for suffix in kind.data_extensions:
            headers[suffix].update(kind.detached_extensions)
    return {
        path
        for path in files
        for header in headers.get(path.suffix.lower(), ())
        if any_begins(ordered.get(header, ()), path.name.split(".")[0])
    }


def without_extension(name: str) -> str:
    """``a/b.nii.gz`` to ``a/b``; dots that are part of a name stay."""
    extension = _extension(name)
    return name[: len(name) - len(extension)] if len(name) > len(extension) else name


def known_formats() -> str:
    """For a message: every format with its extensions."""
    return ", ".join(f"{name} ({', '.join(kind.extensions)})" for name, kind in FORMATS.items())


def _extension(name: str) -> str:
    lower = name.lower()
    return next((extension for extension in _by_extension() if lower.endswith(extension)), "")


def _by_extension() -> "dict[str, Format[Any]]":
    """Formats by extension, longest extensions first, as ``.nii.gz`` ends in what could be another's."""
    return _owners(tuple(FORMATS.values()))


@cache
def _owners(kinds: tuple[type["Format[Any]"], ...]) -> "dict[str, Format[Any]]":
    owners: dict[str, Format[Any]] = {}
    for kind in kinds:
        for extension in kind.extensions:
            if extension in owners:
                raise OrienteerError(
                    f"the formats {owners[extension].name} and {kind.name} both claim {extension}",
                    cure="uninstall the package that brings one of them",
                )
            owners[extension] = kind()
    return dict(sorted(owners.items(), key=lambda item: -len(item[0])))
