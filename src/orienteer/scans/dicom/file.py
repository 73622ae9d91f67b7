"""One DICOM file opened, also one of before the standard's preamble, as GDCM and pydicom's ``force`` do.

A file without "DICM" is only taken for DICOM once it begins as a data set does, and parses to an image.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import VR

from orienteer.scans.findings import refusal
from orienteer.scans.formats.compression import guard_deflated

MAGIC, MAGIC_AT = b"DICM", 128
DEFLATED = DeflatedExplicitVRLittleEndian.encode()
LONGEST_META = 4096
"""Bytes within which a DICOM file names its transfer syntax."""

GROUP_LENGTH = b"\x02\0\0\0UL\x04\0"
"""The first element of the file meta information, before its value."""

FIRST_GROUPS = (0x0002, 0x0008)
"""File meta information, or, where it is missing, what identifies the image: nothing comes before either."""

LONGEST_FIRST = 256
"""Bytes of the first element; those that stand first are numbers, codes and UIDs."""

VRS = {vr.value.encode() for vr in VR if len(vr.value) == 2}


def is_dicom(path: Path) -> bool:
    """Whether the file is DICOM, whatever its name: it says so, or it is an image in all but the preamble.

    Raises:
        OSError: it cannot be read.
    """
    if _has_preamble(path):
        return True
    try:
        open_dataset(path, ["SOPClassUID"])
    except OSError:
        raise
    except Exception:  # pydicom lets struct, zlib, recursion and many more through
        return False
    return True


def open_dataset(path: Path, tags: Sequence[str | int], *, voxels: bool = False) -> Dataset:
    """These tags of one file, with the transfer syntax that it names or is written in.

    Raises:
        InvalidDicomError: it is no DICOM file, or one without a preamble that holds no image.
        ScanError: it is deflated and grows too far.
        OSError: it cannot be read. Whatever else pydicom lets through where the file is damaged.
    """
    preamble = _has_preamble(path)
    if not preamble and not _begins_as_dataset(path):
        raise InvalidDicomError
    _guard_deflated(path, MAGIC_AT + len(MAGIC) if preamble else 0)
    wanted = [*tags, "SOPClassUID", "Rows", "Columns"]
    data = pydicom.dcmread(path, stop_before_pixels=not voxels, specific_tags=wanted, force=not preamble)
    if not preamble and not _is_image(data):
        raise InvalidDicomError
    if not data.file_meta.get("TransferSyntaxUID"):
        data.file_meta.TransferSyntaxUID = _written_in(data)
    return data


def _has_preamble(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC


def _begins_as_dataset(path: Path) -> bool:
    """Whether the first element is one of a data set's, in any of the three ways to write it."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if len(start) < 8:
        return False
    for order in "<>":
        (group,) = struct.unpack_from(f"{order}H", start)
        if group not in FIRST_GROUPS:
            continue
        explicit = start[4:6] in VRS
        if not explicit and order == ">":
            continue  # there is no implicit big endian
        length = struct.unpack_from(f"{order}H", start, 6)[0] if explicit else struct.unpack_from("<I", start, 4)[0]
        if length <= LONGEST_FIRST:
            return True
    return False


def _is_image(data: Dataset) -> bool:
    return bool(data.get("SOPClassUID") or (data.get("Rows") and data.get("Columns")))


def _written_in(data: Dataset) -> UID:
    """The transfer syntax of a file that does not name one: how pydicom found its elements written."""
    if not isinstance(getattr(data, "file_meta", None), FileMetaDataset):
        data.file_meta = FileMetaDataset()
    implicit, little = data.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _guard_deflated(path: Path, meta_at: int) -> None:
    """pydicom inflates a deflated file as a whole, whatever comes out."""
    with path.open("rb") as stream:
        if DEFLATED not in stream.read(LONGEST_META):
            return
        stream.seek(meta_at)
        first, length = struct.unpack("<8sI", stream.read(12))
    if first != GROUP_LENGTH:
        raise refusal("unreadable", f"{path.name}: deflated, and where is not said")
    guard_deflated(path, meta_at + 12 + length)
