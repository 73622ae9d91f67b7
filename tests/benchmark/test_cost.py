import json
import time
from pathlib import Path

import pytest

from orienteer.benchmark.cost import FILE, Cost


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_cost__waiting_is_time_but_not_processor_time(tmp_path: Path) -> None:
    with Cost(tmp_path) as cost:
        burn(0.1)
        time.sleep(0.3)
    assert cost.seconds >= 0.4
    assert 0.09 <= cost.cpu_seconds < 0.3
    assert cost.peak_memory_mb is not None and cost.peak_memory_mb > 10


def test_cost__a_stopped_cell_adds_to_what_it_cost_before(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Cost(tmp_path) as first:
        burn(0.1)
        raise KeyboardInterrupt
    with Cost(tmp_path) as second:
        burn(0.1)
    assert second.cpu_seconds >= first.cpu_seconds + 0.09
    assert second.seconds >= first.seconds + 0.09
    assert json.loads((tmp_path / FILE).read_text()) == second.to_json()


@pytest.mark.parametrize("content", ["", "[]", '{"seconds": "x"}', "{}"])
def test_cost__a_damaged_file_counts_as_none(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    with Cost(tmp_path) as cost:
        pass
    assert cost.seconds < 5


def test_cost__a_cell_that_made_no_folder_leaves_none(tmp_path: Path) -> None:
    with Cost(tmp_path / "cell") as cost:
        pass
    assert cost.seconds >= 0 and not (tmp_path / "cell").exists()
