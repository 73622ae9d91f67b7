"""Of the user's table only what tells nobody's name goes into a store."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.ingest import IngestOptions, ingest
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
        ("since", cells(["1953", "1971", "0"]), "years"),
        ("since", cells(["1953", "1971", "9999", "-1", "99"]), "years"),
        ("since", cells(["1953", "0", "9", "99", "999", "9999"]), "years"),
        ("since", cells(["1953.3", "1971.75"]), "years"),
        ("since", cells(["1953", "1971", "53", "1964"]), "years"),
        ("yob", cells(["53", "71"]), "called by"),
        ("pat_nr", cells(["4711", "4712"]), "called by"),
        ("PatNr", cells(["4711", "4712"]), "called by"),
        ("patnr", cells(["4711", "4712"]), "called by"),
        ("record", cells(["4711", "4712"]), "called by"),
        ("case", cells(["4711", "4712"]), "called by"),
        ("Fall-Nr", cells(["4711", "4712"]), "called by"),
        ("GebJahr", cells(["53", "71"]), "called by"),
        ("Geburtsjahr", cells(["53", "71"]), "called by"),
        ("scan_year", cells(["3", "4"]), "called by"),
        ("when", cells(["20260412", "20260413", "9999"]), "dates"),
        ("when", cells(["20260412093015.25", "20260413101500.5"]), "dates"),
        ("key", cells(["4711233", "4711234", "0.5"]), "identifiers"),
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


HONEST = {
    "age": st.integers(0, 110),
    "age_years": st.floats(0, 110).map(lambda age: round(age, 1)),
    "education_years": st.integers(0, 30),
    "score": st.integers(0, 100),
    "mmse": st.integers(0, 30),
    "height_cm": st.floats(40, 220).map(lambda height: round(height, 1)),
    "height_m": st.floats(0.4, 2.2).map(lambda height: round(height, 2)),
    "weight": st.floats(0.5, 300).map(lambda weight: round(weight, 1)),
    "visit": st.integers(1, 20),
    "z": st.floats(-6, 6),
    "volume_mm3": st.integers(3000, 2_000_000).map(lambda volume: volume + 0.37),
}
CODES = st.sampled_from(["0", "-1", "9", "99", "999", "9999", "n/a"])


@given(st.sampled_from(sorted(HONEST)), st.data())
def test_reason_against__honest_measurements_stay_whatever_stands_for_missing(name: str, data: st.DataObject) -> None:
    values = [str(value) for value in data.draw(st.lists(HONEST[name], max_size=30))]
    assert reason_against(name, cells(values + data.draw(st.lists(CODES, max_size=10)))) == ""


@given(st.lists(st.integers(1900, 2030), min_size=1, max_size=30), st.lists(CODES, max_size=30), st.booleans())
def test_reason_against__years_go_whatever_stands_for_missing(years: list[int], codes: list[str], part: bool) -> None:
    assert "years" in reason_against("since", cells([f"{year}.5" if part else str(year) for year in years] + codes))


def test_reason_against__volumes_that_reach_the_numbers_of_years_stay() -> None:
    amygdalae = np.random.default_rng(0).normal(1700, 220, 200).round(1)
    assert reason_against("amygdala_mm3", cells([str(volume) for volume in amygdalae])) == ""


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
    result = ingest(
        tmp_path / "in", tmp_path / "store", IngestOptions(table=tmp_path / "t.tsv", workers=1, progress=False)
    )
    assert {tuple(entry.table) for entry in result.manifest.scans} == {("age", "ward")}
    assert result.notes == (
        "not stored, because it may tell who somebody is: birthday (called by 'birthday'), MRN (called by 'mrn')",
        "--columns A,B stores just the columns you declare safe; --keep-names stores all",
    )
    named = ingest(
        tmp_path / "in",
        tmp_path / "named",
        IngestOptions(table=tmp_path / "t.tsv", workers=1, progress=False, keep_names=True),
    )
    assert {tuple(entry.table) for entry in named.manifest.scans} == {("age", "ward", "birthday", "MRN")}
    with pytest.raises(StoreError, match="--columns names columns"):
        ingest(tmp_path / "in", tmp_path / "other", IngestOptions(columns=["age"], workers=1, progress=False))


@pytest.mark.parametrize("name", ["ptid", "subjid", "SubjectID", "Person ID", "patientid", "MRN", "participant"])
def test_reason_against__columns_of_people_never_stay(name: str) -> None:
    assert "called by" in reason_against(name, [(str(number), str(number % 2)) for number in range(9)])
