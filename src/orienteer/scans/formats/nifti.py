"""NIfTI-1, NIfTI-2 and Analyze, read by nibabel."""

import errno
import gzip
import io
import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import Header, split_shape, squeeze_shape
from orienteer.scans.formats.limits import FREE_BYTES, guard_size
from orienteer.scans.formats.nifti_forms import (
    LONG,
    PAIR,
    SHORT,
    SINGLE,
    placement_of_analyze,
    placement_of_header,
    raw_header,
    scaling_findings,
    where,
)
from orienteer.scans.placement import Placement
from orienteer.scans.source import Source

GZIP_MAGIC = b"\x1f\x8b"
HEADER_ERRORS = (HeaderDataError, ImageFileError, WrapStructError, ValueError, KeyError, OverflowError)


class _Inflated(io.BufferedReader):
    """A compressed file that cannot be asked for its end.

    nibabel maps a file into memory where it can, and asks for the end first: that would inflate all of a bomb,
    and map the compressed bytes of a scan that does not compress as if they were its voxels.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """From the start or from here."""
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end of a compressed file is not known")
        return super().seek(offset, whence)


class NiftiFormat(Format[Header]):
    """``.nii``, ``.nii.gz``, and ``.hdr`` with ``.img``: NIfTI-1, NIfTI-2 and Analyze."""

    name = "NIfTI"
    extensions = (".nii", ".nii.gz", ".hdr")
    detached_extensions = (".hdr",)
    data_extensions = (".img",)

    def read_header(self, source: Source) -> Header:
        """See ``Format.read_header``."""
        path = source.paths[0]
        pair = _is_pair(path)
        image = _load_pair(path) if pair else _load_single(path)
        header, full = image.header, tuple(int(n) for n in image.shape)
        dtype = header.get_data_dtype()
        data = _image_file(path) if pair else path
        packed = _is_gzip(data)
        # The header's own vox_offset is set to 0 by nibabel once it is read.
        available = data.stat().st_size - (0 if packed else int(image.dataobj.offset))
        guard_size(data, full, dtype.itemsize, available=max(available, 0), packed=packed, sparse=source.sparse)
        found = _named_wrongly(path, packed)
        squeezed = squeeze_shape(full)
        if squeezed != full:
            found.append(finding("trailing-axis", f"stored as {'x'.join(map(str, full))}"))
        raw = raw_header(_start(path))
        affine, about = where(image, raw)
        found += about + (scaling_findings(raw) if hasattr(header, "get_sform") else [])
        # The fifth axis is NIfTI's place for the values of one voxel.
        shape, volumes = split_shape(squeezed[:4])
        return Header(
            shape=shape,
            dtype="complex" if dtype.kind == "c" else "rgb" if dtype.fields else dtype.newbyteorder("=").name,
            components=len(dtype.fields) if dtype.fields else math.prod(squeezed[4:]),
            volumes=volumes,
            channels=volumes if source.volumes == "channels" else 1,
            affine=np.asarray(affine, dtype=np.float64),
            findings=tuple(found),
        )

    def placement(self, source: Source, volume: Volume) -> Placement:
        """See ``Format.placement``: the header's own, also of readers who believe another part of it."""
        raw = raw_header(_start(source.paths[0]))
        return placement_of_header(raw) if _is_nifti(raw) else placement_of_analyze(_load_pair(source.paths[0]), raw)

    def read_voxels(self, source: Source, header: Header) -> NDArray:
        """See ``Format.read_voxels``; of several volumes the first ones.

        Integers stay integers when the header scales by one.
        """
        path = source.paths[0]
        try:
            if _is_pair(path):
                return _volumes(_load_pair(path), header)
            with _stream(path) as stream:
                image = _image(path, stream)
                array = _volumes(image, header)
                left = math.prod(image.shape) - array.size
                _read_to_the_end(path, stream, FREE_BYTES + left * image.header.get_data_dtype().itemsize)
                return array
        except (EOFError, zlib.error, gzip.BadGzipFile, OSError) as error:
            raise _cut(path, error) from None


def _is_pair(path: Path) -> bool:
    return path.suffix.lower() == ".hdr"


def _load_single(path: Path) -> Any:
    with _stream(path) as stream:
        return _image(path, stream)


