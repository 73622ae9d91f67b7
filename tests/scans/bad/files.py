"""Files that are wrong as files: cut, damaged, bombs, or leading elsewhere."""

import gzip
from collections.abc import Callable
from pathlib import Path

import nibabel

from tests.scans.bad.kind import Bad
from tests.scans.files import AFFINE, cut, itk, nifti, patch, text_nrrd, voxels


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


def _elsewhere(name: str, key: str, target: str) -> Callable[[Path], object]:
    """A detached header whose voxels are said to be in another folder."""

    def write(folder: Path) -> None:
        path = itk(folder / name)
        text = path.read_text()
        (line,) = [line for line in text.splitlines() if line.startswith(key)]
        path.write_text(text.replace(line, f"{key}{target}"))

    return write


FILES: dict[str, Bad] = {
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
}
