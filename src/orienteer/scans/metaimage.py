"""A MetaImage header read as text: enough to tell a cut or orphaned file before ITK is asked.

ITK answers both with one and the same "cannot be read", and prints the reason past the program's back.
"""

from dataclasses import dataclass
from pathlib import Path

from orienteer.scans.findings import refusal

LONGEST_HEADER = 1 << 16


@dataclass(frozen=True)
class MetaRoom:
    """Bytes there are for voxels, and whether they are compressed."""

    available: int
    packed: bool


def metaimage_room(path: Path) -> MetaRoom | None:
    """What the file holds after its header, or its data file holds; None for a list of data files.

    Raises:
        ScanError: the data file is missing, or shorter than the header says.
    """
    fields, end = _fields(path)
    packed = fields.get("CompressedData", "").lower() == "true"
    place = fields.get("ElementDataFile", "")
    if place == "LOCAL":
        available = path.stat().st_size - end
    elif not place or place.startswith("LIST") or "%" in place:
        return None
    else:
        data = path.parent / place
        if not data.is_file():
            raise refusal("companion-missing", f"{path.name}: its data file is not beside it")
        available = data.stat().st_size
    announced = fields.get("CompressedDataSize", "")
    if packed and announced.isdigit() and int(announced) > available:
        raise refusal(
            "truncated", f"{path.name}: {int(announced):,} bytes announced, {available:,} bytes in the file"
        )
    return MetaRoom(available=max(available, 0), packed=packed)


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
