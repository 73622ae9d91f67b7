"""NRRD: its header is read as text first, to find compressed voxels whose checksum ITK does not compare."""

import math
import re
from pathlib import Path

from orienteer.errors import ScanError
from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import finding, refusal
from orienteer.scans.formats.compression import StoredVoxels
from orienteer.scans.formats.data_files import guard_data_files
from orienteer.scans.formats.itk import ItkFormat, Said, said

LONGEST_HEADER = 1 << 16
SPACES = {"ras": "right-anterior-superior", "las": "left-anterior-superior", "lps": "left-posterior-superior"}
ANATOMICAL = {name for short, long in SPACES.items() for name in (short, long, f"{short}t", f"{long}-time")}
"""Spaces whose axes are those of the body."""
TIMES = ("", "s", "ms", "sec", "second", "seconds")
NUMBER = re.compile(rb"^[-+]?(\d+\.?\d*|\.\d+|nan|inf)([eE][-+]?\d+)?$", re.IGNORECASE)


class NrrdFormat(ItkFormat):
    """``.nrrd``, and ``.nhdr`` with its data file."""

    name = "NRRD"
    extensions = (".nrrd", ".nhdr")
    magic = (b"NRRD000",)
    detached_extensions = (".nhdr",)
    data_extensions = (".raw", ".gz")
    image_io = "NrrdImageIO"
    other_encodings = True

    def stored_voxels(self, path: Path) -> StoredVoxels | None:
        """See ``ItkFormat.stored_voxels``."""
        fields, listed, offset = _fields(path)
        _guard_directions(path, fields)
        name = fields.get("datafile")
        if name is not None:
            guard_data_files(path, [name, *listed])
        if fields.get("encoding") in ("ascii", "text", "txt"):
            data = path if name is None else path.parent / name
            _guard_text(data, offset if name is None else 0, fields.get("sizes", ""))
        if "lineskip" in fields or "byteskip" in fields:
            return None
        packed = fields.get("encoding") in ("gzip", "gz")
        if name is None:
            return StoredVoxels(path=path, offset=offset, available=path.stat().st_size - offset, packed=packed)
        data = path.parent / name
        guard_fetched(data)
        if name.startswith("LIST") or "%" in name or not data.is_file():
            return None
        return StoredVoxels(path=data, offset=0, available=data.stat().st_size, packed=packed)

    def said(self, path: Path) -> Said:
        """See ``ItkFormat.said``."""
        fields, _, _ = _fields(path)
        directions, found = "spacedirections" in fields, []
        if fields.get("space", "").lower() not in ANATOMICAL or not directions:
            named = "no directions" if "space" in fields and not directions else "no space of the body"
            found.append(finding("orientation-missing", f"the header names {named}"))
        # A voxel size that is NaN is how the format says that there is none; ITK takes 1.
        spacings = [number for number in fields.get("spacings", "").split() if number.lower() != "nan"]
        if not directions and len(spacings) < min(3, len(fields.get("sizes", "").split())):
            found.append(finding("spacing-missing", "the header names no voxel size"))
        if "spaceorigin" not in fields and "axismins" not in fields:
            found.append(finding("origin-missing", "the header names no origin"))
        if any(_is_finite(fields.get(name, "")) for name in ("oldmin", "oldmax")):
            found.append(finding("scaling-ignored", "the header says that the values were quantised"))
        return said(_units(fields), found)


def _guard_directions(path: Path, fields: dict[str, str]) -> None:
    """Refuse a space with voxel sizes and no directions, which NRRD forbids and ITK gives up on.

    Raises:
        ScanError: ``orientation-missing``, with the line that the header wants.
    """
    spacings = fields.get("spacings", "").split()
    mm = [size for size in spacings if _is_finite(size)]
    if not mm or "spacedirections" in fields or not fields.keys() & {"space", "spacedimension"}:
        return
    along = (f"({','.join(size if i == at else '0' for i in range(len(mm)))})" for at, size in enumerate(mm))
    axes = " ".join(next(along) if _is_finite(size) else "none" for size in spacings)
    raise ScanError(
        f"{path.name}: names a space and `spacings`, but no `space directions`, without which NRRD has no place",
        code="orientation-missing",
        cure=f"write `space directions: {axes}` in place of `spacings` if its axes are those of the space",
    )


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _units(fields: dict[str, str]) -> list[str]:
    """Names of the units along the axes of the world; without directions, of the file's axes that have a length."""
    named = fields.get("spaceunits", "") or fields.get("units", "")
    # Read as Latin-1, which every byte is; the sign for micro is often UTF-8.
    named = named.encode("latin-1").decode("utf-8", "replace")
    names = re.findall(r'"([^"]*)"', named)
    if "spaceunits" in fields:
        return names[:3]
    spatial = list(dict.fromkeys(name for name in names if name.lower() not in TIMES))
    return spatial if len(spatial) < 2 else ["several"]


def _fields(path: Path) -> tuple[dict[str, str], list[str], int]:
    """The fields of the header, the data files it lists, and the offset of the byte after it."""
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER)
    fields, offset = dict[str, str](), 0
    listed: list[str] = []
    for line in start.splitlines(keepends=True):
        offset += len(line)
        if not line.strip():
            break
        key, colon, value = line.decode("latin-1").partition(": ")
        if fields.get("datafile", "").startswith("LIST"):
            listed.append(line.decode("latin-1").strip())
        elif colon:
            fields[key.strip().lower().replace(" ", "")] = value.strip()
    return fields, listed, offset


def _guard_text(data: Path, offset: int, sizes: str) -> None:
    """Refuse voxels written as text that are no numbers or too few: ITK ends the process on them.

    Raises:
        ScanError: ``damaged`` or ``truncated``.
    """
    if not data.is_file():
        return
    words = data.read_bytes()[offset:].replace(b",", b" ").split()
    if not all(NUMBER.match(word) for word in words):
        raise refusal("damaged", f"{data.name}: the voxels should be text, and are not numbers")
    if len(words) < math.prod(int(n) for n in sizes.split() if n.isdecimal()):
        raise refusal("truncated", f"{data.name}: the data ends before the last voxel")
