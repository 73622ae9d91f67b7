"""A series that lies in several folders: halves are named, copies and other volumes are not taken for them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.scans.check import check
from orienteer.scans.dicom import scattered
from orienteer.scans.discover import discover
from orienteer.scans.findings import Finding
from tests.scans.dicom_files import rewrite, series

DEPTHS = [2.0 * n for n in range(10)]


def written(root: Path, folders: Mapping[str, list[int]], **options: Any) -> None:
    """One series of ten slices, of which each folder gets those named by their index."""
    tags = [{"InstanceNumber": n + 1} for n in range(10)]
    paths = series(root / "all", positions=DEPTHS, **{"uid": "1.2.3", "tags": tags} | options)
    for folder, indices in folders.items():
        (root / "scans" / folder).mkdir(parents=True)
        for index in indices:
            shutil.copy(paths[index], root / "scans" / folder)
    shutil.rmtree(root / "all")


def told(root: Path) -> dict[str, list[Finding]]:
    """What check says of each scan, at most once if at all, of series in several folders."""
    scans = check(root / "scans", progress=False, workers=1).scans
    return {scan.id: [found for found in scan.findings if found.code == "dicom-scattered"] for scan in scans}


@pytest.mark.parametrize(
    ("a", "b"),
    [(range(6), range(6, 10)), (range(0, 10, 2), range(1, 10, 2)), (range(7), range(4, 10))],
    ids=["halves", "odd and even", "halves that overlap"],
)
def test_scattered__parts_of_one_scan_name_each_other(tmp_path: Path, a: range, b: range) -> None:
    written(tmp_path, {"a": [*a], "deep/b": [*b]})
    found = told(tmp_path)
    assert [[(f.level, f.message) for f in found[name]] for name in ("a", "deep__b")] == [
        [("error", f"{len({*b} - {*a})} more slices of its series lie in deep/b")],
        [("error", f"{len({*a} - {*b})} more slices of its series lie in a")],
    ]


@pytest.mark.parametrize("last", [range(7, 10), range(9, 10)])
def test_scattered__parts_are_told_where_a_third_one_between_them_is_missing(tmp_path: Path, last: range) -> None:
    written(tmp_path, {"a": [*range(3)], "c": [*last]})
    lie = f"{len(last)} more slices of its series lie" if len(last) > 1 else "1 more slice of its series lies"
    assert [[f.message for f in found] for found in told(tmp_path).values()] == [
        [f"{lie} in c"],
        ["3 more slices of its series lie in a"],
    ]


def test_scattered__ingest_says_it_in_the_same_words_until_the_parts_lie_in_one_folder(tmp_path: Path) -> None:
    written(tmp_path, {"a": [*range(6)], "b": [*range(6, 10)]})
    series(tmp_path / "scans" / "other", seed=1)
    words = told(tmp_path)
    result = run(tmp_path)
    assert result.added == ("other",)
    assert {name: list(found) for name, found in result.failed.items()} == {name: words[name] for name in ("a", "b")}
    for path in (tmp_path / "scans" / "b").iterdir():
        path.rename(tmp_path / "scans" / "a" / path.name)
    assert run(tmp_path).added == ("a",)


def test_scattered__a_half_that_is_stored_already_is_named_when_the_other_half_comes(tmp_path: Path) -> None:
    written(tmp_path, {"a": [*range(6)], "b": [*range(6, 10)]})
    (tmp_path / "scans" / "b").rename(tmp_path / "b")
    assert run(tmp_path).added == ("a",)
    (tmp_path / "b").rename(tmp_path / "scans" / "b")
    for _ in range(2):
        assert {name: [f.code for f in found] for name, found in run(tmp_path).failed.items()} == {
            "a": ["dicom-scattered"],
            "b": ["dicom-scattered"],
        }


def run(root: Path) -> IngestResult:
    return ingest(root / "scans", root / "store", IngestOptions(workers=1, progress=False, spacing=2.0))


def test_scattered__of_a_copy_only_the_part_is_refused(tmp_path: Path) -> None:
    written(tmp_path, {"part": [*range(6)], "whole": [*range(10)], "copy": [*range(10)]})
    found = told(tmp_path)
    assert {name for name in found if found[name]} == {"part"}
    assert found["part"][0].message == "4 more slices of its series lie in copy, whole"


def test_scattered__halves_of_a_study_each_are_found_in_one_folder(tmp_path: Path) -> None:
    tags = [{"InstanceNumber": n, "StudyInstanceUID": f"1.{n // 5}"} for n in range(10)]
    written(tmp_path, {"a": [*range(10)]}, tags=tags)
    assert [[f.code for f in found] for found in told(tmp_path).values()] == [["dicom-scattered"]] * 2


def test_scattered__the_echo_that_is_cut_in_two_is_named_and_the_whole_one_is_not(tmp_path: Path) -> None:
    tags = [{"InstanceNumber": n, "EchoNumbers": 1 + n // 6} for n in range(12)]
    paths = series(tmp_path / "scans" / "a", positions=DEPTHS[:6] * 2, tags=tags, uid="1.2.3")
    (tmp_path / "scans" / "b").mkdir()
    for path in paths[9:]:
        path.rename(tmp_path / "scans" / "b" / path.name)
    found = told(tmp_path)
    assert {name for name in found if found[name]} == {"a__volume-2", "b"}


def test_scattered__slices_in_a_folder_each_are_named_as_such(tmp_path: Path) -> None:
    written(tmp_path, {f"{n}": [n] for n in range(10)})
    found = told(tmp_path)
    assert len(found) == 10 and all(len(of_scan) == 1 for of_scan in found.values())


def test_scattered__volumes_in_one_folder_are_not_read_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series(tmp_path / "s", positions=DEPTHS[:3] * 2, tags=[{"EchoNumbers": 1 + n // 3} for n in range(6)])
    monkeypatch.setattr(scattered, "read_header", None)
    assert len(discover(tmp_path)) == 2


@pytest.mark.parametrize("places", ["same", "beside", "beyond", "far", "numbers"])
def test_scattered__volumes_of_one_series_in_a_folder_each_are_no_halves(tmp_path: Path, places: str) -> None:
    """Echoes lie on one another; scans of two people under one series id both count from 1; knees are far apart."""
    start = {"same": 0.0, "beside": 0.6, "beyond": 20.0, "far": 200.0, "numbers": 20.0}[places]
    count = 1 if places == "beyond" else 11
    for folder, first, shift, study in (("a", 1, 0.0, "1.1"), ("b", count, start, "1.2")):
        tags = [{"InstanceNumber": first + n, "StudyInstanceUID": study} for n in range(10)]
        drop = ["InstanceNumber"] if places == "numbers" else []
        positions = [shift + depth for depth in DEPTHS]
        series(tmp_path / "scans" / folder, positions=positions, tags=tags, uid="1.2.3", drop=drop, seed=first)
    assert told(tmp_path) == {"a": [], "b": []}


def test_scattered__a_damaged_instance_number_costs_nothing(tmp_path: Path) -> None:
    for path in series(tmp_path / "s", tags=[{"InstanceNumber": 77}] * 6):
        rewrite(path, b"IS\x02\x0077", b"IS\x02\x007x")
    (info,) = check(tmp_path, progress=False, workers=1).scans
    assert info.findings == ()
