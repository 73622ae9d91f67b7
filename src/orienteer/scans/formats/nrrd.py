"""NRRD: its header is read as text first, to find compressed voxels whose checksum ITK does not compare."""

import math
import re
from pathlib import Path

import SimpleITK as sitk

from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.compression import StoredVoxels
from orienteer.scans.formats.data_files import guard_data_files
from orienteer.scans.formats.itk import ItkFormat

LONGEST_HEADER = 1 << 16
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
        """See :meth:`ItkFormat.stored_voxels`."""
        fields, listed, offset = _fields(path)
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
        if name.startswith("LIST") or "%" in name or not data.is_file():
            return None
        return StoredVoxels(path=data, offset=0, available=data.stat().st_size, packed=packed)

    def orientation_findings(self, reader: sitk.ImageFileReader) -> list[Finding]:
        """See :meth:`ItkFormat.orientation_findings`."""
        if reader.HasMetaDataKey("NRRD_space"):
            return []
        return [finding("orientation-missing", "the header names no space")]


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
