"""One compressed DICOM frame decoded: RLE, JPEG, JPEG lossless, JPEG-LS and JPEG 2000."""

import struct
import tempfile
from pathlib import Path

from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from orienteer.scans.findings import refusal

READABLE = {
    RLELossless, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless,
    JPEGLSNearLossless, JPEG2000Lossless, JPEG2000,
}  # fmt: skip

PIXEL_TAGS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation",
)  # fmt: skip

SIZE_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
"""JPEG's and JPEG-LS's start of a frame, which gives its size."""


def guard_syntax(path: Path, syntax: UID) -> None:
    """Refuse a compression that GDCM does not know, such as high-throughput JPEG 2000 or a film.

    Raises:
        ScanError: ``dicom-compression``.
    """
    if syntax not in READABLE:
        raise refusal("dicom-compression", f"{path.name}: {syntax.name if syntax.is_private is False else syntax}")


def decode(path: Path, data: Dataset, packed: bytes) -> NDArray:
    """``(rows, columns)`` stored values of one frame.

    GDCM rescales a whole file by one slope, and an enhanced file has one for each frame. So it is handed a file of
    this one frame, with nothing in it but what decoding needs.

    Args:
        path: the file it is from, for the message.
        data: its header.
        packed: the frame's compressed bytes.

    Raises:
        ScanError: the compressed frame has another size than the header says.
    """
    import SimpleITK as sitk  # here, as it takes 50 MB, and few files are compressed

    _guard_size(path, packed, int(data.Rows), int(data.Columns))
    with tempfile.TemporaryDirectory() as folder:
        single = Path(folder) / "frame.dcm"
        _single(data, packed).save_as(single, enforce_file_format=True)
        image = sitk.ReadImage(str(single), imageIO="GDCMImageIO")
    pixels: NDArray = sitk.GetArrayFromImage(image)[0]
    return pixels


def _single(data: Dataset, packed: bytes) -> Dataset:
    single = Dataset()
    single.file_meta = FileMetaDataset()
    single.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    single.file_meta.MediaStorageSOPClassUID = single.SOPClassUID = SecondaryCaptureImageStorage
    single.file_meta.MediaStorageSOPInstanceUID = single.SOPInstanceUID = "1.2.3"
    for name in PIXEL_TAGS:
        if name in data:
            single[name] = data[name]
    if single.get("PhotometricInterpretation") == "MONOCHROME1":
        # Which way greys are shown; GDCM would turn the values over.
        single.PhotometricInterpretation = "MONOCHROME2"
    single.PixelData = encapsulate([packed])
    single["PixelData"].VR = "OB"
    return single


def _guard_size(path: Path, packed: bytes, rows: int, columns: int) -> None:
    """Compare the size a compressed stream names with the header's, before anything is allocated for it."""
    size = _named_size(packed)
    if size is not None and size != (rows, columns):
        message = f"{path.name}: {size[0]} x {size[1]} voxels are compressed, the header says {rows} x {columns}"
        raise refusal("unreadable", message)


def _named_size(packed: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 stream; None where it names none."""
    if packed[:4] == b"\xff\x4f\xff\x51":
        right, bottom, left, top = struct.unpack_from(">4I", packed, 8)
        return bottom - top, right - left
    if packed[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(packed) and packed[at] == 0xFF:
        marker, length = packed[at + 1], struct.unpack_from(">H", packed, at + 2)[0]
        if marker in SIZE_MARKERS:
            rows, columns = struct.unpack_from(">2H", packed, at + 5)
            return rows, columns
        at += 2 + length
    return None
