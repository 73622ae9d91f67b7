"""Write a simulated scan as hospitals do: in various axis orders and formats."""

import gzip
import tempfile
from pathlib import Path

import nibabel as nib
import nibabel.orientations as orientations
import numpy as np

from orienteer.atomic import write_bytes, write_with
from orienteer.geometry import Volume

FORMATS = ("nii.gz", "nrrd", "mha")

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def reorient(volume: Volume, axes: str) -> Volume:
    """The same voxels stored along other axes, e.g. ``"LPS"``; world positions stay the same."""
    here = orientations.io_orientation(volume.affine)
    turn = orientations.ornt_transform(here, orientations.axcodes2ornt(tuple(axes)))
    spatial = orientations.apply_orientation(np.moveaxis(volume.array, 0, -1), turn)
    affine = volume.affine @ orientations.inv_ornt_aff(turn, volume.shape)
    return Volume(array=np.moveaxis(spatial, -1, 0), affine=affine)


def write_scan(path: Path, volume: Volume) -> None:
    """Write one channel of ``volume`` in the format given by the extension, one of ``FORMATS``.

    Raises:
        OrienteerError: the folder cannot be written.
        ValueError: the format is not one of ``FORMATS``.
    """
    if path.name.endswith(".nii.gz"):
        image = nib.Nifti1Image(volume.array[0], volume.affine)
        image.header.set_xyzt_units("mm")
        # mtime 0: the same subject gives the same file, byte for byte.
        write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))
    elif path.suffix in (".nrrd", ".mha"):
        write_with(path, lambda part: _write_itk(part, volume, path.suffix))
    else:
        raise ValueError(f"{path.name}: a simulated scan is written as one of {', '.join(FORMATS)}")


def _write_itk(part: Path, volume: Volume, suffix: str) -> None:
    import SimpleITK as sitk

    # ITK's world is L, P, S and its arrays run z, y, x.
    image = sitk.GetImageFromArray(volume.array[0].transpose(2, 1, 0))
    image.SetSpacing(volume.spacing.tolist())
    image.SetOrigin((RAS_TO_LPS @ volume.affine[:3, 3]).tolist())
    image.SetDirection((RAS_TO_LPS @ volume.affine[:3, :3] / volume.spacing).ravel().tolist())
    # ITK chooses the format by the extension, which the atomic writer's temporary file does not have.
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=".demo-") as folder:
        named = Path(folder) / f"scan{suffix}"
        sitk.WriteImage(image, str(named), useCompression=True)
        named.replace(part)
