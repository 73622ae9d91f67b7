"""DICOM series: headers by pydicom, slices put in order by their position and never by their name."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian

from orienteer.errors import ScanError
from orienteer.scans.findings import refusal
from orienteer.scans.opened import LPS_TO_RAS, MAX_VOXELS, Opened
from orienteer.scans.packed import guard_deflated
from orienteer.scans.quiet import native_quiet
from orienteer.scans.series import Slice, stack
from orienteer.scans.source import Source

TAGS = [
    "SOPClassUID", "SeriesInstanceUID", "Modality", "ImageType", "Rows", "Columns", "NumberOfFrames",
    "SamplesPerPixel", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "BitsAllocated",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept",
]  # fmt: skip
"""All that is ever read of a header besides the voxels: nothing that tells who or when."""

DEFLATED = DeflatedExplicitVRLittleEndian.encode()
LONGEST_META = 4096
"""Bytes within which a DICOM file names its transfer syntax."""

NOT_SCANS = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC"}


@dataclass(frozen=True)
class SliceHeader:
    """One file's header, reduced to what a volume needs."""

    path: Path
    series: str
    modality: str
    image: bool
    localiser: bool
    frames: int
    samples: int
    dtype: str
    geometry: Slice


def is_dicom(path: Path) -> bool:
    """Whether the file says it is DICOM, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def read_header(path: Path) -> SliceHeader:
    """Read one file's header, without voxels.

    Raises:
        ScanError: the file is not DICOM or its header is damaged.
    """
    try:
        _guard_deflated(path)
        data = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
        return _header(path, data)
    except InvalidDicomError:
        raise refusal("not-a-scan", f"{path.name}: no DICOM file") from None
    except ScanError:
        raise
    except Exception as error:  # pydicom lets struct, zlib, recursion and many more through
        raise refusal("unreadable", f"{path.name}: damaged DICOM header ({type(error).__name__})") from None


def _guard_deflated(path: Path) -> None:
    """pydicom inflates a deflated file as a whole, whatever comes out."""
    with path.open("rb") as stream:
        if DEFLATED not in stream.read(LONGEST_META):
            return
    meta = pydicom.filereader.read_file_meta_info(path)
    guard_deflated(path, 132 + 12 + int(meta.FileMetaInformationGroupLength))


def _header(path: Path, data: Dataset) -> SliceHeader:
    modality = str(data.get("Modality") or "")
    rows, columns = int(data.get("Rows") or 0), int(data.get("Columns") or 0)
    if not (rows and columns) and modality not in NOT_SCANS:
        raise refusal("unreadable", f"{path.name}: a DICOM header without an image")
    bits, signed = int(data.get("BitsAllocated") or 16), bool(data.get("PixelRepresentation") or 0)
    return SliceHeader(
        path=path,
        series=str(data.get("SeriesInstanceUID") or ""),
        modality=modality,
        image=modality not in NOT_SCANS,
        localiser="LOCALIZER" in [str(part) for part in data.get("ImageType") or ()],
        frames=int(data.get("NumberOfFrames") or 1),
        samples=int(data.get("SamplesPerPixel") or 1),
        dtype=f"{'int' if signed else 'uint'}{bits}",
        geometry=Slice(
            rows=rows,
            columns=columns,
            spacing=_numbers(data.get("PixelSpacing"), 2),
            position=_numbers(data.get("ImagePositionPatient"), 3),
            direction=_numbers(data.get("ImageOrientationPatient"), 6),
        ),
    )


def _numbers(values: object, n: int) -> tuple[float, ...]:
    """``n`` finite numbers, or nothing."""
    if not isinstance(values, (list, tuple, pydicom.multival.MultiValue)) or len(values) != n:
        return ()
    numbers = tuple(float(value) for value in values)
    return numbers if np.isfinite(numbers).all() else ()


def open_dicom(source: Source) -> Opened:
    """Read the headers of a series and lay its slices out in space.

    Raises:
        ScanError: a slice cannot be read, or the slices make no volume.
    """
    headers = [read_header(path) for path in source.paths]
    first = headers[0]
    if any(header.frames > 1 for header in headers):
        raise refusal("dicom-multi-frame", f"{first.frames} frames in {first.path.name}")
    if any(header.localiser for header in headers):
        raise refusal("dicom-localiser", f"{len(headers)} localiser images")
    if len({(header.dtype, header.samples) for header in headers}) > 1:
        raise refusal("dicom-mixed", "the slices differ in data type")
    stacked = stack([header.geometry for header in headers])
    shape = (first.geometry.columns, first.geometry.rows, len(headers))
    if np.prod(shape, dtype=np.float64) > MAX_VOXELS:
        raise refusal("too-large", f"the series holds {'x'.join(map(str, shape))} voxels")
    ordered = tuple(headers[index].path for index in stacked.order)
    return Opened(
        shape=shape,
        dtype=first.dtype,
        components=first.samples,
        affine=LPS_TO_RAS @ stacked.affine,
        voxels=partial(_voxels, ordered, shape),
        modality=first.modality,
        findings=stacked.findings,
    )


def in_order(headers: list[SliceHeader]) -> list[SliceHeader]:
    """Slices by their position along the normal; by name only where no position is known."""
    if all(header.geometry.position and header.geometry.direction for header in headers):
        normal = headers[0].geometry.normal
        return sorted(headers, key=lambda header: (header.geometry.along(normal), header.path.name))
    return sorted(headers, key=lambda header: header.path.name)


def _voxels(paths: tuple[Path, ...], shape: tuple[int, int, int]) -> NDArray:
    """``(1, columns, rows, slices)``, each slice rescaled by its own slope and intercept."""
    slices = [_pixels(path) for path in paths]
    for path, pixels in zip(paths, slices, strict=True):
        if pixels.shape != (shape[1], shape[0]):
            raise refusal("dicom-mixed", f"{path.name}: {pixels.shape} voxels, unlike its series")
    return np.stack(slices).T[None]


def _pixels(path: Path) -> NDArray:
    try:
        data = pydicom.dcmread(path)
        # pydicom decodes what is stored plainly; the compressed syntaxes need GDCM, which SimpleITK carries
        # and which rescales by itself.
        if data.file_meta.TransferSyntaxUID.is_encapsulated:
            with native_quiet():
                image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
            pixels: NDArray = sitk.GetArrayFromImage(image)[0]
            return pixels
        slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
        stored: NDArray = data.pixel_array
    except (
        ValueError,
        EOFError,
        OSError,
        AttributeError,
        KeyError,
        RuntimeError,
        NotImplementedError,
    ) as error:
        short = "expected" in str(error).lower() or "bytes" in str(error).lower()
        code = "truncated" if short else "unreadable"
        raise refusal(code, f"{path.name}: its voxels cannot be decoded") from None
    if slope == 1 and intercept == int(intercept):
        whole: NDArray = stored.astype(np.int32) + int(intercept)
        return whole
    scaled: NDArray = (stored * slope + intercept).astype(np.float32)
    return scaled
