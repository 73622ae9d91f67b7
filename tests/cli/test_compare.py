"""``orienteer compare`` as a user calls it."""

from pathlib import Path

from tests.cli.conftest import Command
from tests.comparison.results_folder import SEGMENTATION, make_results


def test_compare__prints_a_table_and_the_paths_written(tmp_path: Path, orienteer: Command) -> None:
    folder = make_results(tmp_path / "results", tasks=(SEGMENTATION,), modes=("finetuned",))
    code, told, error = orienteer("compare", folder, columns=80)
    assert code == 0, error
    assert error == ""
    assert "masked autoencoding" in told
    assert "10 labels" in told
    assert "ours is" in told
    for name in ("results.md", "report.html", "aggregated.parquet", "comparisons.parquet"):
        assert f"written: {folder / name}" in told
        assert (folder / name).is_file()
    assert max(map(len, told.partition("written:")[0].splitlines())) <= 80


def test_compare__markup_in_a_label_is_shown_as_it_is(tmp_path: Path, orienteer: Command) -> None:
    arms = (("ours", "[bold]ours[/bold] [/x]", "ours"), ("scratch", "scratch", "scratch"))
    code, told, error = orienteer("compare", make_results(tmp_path, arms=arms, tasks=(SEGMENTATION,), labels=(1,)))
    assert code == 0, error
    assert "[bold]ours[/bold] [/x]" in told


def test_compare__gaps_are_told(tmp_path: Path, orienteer: Command) -> None:
    _, told, _ = orienteer("compare", make_results(tmp_path, tasks=(SEGMENTATION,), labels=(1,), extras=False))
    assert "not complete: records/costs.parquet was not written" in told


def test_compare__a_wrong_folder_is_two_lines_not_a_traceback(tmp_path: Path, orienteer: Command) -> None:
    code, _, error = orienteer("compare", tmp_path)
    assert code == 2
    lines = error.splitlines()
    assert lines[0] == f"orienteer: {tmp_path} is not the results of a benchmark: it holds no benchmark.json"
    assert lines[1].startswith("  fix: ")


def test_compare__a_folder_of_results_names_those_in_it(tmp_path: Path, orienteer: Command) -> None:
    made = [make_results(tmp_path / name, tasks=(SEGMENTATION,), labels=(1,)) for name in "abcd"]
    code, _, error = orienteer("compare", tmp_path)
    assert code == 2
    assert f"it holds {made[0]}, {made[1]}, {made[2]} and 1 more\n  fix: give one of them" in error


def test_compare__is_in_the_python_api() -> None:
    from orienteer import api
    from orienteer.comparison import compare

    assert api.compare is compare


def test_compare__marks_ours_and_shows_no_two_arms_by_one_name(tmp_path: Path, orienteer: Command) -> None:
    long = "an arm of gap, adjacency, routes and position"
    arms = (("ours", f"{long} first", "ours"), ("b", f"{long} second", "baseline"), ("scratch", "scratch", "scratch"))
    code, told, error = orienteer("compare", make_results(tmp_path, arms=arms, tasks=(SEGMENTATION,)), columns=80)
    assert code == 0, error
    table = told.partition("written:")[0]
    assert "» an arm" in table and "» ours" in table and table.count("» an arm") == table.count("first")
    assert "second" in table and max(map(len, table.splitlines())) <= 80
