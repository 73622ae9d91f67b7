import json
from pathlib import Path
from typing import Any

import pytest

from orienteer.comparison.benchmark import read_benchmark, write_benchmark
from orienteer.errors import RunError

from .results_folder import document


def test_benchmark__is_read_as_it_was_written(tmp_path: Path) -> None:
    write_benchmark(tmp_path, document())
    found = read_benchmark(tmp_path)
    assert found.ours is not None
    assert found.ours.name == "ours"
    assert found.scratch is not None
    assert found.scratch.name == "scratch"  # the first of two
    assert [arm.name for arm in found.baselines] == ["masked", "genesis", "simclr"]
    assert found.task("oasis-segmentation").sign == 1
    assert json.loads((tmp_path / "benchmark.json").read_text())["schema_version"] == 1


def test_benchmark__missing_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot read .*benchmark\.json") as caught:
        read_benchmark(tmp_path)
    assert "orienteer benchmark" in caught.value.cure


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        ("[]", "no JSON object"),
        ('{"schema_version": 2}', "schema version 2"),
        ("{}", "schema version None"),
    ],
)
def test_benchmark__of_another_kind_is_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "benchmark.json").write_text(text)
    with pytest.raises(RunError, match=told):
        read_benchmark(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tasks": []}, "tasks"),
        ({"arms": [{"name": "a", "label": "A", "role": "best"}]}, r"arms\.0\.role"),
        ({"arms": [{"name": "a", "label": "A", "role": "ours"}] * 2}, "names the arm 'a' twice"),
        ({"title": None}, "title"),
    ],
)
def test_benchmark__a_wrong_key_is_named_when_read_and_when_written(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(RunError, match=told):
        write_benchmark(tmp_path, document() | change)
    assert not (tmp_path / "benchmark.json").exists()
    (tmp_path / "benchmark.json").write_text(json.dumps({"schema_version": 1} | document() | change))
    with pytest.raises(RunError, match=told):
        read_benchmark(tmp_path)


def test_benchmark__keys_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    write_benchmark(tmp_path, document() | {"weather": "fine"})
    assert read_benchmark(tmp_path).name == "oasis-cpu"
