"""The check as a whole: order, JSON, estimate, and the printed page."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from orienteer.errors import OrienteerError
from orienteer.scans.check import AHEAD, _ahead, check
from orienteer.scans.discover import discover
from orienteer.scans.table import bytes_text, print_check
from tests.scans.dicom_files import series
from tests.scans.files import cut, itk, nifti, voxels


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    folder = tmp_path / "cohort"
    for index in range(5):
        nifti(folder / f"case{index}.nii.gz", voxels(seed=index))
    itk(folder / "turned.nrrd")
    series(folder / "ct")
    cut(nifti(folder / "cut.nii.gz", voxels((30, 30, 30))), 0.5)
    return folder


def _page(folder: Path, width: int = 160, **options: object) -> str:
    stream = io.StringIO()
    print_check(check(folder, progress=False, **options), Console(file=stream, width=width))  # type: ignore[arg-type]
    return stream.getvalue()


def test_check__order_and_content_do_not_depend_on_workers(cohort: Path) -> None:
    one, four = (check(cohort, workers=n, progress=False) for n in (1, 4))
    assert [s.id for s in one.scans] == [s.id for s in four.scans] == sorted(s.id for s in one.scans)
    assert [(s.content, s.findings) for s in one.scans] == [(s.content, s.findings) for s in four.scans]
    assert [s.id for s in one.scans if not s.usable] == ["cut"]


def test_check__few_scans_wait_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.nii.gz").touch()
    sources, asked = discover(tmp_path), []
    monkeypatch.setattr("orienteer.scans.check.inspect_with_labels", lambda source: (asked.append(source), source)[1])
    with ThreadPoolExecutor(2) as pool:
        taken = []
        for source in _ahead(pool, sources, 2):
            taken.append(source)
            assert len(asked) <= len(taken) + AHEAD * 2
    assert taken == sources


def test_check__json_holds_everything_and_only_relative_paths(cohort: Path, tmp_path: Path) -> None:
    path = tmp_path / "check.json"
    check(cohort, json_path=path, progress=False)
    text = path.read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["schema_version"] == 1
    assert record["totals"] == {"scans": 8, "usable": 7, "skipped": 0, "labelled": 0}
    assert record["findings"] == {"truncated": 1}
    case = next(scan for scan in record["scans"] if scan["id"] == "case0")
    assert (case["shape"], case["spacing_mm"], case["axes"], case["dtype"]) == (
        [12, 14, 10],
        [2.0, 2.0, 2.5],
        "LAS",
        "int16",
    )
    assert case["range"] == [float(voxels().min()), float(voxels().max())]
    assert str(tmp_path) not in text
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_check__json_that_cannot_be_written_is_a_readable_error(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(OrienteerError, match=r"cannot write .*nowhere"):
        check(cohort, json_path=cohort / "case0.nii.gz" / "nowhere" / "check.json", progress=False)


def test_check__json_onto_a_folder_says_so(cohort: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(OrienteerError, match=r"cannot write .*docs") as caught:
        check(cohort, json_path=tmp_path / "docs", progress=False)
    assert caught.value.cure == f"{tmp_path / 'docs'} is a folder; name a file"


def test_check__a_closed_file_is_no_damaged_one(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Path.open

    def shut(path: Path, *rest: Any, **options: Any) -> Any:
        if path.name in ("case1.nii.gz", "turned.nrrd"):
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *rest, **options)

    monkeypatch.setattr(Path, "open", shut)
    found = {scan.id: scan.findings[0] for scan in check(cohort, progress=False).scans if not scan.usable}
    assert {name: "check its permissions" in known.cure for name, known in found.items()} == {
        "case1": True,
        "turned": True,
        "cut": False,
    }
    assert found["case1"].code == "unreadable"
    assert found["case1"].message == "cannot be opened: Permission denied"


def test_check__a_closed_slice_is_no_damaged_one(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pydicom's reader tells a missing right like any other error; here it runs where the right can be taken away."""
    closed = min((cohort / "ct").iterdir())
    honest = Path.open

    def shut(path: Path, *rest: Any, **options: Any) -> Any:
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *rest, **options)

    monkeypatch.setattr(Path, "open", shut)
    monkeypatch.setattr("orienteer.scans.formats.opening.isolated", lambda function, *args: function(*args))
    (alone,) = (scan for scan in check(cohort, progress=False).scans if scan.source.paths == (closed,))
    assert "check its permissions" in alone.findings[0].cure


