"""World positions of three landmarks, by our reader and by one that shares none of its code."""

import tempfile
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans import Source

PLACES = np.array([[0.1, 0.2, 0.3], [0.5, 0.9, 0.4], [0.8, 0.3, 0.95]])
"""Three landmarks, as shares of the volume: no two share an axis, so a swap or a flip moves them."""


def apart(volume: Volume, source: Source) -> float:
    """Largest distance of a landmark between the two readers, in voxels of the finest side.

    Raises:
        RuntimeError: the independent reader cannot read the scan.
    """
    affine, shape = independent(source)
    if shape != volume.shape:
        raise RuntimeError(f"the independent reader found {shape} voxels, ours {volume.shape}")
    index = np.c_[PLACES * (np.array(volume.shape) - 1), np.ones(3)].T
    distance = np.linalg.norm(((volume.affine - affine) @ index)[:3], axis=0)
    return float(distance.max() / volume.spacing.min())


def independent(source: Source) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """RAS affine and shape: SimpleITK for NIfTI; SimpleITK to NIfTI to nibabel for NRRD and MetaImage; GDCM's series
    reader for DICOM.

    Raises:
        RuntimeError: the scan cannot be read that way.
    """  # fmt: skip
    if source.format == "DICOM":
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(path) for path in source.paths])
        return _by_points(reader.Execute())
    image = sitk.ReadImage(str(source.paths[0]))
    if source.format == "NIfTI":
        return _by_points(image)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "converted.nii"
        sitk.WriteImage(image, str(path))
        converted = nibabel.load(path)
        return np.asarray(converted.affine), converted.shape[:3]


def _by_points(image: sitk.Image) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """From ITK's own index-to-world, so that no formula is shared with the readers."""
    n = image.GetDimension()
    origin = np.array(image.TransformIndexToPhysicalPoint([0] * n))[:3]
    affine = np.eye(4)
    for axis in range(3):
        step = [int(i == axis) for i in range(n)]
        affine[:3, axis] = np.array(image.TransformIndexToPhysicalPoint(step))[:3] - origin
    affine[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, image.GetSize()[:3]
