"""Whole files whose content or place in space is wrong or doubtful."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from tests.scans.bad.kind import Bad
from tests.scans.files import AFFINE, itk, nifti, patch, voxels


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


def _sform(path: Path, *rows: float) -> Path:
    return patch(nifti(path), 280, "<12f", *rows)


def _alone(path: Path) -> Path:
    return patch(path, 252, "<h", 0)  # no qform beside the sform


def _unit(path: Path, code: int, spacing: float) -> Path:
    return patch(nifti(path, affine=np.diag([spacing, spacing, spacing, 1])), 123, "<b", code)


def _mha(path: Path, without: bytes) -> None:
    data = itk(path).read_bytes()
    assert without + b" = " in data
    path.write_bytes(data.replace(without + b" = ", b"Comment = "))


def _line(path: Path, line: bytes, before: bytes) -> None:
    data = itk(path).read_bytes()
    path.write_bytes(data.replace(before, line + b"\n" + before, 1))


def _twice(folder: Path) -> None:
    nifti(folder / "same.nii.gz", voxels(seed=1))
    itk(folder / "same.nrrd")


def _copied(folder: Path) -> None:
    nifti(folder / "first.nii.gz")
    nifti(folder / "second.nii.gz")


CONTENTS: dict[str, Bad] = {
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
    "sform not finite": Bad("affine-singular", lambda f: _alone(_sform(f / "nan.nii", *[np.nan] * 12))),
    "sform with twice one axis": Bad(
        "affine-singular", lambda f: _alone(_sform(f / "flat.nii", 2, 2, 0, 0, 0, 0, 2.5, 0, 0, 0, 0, 0))
    ),
    "sform not finite, good qform": Bad(
        "orientation-unusable", lambda f: _sform(f / "nan.nii", *[np.nan] * 12), level="warning"
    ),
    "sform of zeros, good qform": Bad(
        "orientation-unusable", lambda f: _sform(f / "0.nii", *[0] * 12), level="warning"
    ),
    "quaternion too long": Bad(
        "orientation-unusable", lambda f: patch(patch(nifti(f / "q.nii"), 252, "<2h", 1, 0), 256, "<3f", 0.8, 0.8, 0)
    ),
    "sform of a code nobody knows": Bad(
        "orientation-code", lambda f: patch(nifti(f / "code.nii"), 252, "<2h", 0, 99), level="warning"
    ),
    "unit of microns": Bad("unit-scaled", lambda f: _unit(f / "mouse.nii", 3, 50.0), level="info"),
    "unit nobody knows": Bad("unit-unknown", lambda f: _unit(f / "odd.nii", 5, 2.0), level="warning"),
    "mha without spacing": Bad("spacing-missing", lambda f: _mha(f / "a.mha", b"ElementSpacing"), level="warning"),
    "mha without offset": Bad("origin-missing", lambda f: _mha(f / "a.mha", b"Offset"), level="warning"),
    "mha without matrix": Bad("orientation-missing", lambda f: _mha(f / "a.mha", b"TransformMatrix"), level="warning"),
    "intercept not finite": Bad(
        "scaling-damaged", lambda f: patch(nifti(f / "s.nii"), 112, "<2f", 2, np.nan), level="info"
    ),
    "mha with a slope": Bad(
        "scaling-applied",
        lambda f: _line(f / "a.mha", b"ElementToIntensityFunctionSlope = 2", b"DimSize"),
        level="warning",
    ),
    "nrrd of quantised values": Bad(
        "scaling-ignored", lambda f: _line(f / "a.nrrd", b"old min: -1024", b"endian"), level="warning"
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
    "a link to nothing": Bad("not-fetched", lambda f: (f / "case.nii.gz").symlink_to("gone")),
    "one scan twice": Bad("identical-content", _copied),
}
