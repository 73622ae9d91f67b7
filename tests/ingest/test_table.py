"""The user's table: read kindly, refused clearly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.ingest.table import Row, Table, base_name, match, read_table, read_table_with_notes


def table(folder: Path, text: str, name: str = "t.tsv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("person", ["person", "subject", "participant_id", "Subject", "Patient ID", "subjid", "MRN"])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
def test_read_table__finds_the_person_whatever_it_is_called(tmp_path, person, delimiter) -> None:
    lines = [
        ["id", person, "split", "age"],
        ["a", "P1", "val", "20"],
        ["b", "P1", "val", ""],
        ["c", "", "", "7"],
    ]
    rows = read_table(table(tmp_path, "\ufeff" + "\r\n".join(delimiter.join(line) for line in lines) + "\r\n\r\n"))
    assert rows == {
        "a": Row("a", "P1", "val", {"age": "20"}),
        "b": Row("b", "P1", "val", {"age": ""}),
        "c": Row("c", "c", "", {"age": "7"}),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name\tperson\na\tP\n", "no column 'id'; it has: name, person"),
        ("", "no column 'id'; it has: nothing"),
        ("id\tperson\n\n", "has a header and no rows"),
        ("id\tage\tAge\na\t1\t2\n", "names a column twice: age"),
        ("id\tperson\na\tP\nb\n", "1 cells in line 3 and 2 columns"),
        ("id\tperson\n\tP\n", "no id in line 2"),
        ("id\nb\na\nb\n", "ids twice: b"),
        ('id,person\n"a,P\n', "no TSV or CSV"),
    ],
)
def test_read_table__says_what_is_wrong(tmp_path, text, told) -> None:
    with pytest.raises(StoreError, match=r"t\.tsv") as caught:
        read_table(table(tmp_path, text))
    assert told in caught.value.message
    assert caught.value.cure


def test_read_table__two_columns_of_people_must_agree(tmp_path) -> None:
    agreed = "id,Patient ID,subject\na,P,1\nb,,1\nc,Q,2\nd,,3\ne,R,\n"
    found = read_table(table(tmp_path, agreed))
    assert [row.subject for row in found.values()] == ["1", "1", "2", "3", "R"]
    for other in ("id,person,mrn\na,P,1\nb,Q,1\n", "participant_id,mrn\na,1\nb,1\n", "id,person,mrn\na,P,1\nb,P,2\n"):
        with pytest.raises(
            StoreError, match=r"columns (person|participant_id) and mrn, and they disagree, e\.g\. on b"
        ):
            read_table(table(tmp_path, other))


def test_read_table__a_word_for_nobody_is_no_person(tmp_path) -> None:
    words = ["NA", "n/a", "unknown", "Missing", "#N/A", "?", "-", "none", "NA"]
    text = "id,person,split\n" + "".join(f"s{n},{word},{('train', 'val')[n % 2]}\n" for n, word in enumerate(words))
    rows, notes = read_table_with_notes(table(tmp_path, text + "p,P,\ne,,\n"))
    assert [(row.subject, row.named) for row in rows.values()][:9] == [(f"s{n}", False) for n in range(9)]
    assert rows["p"].named and len(notes) == 1
    assert notes[0].startswith("9 rows of the table name nobody (#N/A, -, ?")
    with pytest.raises(StoreError, match="no id in line 3"):
        read_table(table(tmp_path, "participant_id,age\nP,3\nNA,4\n"))


def test_read_table__a_person_in_two_splits_is_refused_with_their_scans(tmp_path) -> None:
    path = table(tmp_path, "id\tperson\tsplit\na\tP\ttrain\nb\tQ\ttrain\nc\tP\ttest\n")
    with pytest.raises(StoreError, match=r"several splits \(test, train\): scans a, c"):
        read_table(path)


@pytest.mark.parametrize(
    ("one", "other"), [("Smith01", "SMITH01"), ("007", "7"), ("P 1", "p1"), ("P01", "P1"), ("sub-01", "1")]
)
def test_read_table__one_subject_in_two_spellings_is_one(tmp_path, one: str, other: str) -> None:
    with pytest.raises(StoreError, match=r"one subject, spelt in several ways, into several splits"):
        read_table(table(tmp_path, f"id\tperson\tsplit\na\t{one}\ttrain\nb\t{other}\ttest\n"))
    rows, notes = read_table_with_notes(table(tmp_path, f"id\tperson\na\t{one}\nb\t{other}\nc\tQ\n"))
    assert [row.subject for row in rows.values()] == [one, one, "Q"]
    assert len(notes) == 1 and "of a, b: names that differ only in capitals" in notes[0]


@pytest.mark.parametrize("header", ["id\tparticipant_id", "participant_id\tage"])
def test_match__one_subject_as_bids_and_spreadsheets_spell_it(tmp_path, header: str) -> None:
    scans = ["sub-01__ses-1__anat__sub-01_ses-1_T1w", "01_ct", "1_pet", "sub-02__anat__sub-02_T1w", "10_ct"]
    people = ["sub-01", "01", "1", "sub-02", "10"]
    cells = zip(scans, people, strict=True) if header.startswith("id") else ((name, "50") for name in people)
    rows, notes = read_table_with_notes(table(tmp_path, f"{header}\n" + "".join(f"{a}\t{b}\n" for a, b in cells)))
    found, unused = match(rows, scans)
    assert [found[scan].subject for scan in scans] == ["sub-01", "sub-01", "sub-01", "sub-02", "10"]
    assert not unused and len(notes) == 1 and "a sub- before them" in notes[0]


def test_read_table__numbers_in_other_places_are_other_subjects(tmp_path) -> None:
    rows, notes = read_table_with_notes(table(tmp_path, "id\tperson\na\t1 23\nb\t12 3\nc\t1.05\nd\t1.5\n"))
    assert [row.subject for row in rows.values()] == ["1 23", "12 3", "1.05", "1.5"]
    assert notes == ()


def test_read_table__the_usual_words_for_a_split_mean_it(tmp_path) -> None:
    words = {
        "train": "train", "Train": "train", " TRAINING ": "train", "val": "val", "Val": "val", "valid": "val",
        "Validation": "val", "dev": "val", "Test": "test", "testing": "test",
        "external": "external", "n/a": "", "Site-B": "Site-B",
    }  # fmt: skip
    text = "id\tsplit\n" + "".join(f"{number}\t{word}\n" for number, word in enumerate(words))
    assert [row.split for row in read_table(table(tmp_path, text)).values()] == list(words.values())


def test_read_table__two_words_for_one_split_are_no_contradiction(tmp_path) -> None:
    rows = read_table(table(tmp_path, "id\tperson\tsplit\na\tP\tTrain\nb\tP\ttraining\n"))
    assert {row.split for row in rows.values()} == {"train"}


def test_read_table__missing_or_binary(tmp_path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        read_table(tmp_path / "none.tsv")
    (tmp_path / "b.tsv").write_bytes(b"\xff\xfe\x00id")
    with pytest.raises(StoreError, match="is not text"):
        read_table(tmp_path / "b.tsv")


def test_match__whole_id_then_file_name_then_nothing() -> None:
    rows = {name: Row(name, name) for name in ("1000", "b/2", "gone")}
    found, unused = match(rows, ["a__1000", "b__2", "c__2"])
    assert {scan: row.id for scan, row in found.items()} == {"a__1000": "1000", "b__2": "b/2"}
    assert unused == ["gone"]


def test_read_table__what_nobody_sees_is_in_no_cell(tmp_path) -> None:
    text = (
        "\ufeffid,\ufeffperson,split\u200b,sex\na\u00a0,P 1\u200b,train\u00a0,\u200bF\nb,P\u00a01,\u2060Train\ufeff,F\n"
    )
    rows = read_table(table(tmp_path, text))
    assert rows == {name: Row(name, "P 1", "train", {"sex": "F"}) for name in "ab"}


@pytest.mark.parametrize("begin", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_read_table__a_workbook_is_called_one(tmp_path, begin: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(begin + bytes(60))
    with pytest.raises(StoreError, match=r"t\.csv is a workbook") as caught:
        read_table(path)
    assert caught.value.cure == "save the sheet as CSV UTF-8"


def test_match__composed_and_decomposed_characters_are_the_same(tmp_path) -> None:
    mac = "site__Mu\u0308ller"
    for id_ in ("M\u00fcller", "Mu\u0308ller", "site/M\u00fcller"):
        rows = read_table(table(tmp_path, f"id,person\n{id_},P\nx,Q\n"))
        Table(Path("t.tsv"), {key: row for key, row in rows.items() if key != "x"}).check_about([mac])
        assert match(rows, [mac])[0][mac].subject == "P"
    people = read_table(table(tmp_path, "person,age\nM\u00fcller,5\n"))
    assert list(match(people, [f"{mac}_T1"])[0]) == [f"{mac}_T1"]
    with pytest.raises(StoreError, match="fits several scans"):
        match(read_table(table(tmp_path, "id\nM\u00fcller\n")), ["M\u00fcller", "Mu\u0308ller"])


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


def _ages(path: Path) -> list[str]:
    return [row.extra["age"] for row in read_table(path).values()]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id;person;age\r\n001;P;54,5\r\n002;Q;61\r\n;;\r\n\r\n", "utf-8"),
        ("id;person;age\n001;P;54,5\n002;Q;61\n", "utf-8-sig"),
        ("id\tperson\tage\r\n001\tP\t54,5\r\n002\tQ\t61\r\n", "utf-16"),
        ('"id","person","age"\n"001","P","54,5"\n"002","Q","61"\n', "utf-8"),
        ("id;person;age;;\n001;P;54.5;;\n002;Q;61;;\n;;;;\n", "utf-8"),
        ("sep=;\r\nid;person;age\r\n001;P;54,5\r\n002;Q;61\r\n", "utf-8"),
        ("id;person;age\r001;P;54,5\r002;Q;61\r", "utf-8"),
        ('id;"age, in years";age\n001;;54,5\n002;;61\n', "utf-8"),
    ],
    ids=["semicolons", "mark", "UTF-16", "quoted", "empty columns", "sep=", "carriage returns", "comma in a name"],
)
def test_read_table__as_spreadsheets_write_it(tmp_path, text: str, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding))
    rows = read_table(path)
    assert list(rows) == ["001", "002"]
    assert [row.extra["age"] for row in rows.values()] == ["54.5", "61"]


def test_read_table__commas_of_texts_ids_and_people_stay(tmp_path) -> None:
    rows = read_table(table(tmp_path, "id;person;score\n1,5;2,5;1,5\nb;c;left, right\n"))
    assert rows == {"1,5": Row("1,5", "2,5", "", {"score": "1,5"}), "b": Row("b", "c", "", {"score": "left, right"})}


@pytest.mark.parametrize(
    ("cells", "read", "told"),
    [
        (["1.234,5", "7,25", "n/a"], ["1234.5", "7.25", "n/a"], ""),
        (["1,234", "2,500"], ["1.234", "2.500"], "read as a decimal"),
        (["54,5", "61.5"], ["54.5", "61.5"], "both are read as decimals"),
        (["1,234,567", "2,5"], ["1,234,567", "2,5"], "kept as text"),
        (["-0,5", "+,25", "1,5e-3"], ["-0.5", "+.25", "1.5e-3"], ""),
    ],
)
def test_read_table__decimals_that_can_be_read_two_ways_are_told(tmp_path, cells, read, told: str) -> None:
    text = "id;age\n" + "".join(f"{number};{cell}\n" for number, cell in enumerate(cells))
    rows, notes = read_table_with_notes(table(tmp_path, text))
    assert [row.extra["age"] for row in rows.values()] == read
    assert len(notes) == bool(told) and told in " ".join(notes)


def test_read_table__a_quoted_thousand_between_commas_stays_text_and_is_told(tmp_path) -> None:
    path = table(tmp_path, 'id,age\na,"1,234"\nb,"2,500"\n')
    assert _ages(path) == ["1,234", "2,500"]
    assert "column age" in read_table_with_notes(path)[1][0]


def test_read_table__another_encoding_and_content_that_is_elsewhere_have_a_cure(tmp_path) -> None:
    latin, pointer, link = (tmp_path / name for name in ("latin.csv", "pointer.tsv", "link.tsv"))
    latin.write_bytes("id,group\na,hö\n".encode("latin-1"))
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    link.symlink_to("gone.tsv")
    for path, cure in ((latin, "CSV UTF-8"), (pointer, "git lfs pull"), (link, "datalad get")):
        with pytest.raises(StoreError, match=path.name) as caught:
            read_table(path)
        assert cure in caught.value.cure


def test_match__a_row_may_name_the_file_with_its_ending() -> None:
    found, unused = match({"b/2.nii.gz": Row("b/2.nii.gz", "P")}, ["b__2"])
    assert list(found) == ["b__2"] and not unused


def test_check_about__leading_zeros_that_a_spreadsheet_took_are_named() -> None:
    with pytest.raises(StoreError) as caught:
        Table(Path("t.csv"), {"1": Row("1", "P")}).check_about(["001", "002"])
    assert "leading zeros" in caught.value.cure


@given(st.text(alphabet="ab_/1", min_size=1, max_size=12))
def test_base_name__is_never_empty(scan_id) -> None:
    assert base_name(scan_id)


def test_read_table__a_first_column_of_people_makes_rows_about_people(tmp_path) -> None:
    rows = read_table(table(tmp_path, "Participant_ID\tage\nsub-01\t50\n"))
    assert rows == {"sub-01": Row("sub-01", "sub-01", "", {"age": "50"}, of_person=True)}
    with pytest.raises(StoreError, match="no column 'id'"):
        read_table(table(tmp_path, "age\tparticipant_id\n50\tsub-01\n"))


def test_match__a_row_about_a_person_fits_all_of_their_scans_and_the_longest_name_wins() -> None:
    rows = {name: Row(name, name, of_person=True) for name in ("P1", "P1_2", "gone")}
    found, unused = match(rows, ["P1_T1", "P1__T2", "P1_2_T1", "P12_T1"])
    assert {scan: row.id for scan, row in found.items()} == {"P1_T1": "P1", "P1__T2": "P1", "P1_2_T1": "P1_2"}
    assert unused == ["gone"]
    Table(Path("t.tsv"), rows).check_about(["x__P1_T1"])


def test_match__a_person_of_two_folders_may_be_two_people() -> None:
    rows = {"01": Row("01", "01", of_person=True)}
    assert len(match(rows, ["T1__01_T1", "T2__01_T2", "ses-1__01__T2"])[0]) == 3
    with pytest.raises(StoreError, match="may be several subjects: siteA__01, siteB__01"):
        match(rows, ["siteA__01", "siteB__01"])
