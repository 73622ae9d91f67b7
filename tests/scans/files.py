"""Good scans written to disk for tests, and the means to spoil them; ``tests.scans.bad`` holds the spoilt ones."""

import struct
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

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


def text_nrrd(path: Path, words: int) -> Path:
    """A NRRD of 12 x 10 x 8 voxels written as text."""
    text = " ".join(str(n) for n in range(words))
    header = "type: short\ndimension: 3\nsizes: 12 10 8\nencoding: ascii\nspace: left-posterior-superior\n"
    place = "space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n"
    path.write_text(f"NRRD0004\n{header}{place}\n{text}\n")
    return path
