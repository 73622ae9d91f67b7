"""The tables in ``docs/results`` say what their records say."""

import shutil
from pathlib import Path

import pytest

from orienteer.comparison import compare

RESULTS = Path(__file__).parents[2] / "docs" / "results"
PUBLISHED = sorted(folder.parent for folder in RESULTS.glob("*/benchmark.json"))
RENDERED = ("aggregated.parquet", "comparisons.parquet", "curves.svg", "report.html", "results.md")


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published__deleting_table_and_curves_and_rendering_gives_them_back(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns(*RENDERED))
    compare(copy)
    for name in ("results.md", "curves.svg"):
        assert (copy / name).read_bytes() == (folder / name).read_bytes(), f"{name} is not what its records give"


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published__holds_records_and_what_people_read_only(folder: Path) -> None:
    # The page is 5 MB and the two Parquet tables follow from the records: one command makes them.
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    records = {f"records/{name}.parquet" for name in ("cases", "costs", "pretext")}
    watched = {"records/learning.parquet"}  # results of before it have none
    assert names - watched == {"benchmark.json", "results.md", "curves.svg", *records}
