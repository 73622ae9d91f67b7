"""NRRD and MetaImage, read by SimpleITK; its LPS world becomes RAS."""

import math
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.metaimage import metaimage_room
from orienteer.scans.formats.nrrd import nrrd_room
from orienteer.scans.formats.opened import LPS_TO_RAS, Opened, guard_size, split_shape, squeeze_shape
from orienteer.scans.formats.packed import Room, verify_packed
from orienteer.scans.formats.quiet import native_quiet
from orienteer.scans.source import Source

DTYPES = {
    sitk.sitkUInt8: "uint8", sitk.sitkInt8: "int8", sitk.sitkUInt16: "uint16", sitk.sitkInt16: "int16",
    sitk.sitkUInt32: "uint32", sitk.sitkInt32: "int32", sitk.sitkUInt64: "uint64", sitk.sitkInt64: "int64",
    sitk.sitkFloat32: "float32", sitk.sitkFloat64: "float64",
}  # fmt: skip
IMAGE_IO = {"NRRD": "NrrdImageIO", "MetaImage": "MetaImageIO"}
MAGIC = {"NRRD": (b"NRRD000",), "MetaImage": (b"ObjectType", b"NDims", b"Comment", b"TransformType", b"ID")}


def open_itk(source: Source) -> Opened:
    """Read the header of a NRRD or MetaImage scan.

    Raises:
        ScanError: the file is something else, is cut, or its header is absurd.
    """
    path = source.paths[0]
    _guard_kind(path, source.format)
    room = _room(path, source.format)
    reader = _reader(path, source.format)
    full = tuple(int(n) for n in reader.GetSize())
    squeezed, components = squeeze_shape(full), int(reader.GetNumberOfComponents())
    shape, volumes = split_shape(squeezed)
    found: list[Finding] = []
    if source.format == "NRRD" and not reader.HasMetaDataKey("NRRD_space"):
        found.append(finding("orientation-missing", "the header names no space"))
    if squeezed != full:
        found.append(finding("trailing-axis", f"stored as {'x'.join(map(str, full))}"))
    dtype = DTYPES.get(_scalar(reader.GetPixelID()), sitk.GetPixelIDValueAsString(reader.GetPixelID()))
    itemsize = np.dtype(dtype).itemsize if dtype in DTYPES.values() else 1
    guard_size(
        path,
        (*full, components),
        itemsize,
        available=room.available if room else _bytes_around(path),
        # Text and bzip2 are NRRD's other encodings: neither says how long the voxels are.
        packed=room.packed or source.format == "NRRD" if room else True,
        sparse=source.sparse,
    )
    if _is_list(reader):
        components, volumes = 1, components
    channels = volumes if source.volumes == "channels" else 1
    return Opened(
        shape=shape,
        dtype="complex" if "complex" in dtype else dtype,
        components=components,
        volumes=volumes,
        channels=channels,
        affine=_affine(reader),
        voxels=lambda: _voxels(path, source.format, shape, channels),
        findings=tuple(found),
    )


def _room(path: Path, kind: str) -> Room | None:
    return metaimage_room(path) if kind == "MetaImage" else nrrd_room(path)


def _guard_kind(path: Path, kind: str) -> None:
    with path.open("rb") as stream:
        start = stream.read(256)
    if not start.lstrip().startswith(MAGIC[kind]):
        raise refusal("not-a-scan", f"{path.name}: the first line is not that of a {kind} file")


def _reader(path: Path, kind: str) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetImageIO(IMAGE_IO[kind])
    reader.SetFileName(str(path))
    try:
        with native_quiet():
            reader.ReadImageInformation()
    except RuntimeError as error:
        raise _refuse(path, error) from None
    return reader


def _is_list(reader: sitk.ImageFileReader) -> bool:
    """Whether a NRRD file's values of one voxel are volumes (diffusion, time), not a colour or a vector."""
    kind = "NRRD_kinds[pixel]"
    return bool(reader.HasMetaDataKey(kind)) and str(reader.GetMetaData(kind)) == "list"


def _voxels(path: Path, kind: str, shape: tuple[int, ...], channels: int) -> NDArray:
    """``(C, X, Y, Z)``, the first volumes."""
    try:
        reader = _reader(path, kind)
        size, components = reader.GetSize(), reader.GetNumberOfComponents()
        room = _room(path, kind)
        if room and room.packed:
            itemsize = np.dtype(DTYPES[_scalar(reader.GetPixelID())]).itemsize
            verify_packed(room, math.prod((*size, components)) * itemsize)
        if len(size) == 4:
            reader.SetExtractSize((*size[:3], channels))
        with native_quiet():
            image = reader.Execute()
    except RuntimeError as error:
        raise _refuse(path, error) from None
    # SimpleITK's arrays are (volume, Z, Y, X, component); the affine's columns are X, Y, Z.
    array: NDArray = sitk.GetArrayFromImage(image)
    if components > 1:
        return np.moveaxis(array[..., :channels], -1, 0).transpose(0, 3, 2, 1)
    return array.reshape(-1, *shape[::-1])[:channels].transpose(0, 3, 2, 1)


def _affine(reader: sitk.ImageFileReader) -> NDArray[np.float64]:
    n = reader.GetDimension()
    if n < 3:
        return np.eye(4)
    direction = np.asarray(reader.GetDirection(), dtype=float).reshape(n, n)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.asarray(reader.GetSpacing(), dtype=float)[:3]
    affine[:3, 3] = reader.GetOrigin()[:3]
    return LPS_TO_RAS @ affine


def _scalar(pixel: int) -> int:
    """The scalar type below a vector type; SimpleITK numbers both in one order."""
    return pixel - sitk.sitkVectorUInt8 + sitk.sitkUInt8 if pixel >= sitk.sitkVectorUInt8 else pixel


def _bytes_around(path: Path) -> int:
    """Bytes that could hold the voxels: the file, or all files beside a detached header."""
    if path.suffix.lower() in (".mhd", ".nhdr"):
        return sum(other.stat().st_size for other in path.parent.iterdir() if other.is_file())
    return path.stat().st_size


def _refuse(path: Path, error: RuntimeError) -> Exception:
    text = str(error)
    if path.suffix.lower() in (".mhd", ".nhdr") and ("open" in text or "exist" in text):
        return refusal("companion-missing", f"{path.name}: its data file cannot be opened")
    if "fread got only" in text or "but received" in text:
        return refusal("truncated", f"{path.name}: the data ends before the last voxel")
    if "number of domain axes" in text:
        message = f"{path.name}: its volumes lie along an axis that is neither in space nor a list"
        return refusal("four-dimensional", message)
    if "_nrrdEncodingGzip" in text:
        return refusal("damaged", f"{path.name}: the compressed voxels are damaged")
    return refusal("unreadable", f"{path.name}: the reader gave up on it")
