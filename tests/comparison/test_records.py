from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orienteer.comparison.benchmark import write_benchmark
from orienteer.comparison.records import CASES, read_records, write_cases, write_costs, write_pretext
from orienteer.errors import RunError

from .results_folder import case_row, document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_benchmark(tmp_path, document())
    return tmp_path


def test_records__are_read_as_they_were_written(folder: Path) -> None:
    rows = [case_row(), case_row(case="scan-01", person="person-01", value=float("nan"))]
    write_cases(folder, rows)
    found = read_records(folder)
    assert found.cases.schema == CASES.schema
    values = found.cases.column("value").to_pylist()
    assert values[0] == 0.5
    assert np.isnan(values[1])


def test_records__costs_and_pretext_may_be_missing(folder: Path) -> None:
    write_cases(folder, [case_row()])
    found = read_records(folder)
    assert found.costs is None
    assert found.pretext is None
    assert found.cases.num_rows == 1


def test_records__costs_and_pretext_allow_what_cannot_be_known(folder: Path) -> None:
    write_cases(folder, [case_row()])
    cost = {"arm": "ours", "stage": "pretrain", "labels": None, "seed": 0, "seconds": None,
            "cpu_seconds": None, "peak_memory_mb": None,
            "energy_j": None, "device": "cpu"}  # fmt: skip
    own = {"arm": "ours", "seed": 0, "task": "gap", "measure": "gap_error_mm", "value": 5.0, "unit": "mm",
           "chance": None, "skill": None, "verdict": None}  # fmt: skip
    write_costs(folder, [cost])
    write_pretext(folder, [own])
    found = read_records(folder)
    assert found.costs.to_pylist() == [cost | {"task": None, "steps": None, "identity": None}]
    assert found.pretext.to_pylist() == [own | {"title": None}]


def test_records__without_a_folder_or_cases_say_what_to_do(folder: Path) -> None:
    with pytest.raises(RunError, match="is not the results of a benchmark: nothing is there"):
        read_records(folder / "nowhere")
    with pytest.raises(RunError, match=r"cases\.parquet is missing") as caught:
        read_records(folder)
    assert "orienteer benchmark" in caught.value.cure


@pytest.mark.parametrize("name", CASES.schema.names)
def test_records__a_missing_column_is_named(folder: Path, name: str) -> None:
    row = case_row()
    del row[name]
    with pytest.raises(RunError, match=f"lacks '{name}'"):
        write_cases(folder, [row])
    write_cases(folder, [case_row()])
    path = folder / "records" / "cases.parquet"
    pq.write_table(pq.read_table(path).drop_columns([name]), path)
    with pytest.raises(RunError, match=rf"cases\.parquet lacks the column '{name}'"):
        read_records(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": "high"}, "do not fit"),
        ({"labels": 2**40}, "do not fit"),
        ({"mode": "thawed"}, "'mode' holds the unknown 'thawed'"),
        ({"person": None}, "'person' has rows without a value"),
        ({"weather": 1}, "unknown column 'weather'"),
    ],
)
def test_records__a_wrong_row_is_not_written(folder: Path, change: dict[str, Any], told: str) -> None:
    with pytest.raises(RunError, match=told) as caught:
        write_cases(folder, [case_row(**change)])
    assert caught.value.cure
    assert not (folder / "records" / "cases.parquet").exists()


def test_records__a_column_of_the_wrong_type_is_named(folder: Path) -> None:
    write_cases(folder, [case_row()])
    path = folder / "records" / "cases.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("labels")
    pq.write_table(table.set_column(place, "labels", pa.array(["one"])), path)
    with pytest.raises(RunError, match="'labels' holds string, not int32"):
        read_records(folder)


def test_records__a_number_written_twice_is_refused(folder: Path) -> None:
    with pytest.raises(RunError, match="twice: task 'oasis-segmentation', arm 'ours'"):
        write_cases(folder, [case_row(), case_row(value=0.6)])


def test_records__a_case_of_two_people_is_refused(folder: Path) -> None:
    with pytest.raises(RunError, match="'scan-00' to several subjects"):
        write_cases(folder, [case_row(), case_row(seed=1, person="person-01")])


@pytest.mark.parametrize(("column", "value"), [("arm", "unheard"), ("task", "unheard-of")])
def test_records__names_that_the_benchmark_does_not_know_are_refused(folder: Path, column: str, value: str) -> None:
    write_cases(folder, [case_row(**{column: value})])
    with pytest.raises(RunError, match=f"'{column}' holds the unknown '{value}'") as caught:
        read_records(folder)
    assert "benchmark.json" in caught.value.cure


def test_records__a_damaged_file_is_named(folder: Path) -> None:
    (folder / "records").mkdir()
    (folder / "records" / "cases.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(RunError, match=r"cannot read .*cases\.parquet"):
        read_records(folder)
