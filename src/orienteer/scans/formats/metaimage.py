"""A MetaImage header read as text: enough to tell a cut or orphaned file before ITK is asked.

ITK answers both with one and the same "cannot be read", and prints the reason past the program's back.
"""

from pathlib import Path

from orienteer.scans.findings import refusal
from orienteer.scans.formats.companions import guard_companions
from orienteer.scans.formats.packed import Room

LONGEST_HEADER = 1 << 16
MOST_AXES = 7


def metaimage_room(path: Path) -> Room | None:
    """What the file holds after its header, or its data file holds; None for a list of data files.

    Raises:
        ScanError: the data file is missing, or shorter than the header says.
    """
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
        guard_companions(path, [place, *_lines_after(path, end)] if place.startswith("LIST") else [place])
        return None
    else:
        guard_companions(path, [place])
        data, offset = path.parent / place, 0
        if not data.is_file():
            raise refusal("companion-missing", f"{path.name}: its data file is not beside it")
    available = data.stat().st_size - offset
    announced = fields.get("CompressedDataSize", "")
    if packed and announced.isdigit() and int(announced) > available:
        raise refusal("truncated", f"{path.name}: {int(announced):,} bytes announced, {available:,} bytes in the file")
    return Room(path=data, offset=offset, available=max(available, 0), packed=packed)


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
        key, _, value = line.decode("latin-1").partition("=")
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            break
    return fields, offset