def test_table__two_cures_of_one_code_are_both_read(cohort: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cohort / "odd.nii").write_bytes((348).to_bytes(4, "little") + bytes(344))
    honest = Path.open

    def shut(path: Path, *rest: Any, **options: Any) -> Any:
        if path.name == "turned.nrrd":
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, *rest, **options)

    monkeypatch.setattr(Path, "open", shut)
    page = _page(cohort)
    assert page.count("unreadable, left out") == 2
    assert "fix: check its permissions" in page


def test_check__estimate_counts_voxels_at_the_asked_spacing(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", voxels((20, 20, 20)), np.diag([2.0, 2, 2, 1]))
    coarse, fine = (check(tmp_path, spacing=mm, progress=False).estimate for mm in (4.0, 1.0))
    assert coarse is not None and fine is not None
    assert (coarse.voxels, fine.voxels) == (10**3, 40**3)
    assert fine.disk_bytes > coarse.disk_bytes and fine.seconds > coarse.seconds
    own = check(tmp_path, progress=False).estimate
    assert own is not None and own.spacing == 2.0


def test_check__estimate_counts_the_memory_of_the_programs_themselves(tmp_path: Path) -> None:
    """23 brains took 313 MB with two workers, 52 MB of it for the brains."""
    nifti(tmp_path / "a.nii.gz", voxels((20, 20, 20)))
    one, eight = (check(tmp_path, workers=workers, progress=False).estimate for workers in (1, 8))
    assert one is not None and eight is not None
    assert 2.5e8 < one.memory_bytes < eight.memory_bytes - 2e8


@pytest.mark.parametrize("options", [{"spacing": 0.0}, {"spacing": 300.0}, {"workers": 0}])
def test_check__absurd_options_are_refused(cohort: Path, options: dict) -> None:
    with pytest.raises(OrienteerError) as caught:
        check(cohort, progress=False, **options)
    assert caught.value.cure


def test_check__nothing_usable_has_no_estimate(tmp_path: Path) -> None:
    nifti(tmp_path / "field.nii.gz", voxels((8, 8, 8, 1, 3)))
    assert check(tmp_path, progress=False).estimate is None
    assert "No scan can be used" in _page(tmp_path)


@pytest.mark.parametrize("modality", ["CT", "MR", "PT"])
def test_check__the_modality_a_header_says_is_no_guess(tmp_path: Path, modality: str) -> None:
    series(tmp_path / "dicom", modality=modality)
    nifti(tmp_path / "other.nii.gz")
    said, guessed = check(tmp_path, progress=False).scans
    assert (said.modality, said.modality_said) == (modality, True)
    assert (guessed.modality, guessed.modality_said) == ("MR", False)
    page = _page(tmp_path)
    assert f"{modality}?" not in page.replace("MR?", "", 1) and "MR?" in page


def test_table__names_scan_cause_and_cure(cohort: Path) -> None:
    page = _page(cohort)
    assert "7 of 8 scans can be used" in page
    assert "error truncated, left out" in page and "cut.nii.gz: the data ends before the last voxel" in page
    assert "fix: export or copy the file again" in page
    assert "Estimate of an ingest at 2.15 mm" in page
    assert "CT" in page and "CT?" not in page and "█" in page  # the header of the series says it


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_table__fits_the_terminal(cohort: Path, width: int) -> None:
    assert max(map(len, _page(cohort, width=width).splitlines())) <= width


def test_table__long_cohorts_are_cut_but_not_their_findings(tmp_path: Path) -> None:
    for index in range(64):
        nifti(tmp_path / f"c{index:02d}.nii", voxels((4, 5, 6), seed=index))
    nifti(tmp_path / "zz.nii", voxels((4, 5, 6, 2)))
    page = _page(tmp_path)
    assert "and 4 more without findings" in page
    assert "zz" in page and "c63" not in page


def test_table__a_name_is_one_line_and_a_long_id_can_be_read(tmp_path: Path) -> None:
    nifti(tmp_path / "two\nlines.nii.gz")
    nifti(tmp_path / "a_folder_with_a_name" / "and_a_scan_in_it.nii.gz", voxels(seed=1))
    lines = _page(tmp_path, width=80).splitlines()
    assert any(line.startswith("two?lines ") for line in lines)
    assert any(line.startswith("a_folder_…scan_in_it ") for line in lines)


def test_table__brackets_in_a_name_are_no_markup(tmp_path: Path) -> None:
    nifti(tmp_path / "[red]case[/x].nii.gz".replace("/", "_"))
    assert "[red]case" in _page(tmp_path)


@pytest.mark.parametrize(("size", "text"), [(10, "1 MiB"), (5 << 20, "5 MiB"), (3 << 29, "1.5 GiB")])
def test_bytes_text__reads_well(size: int, text: str) -> None:
    assert bytes_text(size) == text
