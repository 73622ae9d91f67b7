"""MetaImage: its header is read as text first, enough to tell a cut or orphaned file before ITK is asked.

ITK answers both with one and the same "cannot be read", and prints the reason past the program's back.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from numpy.typing import NDArray

from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.compression import StoredVoxels
from orienteer.scans.formats.data_files import guard_data_files
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.itk import ItkFormat, Said, said
from orienteer.scans.source import Source

LONGEST_HEADER = 1 << 16
MOST_AXES = 7
DIRECTIONS = {"TransformMatrix", "Rotation", "Orientation"}
ORIGINS = {"Offset", "Position", "Origin"}
SLOPE, OFFSET = "ElementToIntensityFunctionSlope", "ElementToIntensityFunctionOffset"
SEPARATOR = re.compile(r"[=:]")


class MetaImageFormat(ItkFormat):
    """``.mha``, and ``.mhd`` with its data file."""

    name = "MetaImage"
    extensions = (".mha", ".mhd")
    magic = (b"ObjectType", b"NDims", b"Comment", b"TransformType", b"ID")
    detached_extensions = (".mhd",)
    data_extensions = (".raw", ".zraw")
    image_io = "MetaImageIO"
    reading = 2  # slope and offset are applied

    def stored_voxels(self, path: Path) -> StoredVoxels | None:
        """See ``ItkFormat.stored_voxels``; None for a list of data files."""
        fields, end = _fields(path)
        dimensions = fields.get("NDims", "")
        # ITK ends the whole process on some numbers it cannot handle.
        if not dimensions.isdecimal() or not 1 <= int(dimensions[:9]) <= MOST_AXES:
            raise refusal("unreadable", f"{path.name}: its header names no sensible number of axes")
        packed = fields.get("CompressedData", "").lower() == "true"
        place = fields.get("ElementDataFile", "")
        if place == "LOCAL":
            data, offset = path, end
        elif not place or place.startswith("LIST") or "%" in place:
            guard_data_files(path, [place, *_lines_after(path, end)] if place.startswith("LIST") else [place])
            return None
        else:
            guard_data_files(path, [place])
            data, offset = path.parent / place, 0
            guard_fetched(data)
            if not data.is_file():
                raise refusal("companion-missing", f"{path.name}: its data file is not beside it")
        available = data.stat().st_size - offset
        announced = fields.get("CompressedDataSize", "")
        if packed and announced.isdigit() and int(announced) > available:
            message = f"{path.name}: {int(announced):,} bytes announced, {available:,} bytes in the file"
            raise refusal("truncated", message)
        return StoredVoxels(path=data, offset=offset, available=max(available, 0), packed=packed)

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        """See ``Format.read_voxels``; ITK reads a slope and an offset, and gives the stored values."""
        array = super().read_voxels(source, header)
        slope, offset, _ = _scaling(_fields(source.paths[0])[0])
        return array if (slope, offset) == (1, 0) else array * slope + offset

    def said(self, path: Path) -> Said:
        """See ``ItkFormat.said``."""
        fields, _ = _fields(path)
        found = _spacing_findings(fields.get("ElementSpacing"), fields.get("ElementSize"))
        found += _scaling(fields)[2]
        if not fields.keys() & DIRECTIONS:
            found.append(finding("orientation-missing", "the header names no TransformMatrix"))
        if not fields.keys() & ORIGINS:
            found.append(finding("origin-missing", "the header names no Offset"))
        return said([fields["DistanceUnits"]] if "DistanceUnits" in fields else [], found)


def _spacing_findings(spacing: str | None, size: str | None) -> list[Finding]:
    """ElementSpacing is the distance of voxels, ElementSize the size of the spot that each of them stands for."""
    if spacing is None and size is None:
        return [finding("spacing-missing", "the header names no ElementSpacing")]
    if spacing is None or size is None:
        return [finding("spacing-missing", "ElementSize is taken for ElementSpacing")] if size else []
    if spacing.split() == size.split():
        return []
    return [finding("spacing-disagrees", "ElementSpacing and ElementSize differ, ElementSpacing is used")]


def _scaling(fields: Mapping[str, str]) -> tuple[float, float, list[Finding]]:
    """Slope and offset from stored values to intensities, and what is worth telling of them."""
    try:
        slope, offset = float(fields.get(SLOPE, "1")), float(fields.get(OFFSET, "0"))
    except ValueError:
        slope, offset = math.nan, 0.0
    if slope == 0 or not math.isfinite(slope) or not math.isfinite(offset):
        return 1.0, 0.0, [finding("scaling-damaged", "the header's slope or offset is not a number, or the slope is 0")]
    if (slope, offset) == (1, 0):
        return slope, offset, []
    return (
        slope,
        offset,
        [finding("scaling-applied", f"the header's slope {slope:g} and offset {offset:g} are applied")],
    )


def _lines_after(path: Path, end: int) -> list[str]:
    """The names of a list of data files, which end the header."""
    with path.open("rb") as stream:
        stream.seek(end)
        return stream.read(LONGEST_HEADER).decode("latin-1").splitlines()


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The ``key = value`` lines up to ElementDataFile, and the offset of the byte after them."""
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER)
    fields, offset = {}, 0
    for line in start.splitlines(keepends=True):
        offset += len(line)
        key, *value = SEPARATOR.split(line.decode("latin-1"), maxsplit=1)
        fields[key.strip()] = "".join(value).strip()
        if key.strip() == "ElementDataFile":
            break
    return fields, offset
