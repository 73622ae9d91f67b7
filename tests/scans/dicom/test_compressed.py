"""Compressed DICOM frames give the voxels that were compressed, or are refused with a code."""

import base64
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    MPEG2MPML,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series
from tests.scans.enhanced_files import enhanced, frame_group

# Of `_picture`, by CharLS 2 (pyjpegls 1.5): nothing else here can write JPEG-LS.
LOSSLESS = (
    "/9j/9wALCwAQAAwBAREA/9oACAEBAAAAAISiVjErGwr66trKvNNJKURERJshDGMQhGZsPPvOuNtEkPc+VLKKJIIe9zihowssookkkggyfONNNM"
    "MLLLLPCguTEpIRkRCQP3wuRkRCQP3z147dOSx89OGzRkwXLFSpiaJkyRIiRIEH3zA28886664444XnW222mmmmmmS4RYYYXXXXXXWLRRVVVVVV"
    "VVVQsGFFE001rWtZWP/Z"
)
NEAR = (
    "/9j/9wALCwAQAAwBAREA/9oACAEBAAIAAIsstMstNNFFGq2lV1RJJJko3Eh5kChRDMyIiIiIYzIiImyMYyMzIjIjHMzMzMjI4hiFEMzMzEFGKJ"
    "JJJIJIIGJIeQ9z3PcUYQxSlIUhCEKEcjuR3dnKO7szs7MxQrMyszMrEiMrKqqyqSD/2Q=="
)


def _picture() -> NDArray[np.uint16]:
    return (np.add.outer(np.arange(16) ** 2 * 3, np.arange(12) * 50) % 1800 + np.arange(12)).astype(np.uint16)


def _by_gdcm(compressor: str) -> Callable[[NDArray, Path], bytes]:
    """A frame compressed by GDCM, cut out of the file it writes."""

    def pack(picture: NDArray, folder: Path) -> bytes:
        path, image = folder / "written.dcm", sitk.GetImageFromArray(picture[None])
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(path))
        writer.SetUseCompression(True)
        writer.SetCompressor(compressor)
        writer.Execute(image)
        packed = _packed(pydicom.dcmread(path))
        path.unlink()
        return packed

    return pack


def _by_pillow(kind: str, **options: object) -> Callable[[NDArray, Path], bytes]:
    def pack(picture: NDArray, _: Path) -> bytes:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, kind, **options)
        return out.getvalue()

    return pack


def _rle(picture: NDArray, folder: Path) -> bytes:
    (path,) = series(folder / "rle", positions=[0], field=lambda _: picture)
    data = pydicom.dcmread(path)
    data.compress(RLELossless)
    path.unlink()
    return _packed(data)


def _packed(data: pydicom.Dataset) -> bytes:
    return pydicom.encaps.get_frame(data.PixelData, 0, number_of_frames=1)


def _fixed(text: str) -> Callable[[NDArray, Path], bytes]:
    return lambda _picture, _folder: base64.b64decode(text)


def _compress(data: pydicom.Dataset, syntax: UID, frames: list[bytes], bits: int = 16) -> None:
    data.file_meta.TransferSyntaxUID = syntax
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit = bits - 1
    data.PixelData = encapsulate(frames)
    data["PixelData"].VR = "OB"


def _series(folder: Path, syntax: UID, packed: bytes, bits: int = 16) -> None:
    for path in series(folder / "s", intercept=-10.0):
        data = pydicom.dcmread(path)
        _compress(data, syntax, [packed], bits)
        data.save_as(path)


WAYS: dict[str, tuple[UID, Callable[[NDArray, Path], bytes], int]] = {
    "RLE": (RLELossless, _rle, 0),
    "JPEG lossless": (JPEGLosslessSV1, _by_gdcm("JPEG"), 0),
    "JPEG-LS": (JPEGLSLossless, _fixed(LOSSLESS), 0),
    "JPEG-LS, nearly lossless": (JPEGLSNearLossless, _fixed(NEAR), 2),
    "JPEG 2000 lossless": (JPEG2000Lossless, _by_gdcm("JPEG2000"), 0),
    "JPEG 2000": (JPEG2000, _by_pillow("JPEG2000", no_jp2=True, irreversible=True), 3),
}


@pytest.mark.parametrize("name", WAYS)
def test_decode__a_series_has_the_voxels_that_were_compressed(tmp_path: Path, name: str) -> None:
    syntax, pack, error = WAYS[name]
    _series(tmp_path, syntax, pack(_picture(), tmp_path))
    (source,) = discover(tmp_path / "s")
    assert inspect(source).usable
    volume = read(source)
    assert volume.array.dtype == np.int32
    expected = np.repeat(_picture()[None].astype(int) - 10, 6, axis=0).T[None]
    assert np.abs(volume.array - expected).max() <= error


