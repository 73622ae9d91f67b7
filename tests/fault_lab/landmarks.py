"""World positions of three landmarks, by our reader and by one that shares none of its code."""

import struct
import tempfile
import zlib
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.source import Source
from tests.fault_lab.lookup import apart_by_voxels

PLACES = np.array([[0.1, 0.2, 0.3], [0.5, 0.9, 0.4], [0.8, 0.3, 0.95]])
"""Three landmarks, as shares of the volume: no two share an axis, so a swap or a flip moves them."""


def apart(volume: Volume, source: Source) -> float:
    """Largest distance of a landmark between the two readers, in voxels of the finest side.

    Raises:
        RuntimeError: the independent reader cannot read the scan.
    """
    affine, shape = independent(source)
    if shape == volume.shape:
        index = np.c_[PLACES * (np.array(volume.shape) - 1), np.ones(3)].T
        distance = np.linalg.norm(((volume.affine - affine) @ index)[:3], axis=0)
        voxels = float(distance.max() / volume.spacing.min())
        if source.format != "DICOM" or voxels <= 0.5:
            return voxels
    if source.format == "DICOM" and len(source.paths) > 1:
        # GDCM's series reader takes every series for straight and even: no judge of one that was neither.
        return apart_by_voxels(volume, source)
    raise RuntimeError(f"the independent reader found {shape} voxels, ours {volume.shape}")


def independent(source: Source) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """RAS affine and shape: SimpleITK for NIfTI; SimpleITK to NIfTI to nibabel for NRRD and MetaImage; GDCM for
    DICOM, by its series reader or its reader of enhanced files.

    Raises:
        RuntimeError: the scan cannot be read that way.
    """  # fmt: skip
    if source.format == "DICOM" and len(source.paths) == 1:
        return _by_points(sitk.ReadImage(str(source.paths[0]), imageIO="GDCMImageIO"))
    if source.format == "DICOM":
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(path) for path in source.paths])
        return _by_points(reader.Execute())
    if second := _nifti_2(source.paths[0]):
        return second
    image = sitk.ReadImage(str(source.paths[0]))
    if source.format == "NIfTI":
        return _by_points(image)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "converted.nii"
        sitk.WriteImage(image, str(path))
        converted = nibabel.load(path)
        return np.asarray(converted.affine), converted.shape[:3]


def _nifti_2(path: Path) -> tuple[NDArray[np.float64], tuple[int, ...]] | None:
    """NIfTI-2's sform, read byte by byte, because ITK knows NIfTI-1 alone; None for anything else."""
    raw = path.read_bytes()[:2000]
    start = zlib.decompressobj(31).decompress(raw, 544) if raw[:2] == b"\x1f\x8b" else raw[:544]
    order = {b"\x1c\x02\0\0": "<", b"\0\0\x02\x1c": ">"}.get(start[:4])
    if order is None:
        return None
    if struct.unpack_from(f"{order}i", start, 348)[0] <= 0:
        raise RuntimeError("no sform to compare with")
    rows = np.array(struct.unpack_from(f"{order}12d", start, 400)).reshape(3, 4)
    return np.vstack([rows, [0, 0, 0, 1]]), struct.unpack_from(f"{order}8q", start, 16)[1:4]


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
