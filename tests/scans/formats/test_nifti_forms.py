"""Where a NIfTI file's two forms put its voxels."""

from pathlib import Path

import nibabel
import numpy as np

from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect
from tests.scans.files import voxels


def test_forms__that_mirror_each_other_are_apart_although_the_far_corner_agrees(tmp_path: Path) -> None:
    """Left and right change places about the last voxel: the corner there says nothing."""
    shape = (11, 12, 13)
    sform, qform = np.diag([2.0, 2, 2, 1]), np.diag([-2.0, 2, 2, 1])
    qform[0, 3] = 2 * 2 * (shape[0] - 1) + 4
    image = nibabel.Nifti1Image(voxels(shape), sform)
    image.set_sform(sform, 1)
    image.set_qform(qform, 1)
    nibabel.save(image, tmp_path / "scan.nii.gz")
    (source,) = discover(tmp_path)
    (found,) = [f for f in inspect(source).findings if f.code == "orientation-disagrees"]
    assert "44.0 mm" in found.message
