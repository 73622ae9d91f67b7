"""Content that datalad, git-annex or git-lfs has not fetched is called so, in every command."""

from pathlib import Path

import pytest

from orienteer.errors import OrienteerError
from orienteer.ingest import IngestOptions, ingest
from orienteer.scans.check import check
from orienteer.scans.discover import survey
from orienteer.scans.fetched import not_fetched
from tests.scans.files import itk, nifti, voxels

POINTERS = {
    "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "annex": b"/annex/objects/MD5E-s99--0cc175b9c0f1b6a831c399e269772661.nii.gz\n",
    "link as text": b"../../.git/annex/objects/aa/bb/MD5E-s99--0cc1.nii.gz/MD5E-s99--0cc1.nii.gz",
}


def _instead(path: Path, kind: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind in POINTERS:
        path.write_bytes(POINTERS[kind])
    else:
        path.symlink_to("../.git/annex/objects/gone")
    return path


@pytest.mark.parametrize("kind", [*POINTERS, "link"])
@pytest.mark.parametrize("name", ["x.nii.gz", "x.nii", "x.mha", "x.nrrd", "x.dcm"])
def test_check__a_scan_that_is_not_here_is_to_be_fetched(tmp_path: Path, kind: str, name: str) -> None:
    _instead(tmp_path / "case" / name, kind)
    (scan,) = check(tmp_path, progress=False, workers=1).scans
    (found,) = scan.findings
    assert (found.code, found.level) == ("not-fetched", "error")
    assert name in found.message and "git annex get" in found.cure


@pytest.mark.parametrize(("header", "data"), [("x.mhd", "x.raw"), ("x.nhdr", "x.raw")])
def test_check__voxels_that_are_not_here_beside_a_header_that_is(tmp_path: Path, header: str, data: str) -> None:
    itk(tmp_path / header)
    (tmp_path / data).unlink()
    _instead(tmp_path / data, "link")
    (scan,) = check(tmp_path, progress=False, workers=1).scans
    assert [f.code for f in scan.findings] == ["not-fetched"] and data in scan.findings[0].message


def test_not_fetched__what_is_here_or_nowhere_is_not_meant(tmp_path: Path) -> None:
    assert not_fetched(nifti(tmp_path / "a.nii.gz")) == ""
    assert not_fetched(tmp_path / "nowhere") == not_fetched(tmp_path) == ""
    (tmp_path / "note.txt").write_text("see .git/annex/objects/aa for the files\n")
    assert not_fetched(tmp_path / "note.txt") == ""
    (tmp_path / "good").symlink_to("a.nii.gz")
    assert not_fetched(tmp_path / "good") == ""


def test_survey__other_files_that_are_not_here(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    for name in ("a.json", "IM0001"):
        _instead(tmp_path / name, "link")
    _instead(tmp_path / "IM0002", "lfs")
    assert {skip.relative: skip.code for skip in survey(tmp_path).skipped} == {
        "a.json": "skipped-format",
        "IM0001": "skipped-not-fetched",
        "IM0002": "skipped-not-fetched",
    }
    with pytest.raises(OrienteerError, match="a link to nothing") as caught:
        survey(_instead(tmp_path / "gone", "link"))
    assert "datalad get" in caught.value.cure


def test_ingest__says_of_scans_and_labels_what_check_says(tmp_path: Path) -> None:
    scans, labels = tmp_path / "scans", tmp_path / "labels"
    for seed, name in enumerate(("a", "b")):
        nifti(scans / f"{name}.nii.gz", voxels(seed=seed))
    nifti(labels / "a.nii.gz", voxels() // 500)
    _instead(labels / "b.nii.gz", "link")
    _instead(scans / "c.nii.gz", "link")
    options = IngestOptions(workers=1, progress=False, keep_names=True, labels=labels, spacing=3.0)
    result = ingest(scans, tmp_path / "store", options)
    assert result.added == ("a", "b")
    told = {scan.id: scan.findings for scan in check(scans, progress=False, workers=1).scans}
    assert result.failed == {"c": told["c"]}
    (found,) = [f for f in result.findings["b"] if f.code.startswith("labels")]
    assert "a link to nothing" in found.message and "datalad get" in found.cure
