import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orienteer.comparison import compare
from orienteer.errors import RunError

from .results_folder import SEGMENTATION, make_results

WRITTEN = ("results.md", "report.html", "curves.svg", "aggregated.parquet", "comparisons.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_results(tmp_path / "results", tasks=(SEGMENTATION,), modes=("finetuned",), labels=(1, 3))


def test_compare__deleted_results_come_back_byte_for_byte(folder: Path) -> None:
    compare(folder)
    before = {name: (folder / name).read_bytes() for name in WRITTEN}
    for name in WRITTEN:
        (folder / name).unlink()
    compare(folder)
    assert {name: (folder / name).read_bytes() for name in WRITTEN} == before


def test_compare__another_process_place_and_row_order_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    compare(folder)
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, other)
    for name in WRITTEN:
        (other / name).unlink()
    for file in ("cases", "costs", "pretext"):
        path = other / "records" / f"{file}.parquet"
        table = pq.read_table(path)
        pq.write_table(table.take(list(reversed(range(table.num_rows)))), path)
    code = f"from orienteer.comparison import compare; compare({str(other)!r})"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"}, timeout=60
    )
    for name in WRITTEN:
        assert (other / name).read_bytes() == (folder / name).read_bytes(), name


def test_compare__leaves_the_records_alone(folder: Path) -> None:
    read = [folder / "benchmark.json", *sorted((folder / "records").iterdir())]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in read]
    compare(folder)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in read] == before
    names = {path.name for path in folder.iterdir()}
    assert names == {*WRITTEN, "benchmark.json", "records"}


def test_compare__parquet_holds_the_statistics(folder: Path) -> None:
    found = compare(folder)
    scores = pq.read_table(found.scores).to_pylist()
    assert len(scores) == len(found.analysis.scores) == 2 * 7 * 3
    one = next(row for row in scores if (row["arm"], row["labels"], row["metric"]) == ("ours", 1, "dice"))
    key = next(key for key in found.analysis.scores if key[2:] == (1, "ours", "dice"))
    assert one["mean"] == pytest.approx(found.analysis.scores[key].mean)
    tests = pq.read_table(found.comparisons).to_pylist()
    assert len(tests) == len(found.analysis.comparisons)
    assert tests[0]["p_holm"] == pytest.approx(found.analysis.comparisons[0].holm_row)


def test_compare__no_torch_is_imported(folder: Path) -> None:
    code = (
        "import sys; from orienteer.comparison import compare; "
        f"compare({str(folder)!r}); print([n for n in ('torch', 'monai', 'lightning_fabric') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_compare__a_folder_without_a_benchmark_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not the results of a benchmark: nothing is there"):
        compare(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"benchmark\.json"):
        compare(tmp_path)
