"""Every way to be bad has its code; nothing leaks: no chatter, no names, no other exception."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orienteer.errors import OrienteerError, ScanError
from orienteer.records.unfamiliar import UNFAMILIAR
from orienteer.runs.orient import CODES
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.check import check
from orienteer.scans.cohort import cohort_spacing, too_small
from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect, read
from orienteer.scans.record import as_record
from tests.conftest import REPOSITORY
from tests.ingest.test_labels import BROKEN as BROKEN_LABELS
from tests.ingest.test_labels import ODD as ODD_LABELS
from tests.scans.bad import BAD
from tests.scans.dicom_files import SECRETS, series
from tests.scans.files import itk, nifti, voxels
from tests.scans.layouts.trees import OF_LAYOUTS
from tests.scans.test_skipped import SKIPPED


@pytest.mark.parametrize("name", BAD)
def test_findings__every_bad_file_gets_its_code(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    bad = BAD[name]
    bad.write(tmp_path)
    result = check(tmp_path, progress=False, workers=1)
    met = {(f.code, f.level) for scan in result.scans for f in scan.findings}
    assert (bad.code, bad.level) in met
    assert all(f.message and f.cure for scan in result.scans for f in scan.findings)
    captured = capfd.readouterr()
    assert captured.err == "" and captured.out == ""


@pytest.mark.parametrize(
    "name",
    [n for n, bad in BAD.items() if bad.level == "error" and bad.code not in ("duplicate-id", "identical-content")],
)
def test_read__refuses_what_is_an_error(tmp_path: Path, name: str) -> None:
    BAD[name].write(tmp_path)
    codes = []
    for source in discover(tmp_path):
        with pytest.raises(ScanError) as caught:
            read(source)
        codes.append(caught.value.code)
    assert BAD[name].code in codes


def test_catalogue__every_code_is_provoked_by_a_test() -> None:
    # tests/ingest, tests/scans/formats: they depend on the wish, the machine or a library
    elsewhere = {"answer-leans", "too-small", "worker-died", "out-of-memory", "reader-crashed"}
    elsewhere |= {"outside-range", "air-as-body"}  # tests/ingest/test_intensities.py
    labels = {*BROKEN_LABELS, *ODD_LABELS, "labels-undeclared", "labels-255"}  # tests/scans/labels
    # tests/records/test_unfamiliar.py: they need a network
    known = {bad.code for bad in BAD.values()} | elsewhere | labels | SKIPPED | OF_LAYOUTS | set(UNFAMILIAR)
    known |= set(CODES.values())  # tests/runs/test_orient.py: they need a run
    assert known == set(CATALOGUE)


def test_catalogue__every_code_is_on_the_reference_page_with_its_level() -> None:
    page = (REPOSITORY / "docs" / "reference" / "findings.md").read_text(encoding="utf-8")
    for code, kind in CATALOGUE.items():
        assert f"| `{code}` | {kind.level} | {kind.meaning} | {kind.cure} |" in page
    assert page.count("\n| `") == len(CATALOGUE)


def test_findings__a_good_scan_has_none(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    itk(tmp_path / "b.nrrd", voxels((10, 14, 12), seed=1))
    series(tmp_path / "c")
    assert [scan.findings for scan in check(tmp_path, progress=False).scans] == [(), (), ()]


def test_findings__nothing_of_a_dicom_header_is_told(tmp_path: Path) -> None:
    series(tmp_path / "good")
    for name, bad in BAD.items():
        if "DICOM" in name or bad.code.startswith("dicom"):
            folder = tmp_path / name.replace(" ", "_")
            folder.mkdir()
            bad.write(folder)
    text = as_record(check(tmp_path, progress=False)).model_dump_json()
    assert all(secret not in text for secret in SECRETS)


def test_findings__rounded_positions_are_no_uneven_gaps(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0, 6.9, 13.8, 20.8, 27.7, 34.6])
    (info,) = check(tmp_path, progress=False).scans
    assert info.usable


def test_too_small__compares_mm_not_voxels(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")  # 24 x 28 x 25 mm
    (source,) = discover(tmp_path)
    info = inspect(source)
    assert too_small(info, 24.0) is None
    found = too_small(info, 24.5)
    assert found is not None and found.code == "too-small"
    assert too_small(info, (20, 30, 20)) is not None


def test_cohort_spacing__median_of_the_usable(tmp_path: Path) -> None:
    for index, side in enumerate((1.0, 2.0, 4.0)):
        nifti(tmp_path / f"{index}.nii.gz", voxels(seed=index), np.diag([side, side, side, 1]))
    nifti(tmp_path / "bad.nii.gz", voxels((8, 8, 8, 1, 2)), np.diag([9.0, 9, 9, 1]))
    assert cohort_spacing(inspect(source) for source in discover(tmp_path)) == 2.0
    assert cohort_spacing([]) is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["a.nii", "a.nii.gz", "a.nrrd", "a.mha", "a.dcm"]),
    hits=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=12),
    early=st.booleans(),
)
def test_inspect__any_damage_is_a_finding_or_harmless(tmp_path: Path, name: str, hits: list, early: bool) -> None:
    path = tmp_path / name
    if name.endswith("dcm"):
        series(tmp_path, positions=[0], names=[name])
    else:
        (nifti if ".nii" in name else itk)(path)
    data = bytearray(path.read_bytes())
    span = min(len(data), 400) if early else len(data)
    for place, value in hits:
        data[int(place * span)] = value
    path.write_bytes(data)
    try:
        sources = discover(path)
    except OrienteerError:
        return  # told from its content to be no scan at all
    for source in sources:
        info = inspect(source)
        assert info.usable or all(f.message and f.code in CATALOGUE for f in info.findings)
