import json
import sys
import time
from pathlib import Path

import pytest

from orienteer.benchmark.cost import FILE, Cost
from orienteer.sampling import Sampler, SampleRecipe, ViewSettings
from orienteer.sampling.loader import batches
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store


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


class Slow(Sampler):
    """A sampler that takes its time, in whatever process it is asked."""

    def draw(self, number: int) -> SampleRecipe:
        burn(0.5)
        return super().draw(number)


def test_cost__of_loader_processes_counts(tmp_path: Path) -> None:
    store = Store.open(phantom_store(tmp_path / "phantoms", people=4))
    sampler = Slow(store, store.ids("train"), ViewSettings(size=16), seed=0)
    ready = Sampler(store, sampler.ids, ViewSettings(size=16), seed=0)
    assert list(batches(ready, [[0]], workers=1)), "what workers import is imported"
    with Cost(tmp_path / "none") as cost:
        assert len(list(batches(sampler, [[0], [1], [2], [3]], workers=1))) == 4
    assert cost.cpu_seconds >= 2


def test_cost__a_stopped_job_adds_to_what_it_cost_before(tmp_path: Path) -> None:
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
    assert cost.to_json()["seconds"] is None, "what it cost before is not known"


def test_cost__of_a_job_that_was_killed_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").touch()
    with pytest.raises(KeyboardInterrupt), Cost(tmp_path):
        raise KeyboardInterrupt
    with Cost(tmp_path) as again:
        pass
    told = again.to_json()
    assert (told["seconds"], told["cpu_seconds"], told["energy_j"]) == (None, None, None)
    assert told["peak_memory_mb"] > 10


def test_cost__a_kill_after_a_stop_is_seen_too(tmp_path: Path) -> None:
    with Cost(tmp_path):
        pass
    (tmp_path / "checkpoint").touch()
    assert Cost(tmp_path).to_json()["seconds"] is not None
    Cost(tmp_path).__enter__()  # and killed
    assert Cost(tmp_path).to_json()["seconds"] is None


def zone(folder: Path, name: str, value: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(name)
    (folder / "energy_uj").write_text(str(value))


def test_cost__energy_is_that_of_whole_packages_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rapl = tmp_path / "powercap"
    monkeypatch.setattr("orienteer.benchmark.cost.RAPL", rapl)

    def tick(value: float) -> None:
        zone(rapl / "intel-rapl:0", "package-0", value)
        zone(rapl / "intel-rapl:0:0", "core", value)
        zone(rapl / "intel-rapl:0:1", "dram", value)
        zone(rapl / "intel-rapl:1", "psys", value)

    tick(1e6)
    with Cost(tmp_path / "one") as cost, Cost(tmp_path / "beside", alone=False) as beside:
        tick(6e6)
    assert cost.energy_j == pytest.approx(5.0)
    assert beside.energy_j is None, "the machine's energy is of all the jobs that ran"
    with Cost(tmp_path / "over") as cost:
        tick(2e6)
    assert cost.energy_j is None, "the counter ran over"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a peak start anew")
def test_cost__memory_is_the_jobs_own(tmp_path: Path) -> None:
    with Cost(tmp_path / "large") as large:
        held = [bytearray(64 << 10) for _ in range(6400)]  # small pieces, which free() alone does not give back
        del held[::2]
    del held
    with Cost(tmp_path / "small") as small:
        pass
    assert large.peak_memory_mb is not None and small.peak_memory_mb is not None
    assert small.peak_memory_mb < large.peak_memory_mb - 200


def test_cost__a_job_that_made_no_folder_leaves_none(tmp_path: Path) -> None:
    with Cost(tmp_path / "job") as cost:
        pass
    assert cost.seconds >= 0 and not (tmp_path / "job").exists()
