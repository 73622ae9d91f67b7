"""Scans written to disk for tests: good ones of every format, bad ones with the finding they must get."""

import gzip
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk
from benchmarks.faults.series import SERIES
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian

from tests.scans.dicom_files import series

AFFINE = np.diag([-2.0, 2.0, 2.5, 1.0])


def voxels(shape: tuple[int, ...] = (12, 14, 10), seed: int = 0) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(0, 1500, shape).astype(np.int16)


def nifti(
    path: Path,
    array: NDArray | None = None,
    affine: NDArray = AFFINE,
    *,
    slope: float = 1,
    intercept: float = 0,
) -> Path:
    """A NIfTI-1 file with sform and qform; ``array`` holds the stored values."""
    image = nibabel.Nifti1Image(voxels() if array is None else array, affine)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    if (slope, intercept) != (1, 0):
        image.header.set_slope_inter(slope, intercept)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def itk(path: Path, array: NDArray | None = None, *, compress: bool = False, vector: bool = False) -> Path:
    """NRRD or MetaImage by extension; ``array`` is (Z, Y, X), turned obliquely."""
    image = sitk.GetImageFromArray(voxels((10, 14, 12)) if array is None else array, isVector=vector)
    if image.GetDimension() == 3:
        turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, -0.1, 0.3)
        image.SetDirection(turn.GetMatrix())
        image.SetSpacing((1.5, 2.0, 2.5))
        image.SetOrigin((-10.0, 20.0, 35.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


def patch(path: Path, offset: int, layout: str, *values: float) -> Path:
    """Overwrite part of an uncompressed file, as a broken exporter would."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, offset, *values)
    path.write_bytes(data)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


@dataclass(frozen=True)
class Bad:
    """One way to be bad, and the code and level it must be given."""

    code: str
    write: Callable[[Path], object]
    level: str = "error"


def _text(folder: Path) -> None:
    (folder / "notes.nii.gz").write_text("this is a note about the scan\n" * 40)


def _zipped_text(folder: Path) -> None:
    (folder / "notes.nii.gz").write_bytes(gzip.compress(b"this is a note about the scan\n" * 40))


def _flipped_bit(folder: Path) -> None:
    path = nifti(folder / "flip.nii.gz", voxels((30, 30, 30)))
    data = bytearray(path.read_bytes())
    data[-6] ^= 1  # inside the trailer's checksum: the stream itself still inflates
    path.write_bytes(data)


def _flipped_bit_far_behind(folder: Path) -> None:
    path = nifti(folder / "flip.nii")
    data = bytearray(gzip.compress(path.read_bytes() + bytes(3_000_000)))
    data[-6] ^= 1
    (folder / "flip.nii.gz").write_bytes(data)
    path.unlink()


def _spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-900:-800] = bytes(100)
    path.write_bytes(data)


def _rewrite(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


def text_nrrd(path: Path, words: int) -> Path:
    """A NRRD of 12 x 10 x 8 voxels written as text."""
    text = " ".join(str(n) for n in range(words))
    header = "type: short\ndimension: 3\nsizes: 12 10 8\nencoding: ascii\nspace: left-posterior-superior\n"
    place = "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
    path.write_text(f"NRRD0004\n{header}{place}\n{text}\n")
    return path


def _no_orientation(folder: Path) -> None:
    path = nifti(folder / "lost.nii")
    patch(path, 252, "<hh", 0, 0)


def _two_orientations(folder: Path) -> None:
    patch(nifti(folder / "two.nii"), 268, "<f", 12.0)  # the qform's offset along R


def _rgb(folder: Path) -> None:
    colour = np.zeros((8, 8, 8), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nibabel.save(nibabel.Nifti1Image(colour, AFFINE), folder / "colour.nii.gz")


def _holes(share: float) -> Callable[[Path], object]:
    def write(folder: Path) -> Path:
        array = voxels().astype(np.float32)
        array.reshape(-1)[: int(array.size * share)] = np.nan
        array[-1, -1, -1] = np.inf
        return nifti(folder / "holes.nii.gz", array)

    return write


def _sheared(folder: Path) -> None:
    affine = AFFINE.copy()
    affine[1, 2] = 0.8
    path = nifti(folder / "sheared.nii", affine=AFFINE)
    patch(path, 296, "<4f", 0, 2.0, 0.8, 0)


def _detached(folder: Path) -> None:
    itk(folder / "half.mhd")
    (folder / "half.raw").unlink()


def _pair_without_data(folder: Path) -> None:
    image = nibabel.Nifti1Pair(voxels(), AFFINE)
    nibabel.save(image, folder / "alone.hdr")
    (folder / "alone.img").unlink()


def _wide_gz(folder: Path) -> None:
    path = nifti(folder / "huge.nii")
    patch(path, 40, "<8h", 3, 32000, 32000, 32000, 1, 1, 1, 1)
    (folder / "huge.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def _bomb_behind(path: Path, blocks: int = 24) -> None:
    """Compressed zeros after the voxels: 4 MiB each."""
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(1 << 22)) * blocks)


def _packed_zeros(folder: Path) -> None:
    """As many voxels as the header says, 128 MiB of them, in 128 KiB."""
    path = patch(nifti(folder / "zeros.nii"), 40, "<8h", 3, 512, 512, 256, 1, 1, 1, 1)
    (folder / "zeros.nii.gz").write_bytes(gzip.compress(path.read_bytes()) + gzip.compress(bytes(1 << 22)) * 32)
    path.unlink()


def deflated(folder: Path, size: int) -> Path:
    """A deflated DICOM file of ``size`` bytes of zeros."""
    (path,) = series(folder, positions=[0])
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)
    start = 144 + pydicom.filereader.read_file_meta_info(path).FileMetaInformationGroupLength
    packer = zlib.compressobj(wbits=-15)
    path.write_bytes(path.read_bytes()[:start] + packer.compress(bytes(size)) + packer.flush())
    return path


def _elsewhere(name: str, key: str, target: str) -> Callable[[Path], object]:
    """A detached header whose voxels are said to be in another folder."""

    def write(folder: Path) -> None:
        path = itk(folder / name)
        text = path.read_text()
        (line,) = [line for line in text.splitlines() if line.startswith(key)]
        path.write_text(text.replace(line, f"{key}{target}"))

    return write


def _twice(folder: Path) -> None:
    nifti(folder / "same.nii.gz", voxels(seed=1))
    itk(folder / "same.nrrd")


def _copied(folder: Path) -> None:
    nifti(folder / "first.nii.gz")
    nifti(folder / "second.nii.gz")


BAD: dict[str, Bad] = {
    "no bytes": Bad("empty-file", lambda folder: (folder / "nothing.nii.gz").touch()),
    "no bytes, nrrd": Bad("empty-file", lambda folder: (folder / "nothing.nrrd").touch()),
    "no bytes, dcm": Bad("empty-file", lambda folder: (folder / "nothing.dcm").touch()),
    "text named nii.gz": Bad("not-a-scan", _text),
    "compressed text named nii.gz": Bad("not-a-scan", _zipped_text),
    "text named nrrd": Bad("not-a-scan", lambda folder: (folder / "a.nrrd").write_text("hello\n" * 90)),
    "text named mha": Bad("not-a-scan", lambda folder: (folder / "a.mha").write_text("hello\n" * 90)),
    "text named dcm": Bad("not-a-scan", lambda folder: (folder / "a.dcm").write_text("hello\n" * 90)),
    "gz cut in its voxels": Bad("truncated", lambda f: cut(nifti(f / "cut.nii.gz", voxels((30, 30, 30))), 0.6)),
    "gz cut in its header": Bad("truncated", lambda f: cut(nifti(f / "cut.nii.gz", voxels((30, 30, 30))), 0.001)),
    "nii cut": Bad("truncated", lambda f: cut(nifti(f / "cut.nii"), 0.6)),
    "nii cut in its header": Bad("truncated", lambda f: cut(nifti(f / "cut.nii"), 0.05)),
    "nrrd cut": Bad("truncated", lambda f: cut(itk(f / "cut.nrrd"), 0.6)),
    "nrrd compressed and cut": Bad("truncated", lambda f: cut(itk(f / "cut.nrrd", compress=True), 0.6)),
    "mha cut": Bad("truncated", lambda f: cut(itk(f / "cut.mha"), 0.6)),
    "mha compressed and cut": Bad("truncated", lambda f: cut(itk(f / "cut.mha", compress=True), 0.6)),
    "checksum wrong": Bad("damaged", _flipped_bit),
    "checksum wrong after the voxels": Bad("damaged", _flipped_bit_far_behind),
    "nrrd compressed and damaged": Bad("damaged", lambda f: _spoil(itk(f / "spoilt.nrrd", compress=True))),
    "mha compressed and damaged": Bad("damaged", lambda f: _spoil(itk(f / "spoilt.mha", compress=True))),
    "mha without its size": Bad("unreadable", lambda f: _rewrite(itk(f / "sizeless.mha"), b"DimSize", b"DimSyze")),
    "mhd without raw": Bad("companion-missing", _detached),
    "hdr without img": Bad("companion-missing", _pair_without_data),
    "bad data type": Bad("unreadable", lambda f: patch(nifti(f / "type.nii"), 70, "<h", 9999)),
    "negative axis": Bad("unreadable", lambda f: patch(nifti(f / "axis.nii"), 42, "<h", -5)),
    "gz that grows behind its voxels": Bad("inflates-too-far", lambda f: _bomb_behind(nifti(f / "a.nii.gz"))),
    "gz of nothing but zeros": Bad("inflates-too-far", _packed_zeros),
    "deflated DICOM of zeros": Bad("inflates-too-far", lambda f: deflated(f / "s", 1 << 27)),
    "voxels at byte 3e9": Bad("unreadable", lambda f: patch(nifti(f / "far.nii"), 108, "<f", 3e9)),
    "mha of 100 axes": Bad("unreadable", lambda f: _rewrite(itk(f / "axes.mha"), b"NDims = 3", b"NDims = 100")),
    "mhd of another folder": Bad("companion-outside", _elsewhere("a.mhd", "ElementDataFile = ", "../../secret.raw")),
    "mhd of an absolute path": Bad("companion-outside", _elsewhere("a.mhd", "ElementDataFile = ", "/etc/passwd")),
    "mhd of a list elsewhere": Bad(
        "companion-outside", _elsewhere("a.mhd", "ElementDataFile = ", "LIST\na.raw\n../b.raw")
    ),
    "nhdr of another folder": Bad("companion-outside", _elsewhere("a.nhdr", "data file: ", "x/../../secret.raw")),
    "nhdr of a Windows path": Bad("companion-outside", _elsewhere("a.nhdr", "data file: ", "C:\\secret.raw")),
    "nhdr of a list elsewhere": Bad(
        "companion-outside", _elsewhere("a.nhdr", "data file: ", "LIST\na.raw\n/etc/passwd")
    ),
    "nrrd said to be text": Bad("damaged", lambda f: _rewrite(itk(f / "a.nrrd"), b"encoding: raw", b"encoding: ascii")),
    "nrrd of too few words": Bad("truncated", lambda f: text_nrrd(f / "a.nrrd", 959)),
    "nhdr of a billion files": Bad("unreadable", _elsewhere("a.nhdr", "data file: ", "x%03d.raw 1 1000000000 1 2")),
    "huge header": Bad("too-large", _wide_gz),
    "gz that is none": Bad("misnamed", lambda f: nifti(f / "plain.nii").rename(f / "plain.nii.gz"), level="info"),
    "one slice": Bad("two-dimensional", lambda f: nifti(f / "flat.nii.gz", voxels((20, 20, 1)))),
    "2D nrrd": Bad("two-dimensional", lambda f: itk(f / "flat.nrrd", voxels((20, 20)))),
    "4D": Bad("four-dimensional", lambda f: nifti(f / "time.nii.gz", voxels((8, 8, 8, 3))), level="warning"),
    "4D nrrd": Bad("four-dimensional", lambda f: itk(f / "time.nrrd", voxels((3, 8, 8, 8))), level="warning"),
    "RGB": Bad("colour", _rgb),
    "vector mha": Bad("colour", lambda f: itk(f / "vector.mha", voxels((8, 8, 8, 3)), vector=True)),
    "complex": Bad("complex", lambda f: nifti(f / "complex.nii.gz", voxels().astype(np.complex64))),
    "trailing axis": Bad("trailing-axis", lambda f: nifti(f / "one.nii.gz", voxels((8, 8, 8, 1))), level="info"),
    "few NaN": Bad("not-finite", _holes(0.01), level="warning"),
    "many NaN": Bad("not-finite", _holes(0.5)),
    "only NaN": Bad("not-finite", _holes(1.0)),
    "constant": Bad("constant", lambda f: nifti(f / "flat.nii.gz", np.full((8, 8, 8), 7, np.int16))),
    "whole numbers, few values": Bad(
        "looks-like-labels", lambda f: nifti(f / "organs.nii.gz", voxels() // 300), level="warning"
    ),
    "zero spacing": Bad("spacing-absurd", lambda f: patch(patch(nifti(f / "z.nii"), 80, "<f", 0), 280, "<f", 0)),
    "zero spacing, qform alone": Bad(
        "spacing-absurd", lambda f: patch(patch(nifti(f / "z.nii"), 80, "<f", 0), 252, "<hh", 1, 0)
    ),
    "spacing in metres": Bad(
        "spacing-absurd", lambda f: nifti(f / "m.nii.gz", affine=np.diag([0.002, 0.002, 0.002, 1]))
    ),
    "spacing of 80 mm": Bad("spacing-absurd", lambda f: nifti(f / "w.nii.gz", affine=np.diag([2.0, 2, 80, 1]))),
    "sform not finite": Bad("affine-singular", lambda f: patch(nifti(f / "nan.nii"), 280, "<4f", *[np.nan] * 4)),
    "sform with twice one axis": Bad(
        "affine-singular",
        lambda f: patch(nifti(f / "flat.nii"), 280, "<12f", 2, 2, 0, 0, 0, 0, 2.5, 0, 0, 0, 0, 0),
    ),
    "sheared": Bad("affine-sheared", _sheared),
    "zooms differ from sform": Bad(
        "spacing-disagrees", lambda f: patch(nifti(f / "zoom.nii"), 80, "<f", 3.0), level="warning"
    ),
    "no orientation": Bad("orientation-missing", _no_orientation, level="warning"),
    "two orientations": Bad("orientation-disagrees", _two_orientations, level="warning"),
    "thick slices": Bad(
        "anisotropic",
        lambda f: nifti(f / "thick.nii.gz", affine=np.diag([0.7, 0.7, 6.0, 1])),
        level="warning",
    ),
    "two files of one id": Bad("duplicate-id", _twice),
    "one scan twice": Bad("identical-content", _copied, level="warning"),
    "tilted gantry": Bad("dicom-gantry-tilt", lambda f: series(f / "s", tilt=15.0)),
    "uneven gaps": Bad("dicom-uneven-gaps", lambda f: series(f / "s", positions=[0, 2, 4, 7, 8, 10])),
    "missing slices": Bad("dicom-missing-slices", lambda f: series(f / "s", positions=[0, 2, 4, 8, 10, 16])),
    "repeated slices": Bad("dicom-repeated-slices", lambda f: series(f / "s", positions=[0, 2, 2, 4, 4, 6])),
    "sizes differ": Bad("dicom-mixed", lambda f: series(f / "s", sizes=[(16, 12)] * 5 + [(8, 12)])),
    "voxels unlike the header": Bad("truncated", lambda f: series(f / "s", short=3)),
    "one DICOM slice": Bad("dicom-single-slice", lambda f: series(f / "s", positions=[0])),
    "localiser": Bad("dicom-localiser", lambda f: series(f / "s", image_type=["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    "no position": Bad("dicom-no-position", lambda f: series(f / "s", drop=["ImagePositionPatient"])),
    "directions that are no unit vectors": Bad(
        "dicom-no-position", lambda f: SERIES["directions too long"][1](series(f / "s"))
    ),
    "multi-frame": Bad("dicom-multi-frame", lambda f: series(f / "s", positions=[0], frames=4)),
    "DICOM colour": Bad("colour", lambda f: series(f / "s", samples=3)),
    "DICOM header cut": Bad("unreadable", lambda f: cut(series(f / "s", positions=[0, 2])[0], 0.2)),
}
"""What is wrong, in words, to how it is written and what must be said of it."""
