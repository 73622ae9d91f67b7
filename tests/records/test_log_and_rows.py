"""Records survive kills, keep their types, and refuse what a newer version wrote."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError, RunError
from orienteer.records import Measure, Observation
from orienteer.records.evaluation import Value
from orienteer.records.log import ObservationLog, measures_to_json, read_log
from orienteer.records.metric import finite
from orienteer.records.rows import merge_rows, read_rows, write_rows

GAP = Observation("gap", {"gap_error_mm": Measure(12.5, "mm", 60.0)})
ROUTE = Observation("route", {"direction_error_deg": Measure(8.0, "deg", 90.0)})


@pytest.fixture
def log(tmp_path: Path) -> ObservationLog:
    written = ObservationLog(tmp_path / "observations.jsonl")
    for step in (10, 20, 30):
        written.append(GAP, step=step, phase="train")
        written.append(ROUTE, step=step, phase="validation")
    return written


def test_log__line_is_as_documented(log: ObservationLog) -> None:
    first = json.loads(log.path.read_text().splitlines()[0])
    assert len(first.pop("crc")) == 8
    assert first == {
        "v": 1,
        "step": 10,
        "phase": "train",
        "task": "gap",
        "measures": {"gap_error_mm": {"value": 12.5, "unit": "mm", "chance": 60.0, "better": "lower"}},
    }


def test_log__reads_in_the_order_written(log: ObservationLog) -> None:
    assert [(r["step"], r["task"]) for r in read_log(log.path)] == [
        (step, task) for step in (10, 20, 30) for task in ("gap", "route")
    ]


def test_log__is_on_disk_after_every_line(log: ObservationLog) -> None:
    before = log.path.stat().st_size
    log.append(GAP, step=40, phase="train")
    assert log.path.stat().st_size > before
    assert log.path.read_text().endswith("\n")


@pytest.mark.parametrize("cut", [1, 2, 30, 100])
def test_log__torn_last_line_is_passed_over(log: ObservationLog, cut: int) -> None:
    whole = log.path.read_bytes()
    log.path.write_bytes(whole[:-cut])
    # Without its newline alone the last line is still whole.
    assert len(list(read_log(log.path))) == (6 if cut == 1 else 5)


def test_log__line_torn_within_a_letter_is_passed_over(log: ObservationLog) -> None:
    log.path.write_bytes(log.path.read_bytes() + '{"task": "ä'.encode()[:-1])
    assert len(list(read_log(log.path))) == 6


def test_log__nan_is_null(log: ObservationLog) -> None:
    log.append(Observation("gap", {"gap_error_mm": Measure(math.nan, "mm", math.inf)}), step=40, phase="train")
    line = log.path.read_text().splitlines()[-1]
    assert "NaN" not in line
    assert "Infinity" not in line
    *_, last = read_log(log.path)
    assert last["measures"]["gap_error_mm"]["value"] is None
    assert last["measures"]["gap_error_mm"]["chance"] is None


def test_log__newer_version_is_refused(log: ObservationLog) -> None:
    with log.path.open("a") as stream:
        stream.write('{"v": 2, "step": 50}\n')
    with pytest.raises(RunError, match="newer Orienteer"):
        list(read_log(log.path))


def test_log__missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"observations\.jsonl"):
        list(read_log(tmp_path / "observations.jsonl"))


def test_log__folder_that_refuses_is_a_run_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot write"):
        ObservationLog(tmp_path / "missing" / "observations.jsonl").append(GAP, step=1, phase="train")


def test_rewind__keeps_the_step_itself_and_drops_later_ones(log: ObservationLog) -> None:
    log.rewind(20)
    assert [r["step"] for r in read_log(log.path)] == [10, 10, 20, 20]


def test_rewind__drops_a_torn_line_so_that_the_next_one_starts_fresh(log: ObservationLog) -> None:
    log.path.write_bytes(log.path.read_bytes()[:-30])
    log.rewind(30)
    log.append(GAP, step=40, phase="train")
    lines = log.path.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 10, 20, 20, 30, 40]


def test_rewind__keeps_kept_lines_byte_for_byte(log: ObservationLog) -> None:
    before = log.path.read_text().splitlines()
    log.rewind(10)
    assert log.path.read_text().splitlines() == before[:2]


def test_rewind__of_no_file_makes_none(tmp_path: Path) -> None:
    ObservationLog(tmp_path / "observations.jsonl").rewind(5)
    assert list(tmp_path.iterdir()) == []


def test_measures__json_round_trip() -> None:
    measures = {
        "a": Measure(1.5, "mm", 3.0, "lower"),
        "b": Measure(0.9, "fraction", None, "higher"),
    }
    document = json.loads(json.dumps(measures_to_json(measures)))
    read = {name: Value.model_validate(value).measure for name, value in document.items()}
    assert read == measures
    lost = Value.model_validate(measures_to_json({"a": Measure(math.nan, "mm")})["a"])
    assert lost.value is None and math.isnan(lost.measure.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_finite__what_json_cannot_say_is_none(value: float | None) -> None:
    assert finite(value) is None


def test_finite__numpy_becomes_a_plain_float() -> None:
    assert type(finite(np.float32(2.5))) is float
    assert finite(0.0) == 0.0


def rows(samples: int, offset: int = 0) -> dict[str, np.ndarray]:
    return {
        "sample": np.repeat(np.arange(samples, dtype=np.int32), 2),
        "kind": np.array(["step", "tour"] * samples),
        "true_r": (np.arange(samples * 2) + offset).astype(np.float32),
    }


def test_rows__parquet_round_trip_keeps_types(tmp_path: Path) -> None:
    written = rows(3) | {"view_i": np.arange(6, dtype=np.int8)}
    written["true_r"][4] = np.nan
    write_rows(tmp_path / "deep" / "gap.parquet", written)
    read = read_rows(tmp_path / "deep" / "gap.parquet")
    assert list(read) == list(written), "columns in their order"
    for name in ("sample", "true_r", "view_i"):
        assert read[name].dtype == written[name].dtype
        np.testing.assert_array_equal(read[name], written[name])
    assert read["kind"].tolist() == written["kind"].tolist()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["gap.parquet"], "no leftovers"


def test_rows__failed_write_leaves_the_old_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gap.parquet"
    write_rows(path, rows(3))

    def full(table: object, part: Path, **_: object) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orienteer.records.rows.pq.write_table", full)
    with pytest.raises(OrienteerError, match="No space left"):
        write_rows(path, rows(9))
    assert len(read_rows(path)["sample"]) == 6
    assert [p.name for p in tmp_path.iterdir()] == ["gap.parquet"]


def test_rows__damaged_or_missing_table_is_a_run_error(tmp_path: Path) -> None:
    path = tmp_path / "gap.parquet"
    with pytest.raises(RunError, match=r"gap\.parquet"):
        read_rows(path)
    write_rows(path, rows(50))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match=r"gap\.parquet"):
        read_rows(path)


def test_merge_rows__equals_one_big_table() -> None:
    whole = rows(7)
    parts = [rows(3), rows(3, offset=6), rows(1, offset=12)]
    merged = merge_rows(parts, [3, 3, 1])
    assert merged.keys() == whole.keys()
    for name, column in whole.items():
        np.testing.assert_array_equal(merged[name], column)


def test_merge_rows__counts_samples_that_left_no_row() -> None:
    first = {"sample": np.array([0, 2], dtype=np.int32)}
    second = {"sample": np.array([1], dtype=np.int32)}
    np.testing.assert_array_equal(merge_rows([first, second], [4, 4])["sample"], [0, 2, 5])


def test_merge_rows__of_nothing_is_nothing() -> None:
    assert merge_rows([], []) == {}


def test_merge_rows__counts_must_match_the_parts() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        merge_rows([rows(1), rows(1)], [1])