def _image(path: Path, stream: BinaryIO) -> Any:
    """The image whose voxels are still in ``stream``; the header's own size tells NIfTI-1 from 2."""
    try:
        start = stream.read(SHORT)
        stream.seek(0)
        size = {int.from_bytes(start[:4], order) for order in ("little", "big")}
        kind = SINGLE[2 if LONG in size else 1]
        if not size & {SHORT, LONG}:
            raise refusal("not-a-scan", f"{path.name}: {_likely(start)}, not NIfTI")
        if len(start) < SHORT:
            raise refusal("truncated", f"{path.name}: the file ends in its header")
        _guard_offset(path, start + stream.read(LONG - SHORT), kind)
        stream.seek(0)
        return kind.from_stream(stream)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _cut(path, error) from None
    except HEADER_ERRORS as error:
        raise refusal("unreadable", f"{path.name}: {_line(error)}") from None


def _guard_offset(path: Path, start: bytes, kind: Any) -> None:
    """Everything before the voxels is read or inflated by nibabel, extensions of any length among it."""
    size = kind.header_class.sizeof_hdr
    offset = float(kind.header_class(start[:size].ljust(size, b"\0"), check=False)["vox_offset"])
    if not 0 <= offset <= FREE_BYTES:
        raise refusal("unreadable", f"{path.name}: the voxels are said to begin at byte {offset:.4g}")


def _load_pair(path: Path) -> Any:
    guard_fetched(_image_file(path))
    if not _image_file(path).is_file():
        raise refusal("companion-missing", f"{path.name}: no {path.with_suffix('.img').name} beside it")
    try:
        raw = raw_header(_start(path))
        kind = PAIR[2 if isinstance(raw, nibabel.Nifti2Header) else 1] if _is_nifti(raw) else nibabel
        return kind.load(path)
    except HEADER_ERRORS as error:
        raise refusal("unreadable", f"{path.name}: {_line(error)}") from None


def _volumes(image: Any, header: Header) -> NDArray:
    """The first volumes as ``(C, X, Y, Z)``; the others are not brought into memory."""
    data = image.dataobj
    if len(image.shape) > 3:
        data = data[(..., slice(header.channels), *(0 for _ in image.shape[4:]))]
    array: NDArray = np.asanyarray(data)
    return np.moveaxis(array.reshape((*header.shape, header.channels), order="F"), -1, 0)


def _start(path: Path) -> bytes:
    """What holds the header."""
    with _stream(path) as stream:
        return stream.read(LONG)


def _is_nifti(raw: Any) -> bool:
    """Whether it is no Analyze header, which has the same size."""
    return bytes(raw["magic"].item())[:3] in (b"n+1", b"ni1", b"n+2", b"ni2")


def _read_to_the_end(path: Path, stream: BinaryIO, allowed: int) -> None:
    """A gzip checksum is only compared at the end of the stream, which the voxels need not reach.

    Raises:
        ScanError: more than ``allowed`` bytes come out of a compressed file.
    """
    packed, behind = _is_gzip(path), 0
    while rest := stream.read(1 << 20):
        behind += len(rest)
        if packed and behind > allowed:
            raise refusal("inflates-too-far", f"{path.name}: grows far beyond its voxels")


def _stream(path: Path) -> BinaryIO:
    # By content, not by name: a compressed file may have lost its .gz and the reverse.
    if _is_gzip(path):
        return _Inflated(gzip.GzipFile(path, "rb"))
    return path.open("rb")


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == GZIP_MAGIC


def _image_file(path: Path) -> Path:
    upper = path.with_suffix(".IMG")
    return upper if upper.is_file() else path.with_suffix(".img")


def _cut(path: Path, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return MemoryError(str(error))  # the machine's trouble, not the file's
    if isinstance(error, EOFError) or "end-of-stream" in str(error) or "Expected" in str(error):
        return refusal("truncated", f"{path.name}: the data ends before the last voxel")
    return refusal("damaged", f"{path.name}: {_line(error)}")


def _named_wrongly(path: Path, packed: bool) -> list[Finding]:
    if packed == path.name.lower().endswith(".gz") or _is_pair(path):
        return []
    return [finding("misnamed", f"{path.name} is {'' if packed else 'not '}compressed")]


def _likely(start: bytes) -> str:
    if not start:
        return "nothing"
    text = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)
    return "text" if text > 0.9 * len(start) else "some other binary file"


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
