"""Which row of the user's table is about which scan."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.ingest.matching import Table, base_name, match
from orienteer.ingest.table import Row


def test_match__whole_id_then_file_name_then_nothing() -> None:
    rows = {name: Row(name, name) for name in ("1000", "b/2", "gone")}
    found, unused = match(rows, ["a__1000", "b__2", "c__2"])
    assert {scan: row.id for scan, row in found.items()} == {"a__1000": "1000", "b__2": "b/2"}
    assert unused == ["gone"]


def test_match__a_name_that_fits_several_scans_is_refused() -> None:
    with pytest.raises(StoreError, match="fits several scans: a__2, b__2"):
        match({"2": Row("2", "P")}, ["a__2", "b__2"])


@pytest.mark.parametrize("row", ["x/a", "x__a", "a"])
def test_check_about__one_row_that_is_about_a_scan_is_enough(row) -> None:
    Table(Path("t.tsv"), {name: Row(name, name) for name in (row, "gone")}).check_about(["x__a", "x__b"])
    Table(Path("t.tsv"), {}).check_about(["x__a"])


def test_check_about__no_row_about_any_scan_is_refused_with_both_spellings() -> None:
    with pytest.raises(StoreError, match=r"no row of the table t\.tsv is about any of the scans") as caught:
        Table(Path("t.tsv"), {"foo": Row("foo", "P"), "fob": Row("fob", "Q")}).check_about(["x__a", "b", "c"])
    assert "'foo' (2 rows)" in caught.value.message and "'b' (3 scans)" in caught.value.message
    assert caught.value.cure


@given(st.text(alphabet="ab_/1", min_size=1, max_size=12))
def test_base_name__is_never_empty(scan_id) -> None:
    assert base_name(scan_id)
