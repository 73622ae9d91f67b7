"""Copies of one scan: check and ingest say the same of them."""

import shutil
from pathlib import Path

import numpy as np

from orienteer.ingest import IngestOptions, ingest
from orienteer.scans.check import check
from tests.scans.files import nifti, voxels


def test_check__a_copy_is_left_out_as_an_ingest_leaves_it_out(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    nifti(scans / "b.nii.gz")
    nifti(scans / "z.nii.gz", voxels(seed=1))
    for name in ("c", "a-1", "a/x"):
        (scans / name).parent.mkdir(exist_ok=True)
        shutil.copy(scans / "b.nii.gz", scans / f"{name}.nii.gz")
    result = check(scans, progress=False, workers=1)
    options = IngestOptions(workers=1, progress=False, keep_names=True, spacing=3.0)
    ingested = ingest(scans, tmp_path / "store", options)
    assert [scan.id for scan in result.usable] == sorted(ingested.added) == ["a-1", "z"]
    told = {scan.id: scan.findings[0] for scan in result.scans if not scan.usable}
    assert {name: (f.code, f.level, f.message) for name, f in told.items()} == {
        name: (f.code, f.level, f.message) for name, (f,) in ingested.failed.items()
    }


def test_check__a_copy_in_another_type_is_a_copy(tmp_path: Path) -> None:
    array = voxels()
    nifti(tmp_path / "scans" / "a.nii.gz", array)
    nifti(tmp_path / "scans" / "b.nii.gz", array.astype(np.float32))
    nifti(tmp_path / "scans" / "c.nii.gz", voxels(seed=1))
    options = IngestOptions(workers=1, progress=False, keep_names=True, spacing=3.0)
    ingested = ingest(tmp_path / "scans", tmp_path / "store", options)
    assert [scan.id for scan in check(tmp_path / "scans", progress=False, workers=1).usable] == sorted(ingested.added)
    assert sorted(ingested.added) == ["a", "c"]


def test_check__the_same_voxels_of_another_size_are_both_kept_and_told(tmp_path: Path) -> None:
    nifti(tmp_path / "scans" / "a.nii.gz")
    nifti(tmp_path / "scans" / "b.nii.gz", affine=np.diag([-2.0, 2, 4, 1]))
    result = check(tmp_path / "scans", progress=False, workers=1)
    assert len(result.usable) == 2
    assert [(f.code, f.level) for f in result.scans[1].findings] == [("identical-content", "warning")]
