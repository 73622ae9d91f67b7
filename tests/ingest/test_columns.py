"""Of the user's table only what tells nobody's name goes into a store."""

from pathlib import Path

import pytest

from orienteer.errors import StoreError
from orienteer.ingest import ingest
from orienteer.ingest.columns import reason_against, without_private
from orienteer.ingest.table import Row
from tests.store.phantoms import cohort


def cells(texts: list[str], each: int = 1) -> list[tuple[str, str]]:
    """One person a row; every text ``each`` times."""
    return [(f"p{index}", text) for index, text in enumerate(text for text in texts for _ in range(each))]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("age", cells(["20", "31.5", "NA", "", "99"])),
        ("volume_mm3", cells(["1453221.5", "1398112.25"])),
        ("score", cells(["-1e-3", "+2"])),
        ("visit", cells(["1", "2", "3"])),
        ("sex", cells(["F", "M"], 3)),
        ("scanner", cells(["Skyra 3T", "site-1"], 2)),
        ("diagnosis", cells(["multiple sclerosis", "healthy"], 2)),
        ("simulated", cells(["yes"], 2)),
        ("all empty", cells(["", "n/a"])),
    ],
)
def test_reason_against__measurements_and_categories_stay(name: str, column) -> None:
    assert reason_against(name, column) == ""


@pytest.mark.parametrize(
    ("name", "column", "why"),
    [
        ("PatientName", cells(["a"], 4), "called by"),
        ("patientname", cells(["a"], 4), "called by"),
        ("MRN", cells(["1", "2"]), "called by"),
        ("birth_year", cells(["3"], 4), "called by"),
        ("case_id", cells(["1"], 4), "called by"),
        ("Notes", cells(["ok"], 4), "called by"),
        ("when", cells(["1953-04-12", "2001-01-01"], 4), "dates"),
        ("when", cells(["12.04.1953"], 4), "dates"),
        ("when", cells(["12 Apr 1953"], 4), "dates"),
        ("when", cells(["20260412", "20260413"]), "dates"),
        ("when", cells(["1953", "1961"]), "years"),
        ("who", cells(["Doe^Jane"], 4), "names"),
        ("who", cells(["Doe, Jane"], 4), "names"),
        ("who", cells(["Jane Doe"], 4), "names"),
        ("who", cells(["jane@ward.org"], 4), "names"),
        ("said", cells(["fell down the stairs on the way home"], 4), "free text"),
        ("key", cells(["A-4711"], 4), "identifiers"),
        ("key", cells(["4711233", "4711234"]), "identifiers"),
        ("key", cells(["007", "008"], 1), "identifiers"),
        ("ward", cells(["north", "south"]), "no categories"),
        ("ward", cells([f"w{index}x" for index in range(11)], 9), "no categories"),
        ("ward", [("p1", "Mueller")] * 5 + [("p2", "Schmidt")] * 5, "no categories"),
    ],
)
def test_reason_against__what_could_tell_who_somebody_is_goes(name: str, column, why: str) -> None:
    assert why in reason_against(name, column)


def test_without_private__declared_columns_stay_and_no_other(tmp_path: Path) -> None:
    rows = {key: Row(key, key, "", {"MRN": key, "age": "5"}) for key in ("a", "b")}
    safe, notes = without_private(rows, tmp_path, ["MRN"])
    assert [row.extra for row in safe.values()] == [{"MRN": "a"}, {"MRN": "b"}] and notes == ()
    with pytest.raises(StoreError, match="no column 'height'") as caught:
        without_private(rows, tmp_path, ["height"])
    assert "MRN, age" in caught.value.cure


def test_ingest__drops_telling_columns_with_a_note_and_joins_by_the_users_names(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 4)
    lines = ["id\tperson\tage\tward\tbirthday\tMRN"]
    lines += [f"case_{i}\tAnna {i}\t{40 + i}\t{'north' if i % 2 else 'south'}\t1953-04-1{i}\t77{i}" for i in range(4)]
    (tmp_path / "t.tsv").write_text("\n".join(lines))
    result = ingest(tmp_path / "in", tmp_path / "store", table=tmp_path / "t.tsv", workers=1, progress=False)
    assert {tuple(entry.table) for entry in result.manifest.scans} == {("age", "ward")}
    assert result.notes == (
        "not stored, because it may tell who somebody is: birthday (called by 'birthday'), MRN (called by 'mrn')",
        "--columns A,B stores just the columns you declare safe; --keep-names stores all",
    )
    named = ingest(
        tmp_path / "in", tmp_path / "named", table=tmp_path / "t.tsv", workers=1, progress=False, keep_names=True
    )
    assert {tuple(entry.table) for entry in named.manifest.scans} == {("age", "ward", "birthday", "MRN")}
    with pytest.raises(StoreError, match="--columns names columns"):
        ingest(tmp_path / "in", tmp_path / "other", columns=["age"], workers=1, progress=False)
