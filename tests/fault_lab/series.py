"""What a folder of DICOM slices can suffer: lost, doubled, foreign and lying slices."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, JPEGBaseline8Bit, generate_uid

from tests.fault_lab.damage import BLOCK, zlib_zeros

FolderChange = Callable[[list[Path]], None]
"""Damages the slices of one series, given in the order of their names."""


def set_tags(which: slice, **values: object) -> FolderChange:
    """Give attributes to some of the files; None takes one away."""

    def change(paths: list[Path]) -> None:
        for path in paths[which]:
            data = pydicom.dcmread(path)
            for name, value in values.items():
                if value is None:
                    del data[name]
                else:
                    setattr(data, name, value)
            data.save_as(path)

    return change


def _raw(old: bytes, new: bytes) -> FolderChange:
    """Replace bytes pydicom would not write."""

    def change(paths: list[Path]) -> None:
        for path in paths:
            path.write_bytes(path.read_bytes().replace(old, new))

    return change


def _lose(*paths: Path) -> None:
    for path in paths:
        path.unlink()


def _no_preamble(paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes()[132:])


def _copy(paths: list[Path]) -> None:
    shutil.copy(paths[1], paths[1].with_name("copy.dcm"))


def _foreign(paths: list[Path]) -> None:
    for path in paths[: len(paths) // 2]:
        data = pydicom.dcmread(path)
        data.SeriesInstanceUID = "1.2.3.4"
        data.save_as(path)


def _syntax(uid: str) -> FolderChange:
    def change(paths: list[Path]) -> None:
        for path in paths:
            data = path.read_bytes()
            old = str(pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID).encode()
            room = len(old) + len(old) % 2
            at = data.index(old)
            path.write_bytes(data[:at] + uid.encode()[:room].ljust(room, b"\0") + data[at + room :])

    return change


def _deflated_bomb(paths: list[Path]) -> None:
    data = pydicom.dcmread(paths[0])
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(paths[0])
    whole = paths[0].read_bytes()
    start = 132 + 12 + pydicom.filereader.read_file_meta_info(paths[0]).FileMetaInformationGroupLength
    paths[0].write_bytes(whole[:start] + zlib_zeros(2**29 // BLOCK)[2:-4])


def _nested(paths: list[Path]) -> None:
    """Sequences within sequences, far deeper than Python recurses."""
    data = pydicom.dcmread(paths[0])
    inner = b""
    for _ in range(3000):
        item = b"\xfe\xff\x00\xe0" + b"\xff\xff\xff\xff" + inner + b"\xfe\xff\x0d\xe0\0\0\0\0"
        inner = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    paths[0].write_bytes(paths[0].read_bytes()[: _dataset(paths[0])] + inner + _body(data))


def _dataset(path: Path) -> int:
    return 132 + 12 + int(pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength)


def _body(data: Dataset) -> bytes:
    path = Path(data.filename)
    return path.read_bytes()[_dataset(path) :]


def _empty_sequence(paths: list[Path]) -> None:
    data = pydicom.dcmread(paths[0])
    data.ReferencedImageSequence = Sequence([Dataset()] * 5)
    data.save_as(paths[0])


SERIES: dict[str, tuple[bool, FolderChange]] = {
    "a slice lost": (True, lambda paths: _lose(paths[2])),
    "two slices lost": (True, lambda paths: _lose(paths[1], paths[3])),
    "first slice lost": (False, lambda paths: _lose(paths[0])),
    "a slice copied": (True, _copy),
    "all but one lost": (True, lambda paths: _lose(*paths[1:])),
    "two series mixed": (False, _foreign),
    "a slice without position": (True, set_tags(slice(2, 3), ImagePositionPatient=None)),
    "no positions": (True, set_tags(slice(None), ImagePositionPatient=None)),
    "no directions": (True, set_tags(slice(None), ImageOrientationPatient=None)),
    "no spacing": (True, set_tags(slice(None), PixelSpacing=None)),
    "no series": (False, set_tags(slice(None), SeriesInstanceUID=None)),
    "no rows": (True, set_tags(slice(2, 3), Rows=None)),
    "no voxels": (True, set_tags(slice(2, 3), PixelData=None)),
    "empty voxels": (True, set_tags(slice(2, 3), PixelData=b"")),
    "no photometry": (False, set_tags(slice(None), PhotometricInterpretation=None)),
    "palette colour": (True, set_tags(slice(None), PhotometricInterpretation="PALETTE COLOR")),
    "inverted greys": (False, set_tags(slice(None), PhotometricInterpretation="MONOCHROME1")),
    "65535 rows": (True, set_tags(slice(None), Rows=65535, Columns=65535)),
    "one slice of 65535 rows": (True, set_tags(slice(2, 3), Rows=65535)),
    "0 rows": (True, set_tags(slice(None), Rows=0)),
    "0 bits": (False, set_tags(slice(None), BitsAllocated=0)),
    "7 bits": (True, set_tags(slice(None), BitsAllocated=7)),
    "64 bits": (True, set_tags(slice(None), BitsAllocated=64, BitsStored=64, HighBit=63)),
    "stored bits of 99": (False, set_tags(slice(None), BitsStored=99)),
    "2^31 frames": (True, set_tags(slice(None), NumberOfFrames=2**31 - 1)),
    "-3 frames": (False, set_tags(slice(None), NumberOfFrames=-3)),
    "0 samples": (False, set_tags(slice(None), SamplesPerPixel=0)),
    "255 samples": (True, set_tags(slice(None), SamplesPerPixel=255)),
    "one slice signed": (True, set_tags(slice(2, 3), PixelRepresentation=1)),
    "spacing zero": (True, set_tags(slice(None), PixelSpacing=[0, 0])),
    "spacing negative": (True, set_tags(slice(None), PixelSpacing=[-1, -1])),
    "spacing of 49 mm": (False, set_tags(slice(None), PixelSpacing=[49, 49])),
    "directions zero": (True, set_tags(slice(None), ImageOrientationPatient=[0, 0, 0, 0, 0, 0])),
    "directions the same": (True, set_tags(slice(None), ImageOrientationPatient=[1, 0, 0, 1, 0, 0])),
    "directions too long": (True, set_tags(slice(None), ImageOrientationPatient=[3, 0, 0, 0, 3, 0])),
    "directions at 45 degrees": (True, set_tags(slice(None), ImageOrientationPatient=[1, 0, 0, 0.7071, 0.7071, 0])),
    "one slice turned": (True, set_tags(slice(2, 3), ImageOrientationPatient=[0, 1, 0, 1, 0, 0])),
    "one slice coarser": (True, set_tags(slice(2, 3), PixelSpacing=[9, 9])),
    "one slice shifted 5 mm across": (True, set_tags(slice(2, 3), ImagePositionPatient=[-25, -40, 4])),
    "positions of 1e30": (True, set_tags(slice(2, 3), ImagePositionPatient=[1e30, 1e30, 1e30])),
    "slope 0": (True, set_tags(slice(None), RescaleSlope=0)),
    "slope 1e38": (True, set_tags(slice(None), RescaleSlope=1e38, RescaleIntercept=1e38)),
    "slope missing in one": (False, set_tags(slice(2, 3), RescaleSlope=None)),
    "slope no number": (True, _raw(b"\x28\x00\x53\x10DS\x02\x00", b"\x28\x00\x53\x10LO\x02\x00")),
    "said to be JPEG": (True, _syntax(JPEGBaseline8Bit)),
    "said to be big-endian": (True, _syntax(ExplicitVRBigEndian)),
    "said to be deflated": (True, _syntax(DeflatedExplicitVRLittleEndian)),
    "said to be nothing known": (True, _syntax("1.2.840.10008.1.2.9")),
    "implicit said": (True, _syntax("1.2.840.10008.1.2")),
    "deflated, 0.5 GiB of zeros": (False, _deflated_bomb),
    "sequences 3000 deep": (False, _nested),
    "sequences empty": (False, _empty_sequence),
    "no preamble": (False, _no_preamble),
    "another instance": (False, set_tags(slice(0, 1), SOPInstanceUID=generate_uid(entropy_srcs=["x"]))),
}
"""What is wrong, to whether it must be reported, and how it is done."""
