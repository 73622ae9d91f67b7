"""What the formats that SimpleITK reads have in common; its LPS world becomes RAS."""

import math
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.compression import StoredVoxels, verify_compressed
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import LPS_TO_RAS, Header, split_shape, squeeze_shape
from orienteer.scans.formats.limits import guard_size
from orienteer.scans.formats.units import millimetres, unit_findings
from orienteer.scans.placement import UNKNOWN, Placement
from orienteer.scans.source import Source

if TYPE_CHECKING:  # imported where it reads: it takes 50 MB, which the process that asks a reader does without
    import SimpleITK as sitk


@dataclass(frozen=True, eq=False)
class Said:
    """What a header says of where its voxels lie.

    Attributes:
        mm: ``(3,)`` mm in one of the file's units, along each axis of the world.
        findings: what it leaves unsaid, and what is odd.
    """

    mm: NDArray[np.float64]
    findings: tuple[Finding, ...]

    def to_mm(self, affine: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(4, 4)`` from the file's unit to mm."""
        return affine if (self.mm == 1).all() else np.diag([*self.mm, 1.0]) @ affine


def said(units: Sequence[str], findings: Iterable[Finding]) -> Said:
    """What a header says.

    Args:
        units: names of the units along each axis of the world; one for all, or none.
        findings: about all but the units.
    """
    known = [millimetres(unit) or 1.0 for unit in units]
    mm = np.array(known if len(known) == 3 else [*known, 1.0][:1] * 3)
    return Said(mm, (*(found for unit in dict.fromkeys(units) for found in unit_findings(unit)), *findings))


class ItkFormat(Format[Header]):
    """A format of one file, or of a header and a data file, that SimpleITK reads.

    Attributes:
        image_io: ITK's name for its reader.
        other_encodings: whether voxels may also be written in ways (text, bzip2) that do not say how many they are.
    """

    image_io: ClassVar[str]
    other_encodings: ClassVar[bool] = False
    native = True
    libraries = ("SimpleITK",)

    @abstractmethod
    def stored_voxels(self, path: Path) -> StoredVoxels | None:
        """Where the voxels are; None where the header is unusual and ITK must be trusted.

        Raises:
            ScanError: the header leads elsewhere, or ITK would end the process on it.
        """

    @abstractmethod
    def said(self, path: Path) -> Said:
        """What the header says of unit and place, and what it leaves unsaid: ITK guesses without a word."""

    def placement(self, source: Source, volume: Volume) -> Placement:
        """See ``Format.placement``: in the file's own unit, as ITK knows of none."""
        mm = self.said(source.paths[0]).mm
        if (mm == 1).all():
            return super().placement(source, volume)
        return Placement.of(np.diag([*1 / mm, 1.0]) @ volume.affine, volume.shape, unit=UNKNOWN)

    def read_header(self, source: Source) -> Header:
        """See ``Format.read_header``."""
        path = source.paths[0]
        stored = self.stored_voxels(path)
        reader = self._reader(path)
        full = tuple(int(n) for n in reader.GetSize())
        squeezed, components = squeeze_shape(full), int(reader.GetNumberOfComponents())
        shape, volumes = split_shape(squeezed)
        said = self.said(path)
        found = list(said.findings)
        if squeezed != full:
            found.append(finding("trailing-axis", f"stored as {'x'.join(map(str, full))}"))
        dtype = _dtypes().get(_scalar(reader.GetPixelID()), _odd_dtype(reader))
        guard_size(
            path,
            (*full, components),
            np.dtype(dtype).itemsize if dtype in _dtypes().values() else 1,
            available=stored.available if stored else self._bytes_around(path),
            packed=stored is None or stored.packed or self.other_encodings,
            sparse=source.sparse,
        )
        if _is_list(reader):
            components, volumes = 1, components
        return Header(
            shape=shape,
            dtype="complex" if "complex" in dtype else dtype,
            components=components,
            volumes=volumes,
            channels=volumes if source.volumes == "channels" else 1,
            affine=said.to_mm(_affine(reader)),
            findings=tuple(found),
        )

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        """See ``Format.read_voxels``; of several volumes the first ones."""
        import SimpleITK as sitk

        path = source.paths[0]
        try:
            reader = self._reader(path)
            size, components = reader.GetSize(), reader.GetNumberOfComponents()
            stored = self.stored_voxels(path)
            if stored and stored.packed:
                itemsize = np.dtype(_dtypes()[_scalar(reader.GetPixelID())]).itemsize
                verify_compressed(stored, math.prod((*size, components)) * itemsize)
            if len(size) == 4:
                reader.SetExtractSize((*size[:3], header.channels))
            image = reader.Execute()
        except RuntimeError as error:
            raise self._refuse(path, error) from None
        # SimpleITK's arrays are (volume, Z, Y, X, component); the affine's columns are X, Y, Z.
        array: NDArray = sitk.GetArrayFromImage(image)
        if components > 1:
            return np.moveaxis(array[..., : header.channels], -1, 0).transpose(0, 3, 2, 1)
        return array.reshape(-1, *header.shape[::-1])[: header.channels].transpose(0, 3, 2, 1)

    def _reader(self, path: Path) -> "sitk.ImageFileReader":
        import SimpleITK as sitk

        reader = sitk.ImageFileReader()
        reader.SetImageIO(self.image_io)
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise self._refuse(path, error) from None
        return reader

    def _bytes_around(self, path: Path) -> int:
        """Bytes that could hold the voxels: the file, or all files beside a detached header."""
        if path.suffix.lower() in self.detached_extensions:
            return sum(other.stat().st_size for other in path.parent.iterdir() if other.is_file())
        return path.stat().st_size

    def _refuse(self, path: Path, error: RuntimeError) -> Exception:
        text = str(error)
        if path.suffix.lower() in self.detached_extensions and ("open" in text or "exist" in text):
            return refusal("companion-missing", f"{path.name}: its data file cannot be opened")
        if "fread got only" in text or "but received" in text:
            return refusal("truncated", f"{path.name}: the data ends before the last voxel")
        if "number of domain axes" in text:
            message = f"{path.name}: its volumes lie along an axis that is neither in space nor a list"
            return refusal("four-dimensional", message)
        if "_nrrdEncodingGzip" in text:
            return refusal("damaged", f"{path.name}: the compressed voxels are damaged")
        return refusal("unreadable", f"{path.name}: the reader gave up on it")


@cache
def _dtypes() -> dict[int, str]:
    """Names of voxel types by SimpleITK's numbers."""
    import SimpleITK as sitk

    return {
        sitk.sitkUInt8: "uint8", sitk.sitkInt8: "int8", sitk.sitkUInt16: "uint16", sitk.sitkInt16: "int16",
        sitk.sitkUInt32: "uint32", sitk.sitkInt32: "int32", sitk.sitkUInt64: "uint64", sitk.sitkInt64: "int64",
        sitk.sitkFloat32: "float32", sitk.sitkFloat64: "float64",
    }  # fmt: skip


def _odd_dtype(reader: "sitk.ImageFileReader") -> str:
    import SimpleITK as sitk

    return str(sitk.GetPixelIDValueAsString(reader.GetPixelID()))


def _is_list(reader: "sitk.ImageFileReader") -> bool:
    """Whether a NRRD file's values of one voxel are volumes (diffusion, time), not a colour or a vector."""
    kind = "NRRD_kinds[pixel]"
    return bool(reader.HasMetaDataKey(kind)) and str(reader.GetMetaData(kind)) == "list"


def _affine(reader: "sitk.ImageFileReader") -> NDArray[np.float64]:
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
    import SimpleITK as sitk

    return pixel - sitk.sitkVectorUInt8 + sitk.sitkUInt8 if pixel >= sitk.sitkVectorUInt8 else pixel
