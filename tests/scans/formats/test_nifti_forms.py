"""Where a NIfTI file's two forms put its voxels."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from orienteer.scans.discover import discover
from orienteer.scans.formats.header import LPS_TO_RAS
from orienteer.scans.formats.registry import format_named
from orienteer.scans.reading import inspect, read
from tests.scans.files import nifti, patch, voxels


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


@pytest.mark.parametrize(
    ("qform", "sform", "told"),
    [
        (0, 99, [("sform has the code 99", "warning")]),
        (99, 0, [("qform has the code 99", "warning")]),
        (1, 99, [("qform is used", "info")]),
        (99, 1, [("sform is used", "info")]),
        (99, 99, [("used all the same", "warning"), ("sform is used", "info")]),
        (0, 5, []),
    ],
)
def test_forms__of_a_code_that_nifti_does_not_know_are_used_as_by_itk_and_told(
    tmp_path: Path, qform: int, sform: int, told: list[tuple[str, str]]
) -> None:
    affine = np.diag([2.0, 3, 4, 1])
    affine[:3, 3] = 5, 6, 7
    path = patch(nifti(tmp_path / "scan.nii", affine=affine), 252, "<2h", qform, sform)
    (source,) = discover(tmp_path)
    info = inspect(source)
    assert np.allclose(info.affine, affine)
    assert np.allclose((LPS_TO_RAS @ [*sitk.ReadImage(str(path)).GetOrigin(), 1])[:3], affine[:3, 3])
    answer = format_named("NIfTI").placement(source, read(source))
    nibabel.save(nibabel.Nifti1Image(np.ones((12, 14, 10)), None, answer.header((12, 14, 10))), tmp_path / "of.nii")
    assert np.allclose(nibabel.load(tmp_path / "of.nii").affine, affine)
    assert [(found.code, found.level) for found in info.findings] == [("orientation-code", level) for _, level in told]
    assert all(words in found.message for found, (words, _) in zip(info.findings, told, strict=True))


@pytest.mark.parametrize("codes", [(-3, 0), (0, -3), (0, 99)])
def test_forms__that_nobody_can_use_are_not_called_unset(tmp_path: Path, codes: tuple[int, int]) -> None:
    path = patch(nifti(tmp_path / "scan.nii"), 252, "<2h", *codes)
    if codes[1] == 99:
        patch(path, 280, "<12f", *[0] * 12)
    (source,) = discover(tmp_path)
    (found,) = inspect(source).findings
    assert found.code == "orientation-missing"
    assert found.message == f"neither sform nor qform can be used: their codes are {codes[1]} and {codes[0]}"
