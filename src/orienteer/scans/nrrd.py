"""A NRRD header read as text, to find compressed voxels whose checksum ITK does not compare."""

from pathlib import Path

from orienteer.scans.packed import Room

LONGEST_HEADER = 1 << 16


def nrrd_room(path: Path) -> Room | None:
    """Where the voxels of ``path`` are; None where the header is unusual and ITK must be trusted."""
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER)
    fields, offset = {}, 0
    for line in start.splitlines(keepends=True):
        offset += len(line)
        if not line.strip():
            break
        key, colon, value = line.decode("latin-1").partition(": ")
        if colon:
            fields[key.strip().lower().replace(" ", "")] = value.strip()
    packed = fields.get("encoding") in ("gzip", "gz")
    if "lineskip" in fields or "byteskip" in fields:
        return None
    name = fields.get("datafile")
    if name is None:
        return Room(path=path, offset=offset, available=path.stat().st_size - offset, packed=packed)
    data = path.parent / name
    if name.startswith("LIST") or "%" in name or not data.is_file():
        return None
    return Room(path=data, offset=0, available=data.stat().st_size, packed=packed)
