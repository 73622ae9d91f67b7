"""Files that are there whole or not at all."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from orienteer.atomic import MadeOneByOne, write_json

VALUES: list[Any] = [{}, [], {"a": [1, 2.5, None, True], "b": {"ä": "\u2028\n"}}, {"a": [], "b": [[], {}]}, "text", 3]


@pytest.mark.parametrize("value", VALUES)
def test_write_json__is_what_json_writes(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", value)
    assert (tmp_path / "a.json").read_bytes() == (json.dumps(value, indent=2) + "\n").encode()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_write_json__values_may_be_made_one_by_one(tmp_path: Path, count: int) -> None:
    write_json(tmp_path / "a.json", {"a": MadeOneByOne(lambda n: {"n": n}, range(count)), "b": 1})
    expected = {"a": [{"n": n} for n in range(count)], "b": 1}
    assert (tmp_path / "a.json").read_text() == json.dumps(expected, indent=2) + "\n"


def test_write_json__holds_neither_the_text_nor_all_values(tmp_path: Path) -> None:
    values = MadeOneByOne(lambda n: {"text": f"{n:0100}"}, range(20_000))
    tracemalloc.start()
    write_json(tmp_path / "a.json", values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000 < (tmp_path / "a.json").stat().st_size / 4


def test_write_json__what_is_no_json_leaves_the_earlier_file(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", [1, float("nan")])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"] and (tmp_path / "a.json").read_text() == "1\n"
