"""A NRRD header read as text, to find compressed voxels whose checksum ITK does not compare."""

import math
import re
from pathlib import Path

from orienteer.scans.findings import refusal
from orienteer.scans.formats.companions import guard_companions
from orienteer.scans.formats.packed import Room

LONGEST_HEADER = 1 << 16
NUMBER = re.compile(rb"^[-+]?(\d+\.?\d*|\.\d+|nan|inf)([eE][-+]?\d+)?$", re.IGNORECASE)


def nrrd_room(path: Path) -> Room | None:
    """Where the voxels of ``path`` are; None where the header is unusual and ITK must be trusted."""
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER)
    fields, offset = dict[str, str](), 0
    listed: list[str] = []
    for line in start.splitlines(keepends=True):
        offset += len(line)
        if not line.strip():
            break
        key, colon, value = line.decode("latin-1").partition(": ")
        if "datafile" in fields and fields["datafile"].startswith("LIST"):
            listed.append(line.decode("latin-1").strip())
        elif colon:
            fields[key.strip().lower().replace(" ", "")] = value.strip()
    if "datafile" in fields:
        guard_companions(path, [fields["datafile"], *listed])
    packed = fields.get("encoding") in ("gzip", "gz")
    if fields.get("encoding") in ("ascii", "text", "txt"):
        data = path.parent / fields["datafile"] if "datafile" in fields else path
        _guard_text(data, 0 if "datafile" in fields else offset, fields.get("sizes", ""))
    if "lineskip" in fields or "byteskip" in fields:
        return None
    name = fields.get("datafile")
    if name is None:
        return Room(path=path, offset=offset, available=path.stat().st_size - offset, packed=packed)
    data = path.parent / name
    if name.startswith("LIST") or "%" in name or not data.is_file():
        return None
    return Room(path=data, offset=0, available=data.stat().st_size, packed=packed)


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