def test_decode__baseline_jpeg_of_8_bits(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(16) * 9, np.arange(12) * 8).astype(np.uint8)
    _series(tmp_path, JPEGBaseline8Bit, _by_pillow("JPEG", quality=95)(smooth, tmp_path), bits=8)
    (source,) = discover(tmp_path / "s")
    apart = np.abs(read(source).array[0, :, :, 3].T + 10 - smooth.astype(int))
    assert apart.max() <= 4


@pytest.mark.parametrize("name", ["RLE", "JPEG lossless", "JPEG 2000 lossless"])
def test_decode__frames_of_one_file_are_rescaled_each_by_its_own(tmp_path: Path, name: str) -> None:
    # GDCM would rescale all of them by one slope: the reason why it gets them one by one.
    syntax, pack, _ = WAYS[name]
    pictures = np.stack([_picture() + 7 * n for n in range(4)]).astype(np.uint16)
    slopes = [2.0, 0.5, 3.0, 1.5]
    groups = [frame_group((0, 0, 2 * n), rescale=(slope, n)) for n, slope in enumerate(slopes)]
    path = enhanced(tmp_path / "s" / "a.dcm", groups, pictures)
    data = pydicom.dcmread(path)
    _compress(data, syntax, [pack(picture, tmp_path) for picture in pictures])
    data.save_as(path)
    (source,) = discover(tmp_path / "s")
    expected = [picture * slope + n for n, (picture, slope) in enumerate(zip(pictures, slopes, strict=True))]
    np.testing.assert_allclose(read(source).array[0], np.stack(expected).T)


def test_decode__signed_values_stay_negative(tmp_path: Path) -> None:
    picture = _picture().astype(np.int16) - 900
    packed = _by_gdcm("JPEG2000")(picture, tmp_path)
    for path in series(tmp_path / "s", intercept=0.0):
        data = pydicom.dcmread(path)
        _compress(data, JPEG2000Lossless, [packed])
        data.PixelRepresentation = 1
        data.save_as(path)
    (source,) = discover(tmp_path / "s")
    np.testing.assert_array_equal(read(source).array[0, :, :, 2].T, picture)


def test_decode__inverted_greys_keep_their_values(tmp_path: Path) -> None:
    _series(tmp_path, JPEG2000Lossless, _by_gdcm("JPEG2000")(_picture(), tmp_path))
    for path in (tmp_path / "s").iterdir():
        data = pydicom.dcmread(path)
        data.PhotometricInterpretation = "MONOCHROME1"
        data.save_as(path)
    (source,) = discover(tmp_path / "s")
    np.testing.assert_array_equal(read(source).array[0, :, :, 2].T, _picture().astype(int) - 10)


@pytest.mark.parametrize("syntax", [HTJ2K, MPEG2MPML])
def test_guard_syntax__what_cannot_be_decoded_is_refused(tmp_path: Path, syntax: UID) -> None:
    _series(tmp_path, syntax, b"\xff\x4f\xff\x51" + bytes(60))
    (source,) = discover(tmp_path / "s")
    assert [(f.code, f.level) for f in inspect(source).findings] == [("dicom-compression", "error")]


@pytest.mark.parametrize("name", ["JPEG lossless", "JPEG-LS", "JPEG 2000 lossless"])
def test_guard_size__a_stream_of_another_size_is_refused_before_it_is_decoded(tmp_path: Path, name: str) -> None:
    syntax, pack, _ = WAYS[name]
    packed = bytearray(pack(_picture(), tmp_path))
    if name == "JPEG 2000 lossless":
        struct.pack_into(">2I", packed, 8, 60000, 60000)
    else:
        at = packed.index(b"\xff\xf7" if name == "JPEG-LS" else b"\xff\xc3")
        struct.pack_into(">2H", packed, at + 5, 60000, 60000)
    _series(tmp_path, syntax, bytes(packed))
    (source,) = discover(tmp_path / "s")
    (found,) = inspect(source).findings
    assert found.code == "unreadable" and "60000 x 60000 voxels are compressed" in found.message


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_decode__a_cut_stream_is_reported(tmp_path: Path, name: str, share: float) -> None:
    syntax, pack, _ = WAYS[name]
    packed = pack(_picture(), tmp_path)
    _series(tmp_path, syntax, packed[: int(len(packed) * share) // 2 * 2])
    (source,) = discover(tmp_path / "s")
    info = inspect(source)
    assert not info.usable and all(f.cure for f in info.findings)
