import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orienteer.comparison.markdown import escape, markdown, paragraph
from orienteer.comparison.records import Records, read_records
from orienteer.comparison.statistics import Analysis, analyse
from orienteer.comparison.summary import summary_of

from .results_folder import ARMS, SEGMENTATION, make_results


def _text(folder: Path) -> str:
    records = read_records(folder)
    analysis = analyse(records)
    return markdown(analysis, records.benchmark, summary_of(analysis, records.benchmark))


@pytest.fixture(scope="module")
def text(analysis: Analysis, records: Records) -> str:
    return markdown(analysis, records.benchmark, summary_of(analysis, records.benchmark))


def _tables(text: str) -> list[list[list[str]]]:
    """Every table of the file, as rows of cells; a cell's own bars are escaped."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("| ")]
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block] for block in blocks]


def test_markdown__every_row_has_as_many_cells_as_its_head(text: str) -> None:
    tables = _tables(text)
    assert len(tables) > 15
    for table in tables:
        assert {len(row) for row in table} == {len(table[0])}


def test_markdown__shows_means_intervals_and_marks(text: str, analysis: Analysis) -> None:
    score = next(score for key, score in analysis.scores.items() if key[:5] == SHOWN)
    assert score.low is not None
    assert score.high is not None
    assert score.sd_seeds is not None
    mean, low, high, spread = (f"{100 * v:.1f}" for v in (score.mean, score.low, score.high, score.sd_seeds))
    assert f"| **{mean} ▲†** ± {spread} ({low} to {high}) |" in text
    assert "± SD of the seeds' means" in text


SHOWN = ("oasis-segmentation", "finetuned", 1, "ours", "dice")


def test_markdown__the_best_of_each_column_is_bold(text: str) -> None:
    table = next(table for table in _tables(text) if len(table) == 2 + len(ARMS) and "▲" in str(table))
    for column in range(1, 5):
        cells = [row[column] for row in table[2:]]
        values = [float(re.findall(r"\d+\.\d", cell)[0]) for cell in cells]
        bold = [value for value, cell in zip(values, cells, strict=True) if "**" in cell]
        assert set(bold) == {max(values)}


def test_markdown__holds_every_part(text: str) -> None:
    for title in (
        "## What was run on what", "### HD95 (mm), fine-tuned, lower is better", "### Labels scratch needs to score",
        "### Surface Dice (points, 0 to 100)", "### Dice of each structure, fine-tuned, 1 label",
        "## Did each arm learn its own pretext?", "## Cost of each arm", "## Paired comparisons",
        "## How the figures were made", "orienteer benchmark runs/oasis-benchmark.yaml results", "over seeds",
    ):  # fmt: skip
        assert title in text
    assert "With 8 people no p can be below 0.008" in text
    assert "No energy was recorded" in text
    assert "Family of Holm's correction: the 44 comparisons" in text
    assert "Not complete" not in text


def test_markdown__a_partial_benchmark_shows_gaps(tmp_path: Path) -> None:
    folder = make_results(tmp_path, tasks=(SEGMENTATION,), modes=("finetuned",), labels=(1, 3))
    path = folder / "records" / "cases.parquet"
    table = pq.read_table(path)
    arm, labels, seed = (table.column(name).to_pylist() for name in ("arm", "labels", "seed"))
    keep = [
        not (a == "simclr" and n == 3) and not (a == "masked" and s > 0)
        for a, n, s in zip(arm, labels, seed, strict=True)
    ]
    pq.write_table(table.filter(keep), path)
    (folder / "records" / "costs.parquet").unlink()
    text = _text(folder)
    assert re.search(r"\| SimCLR \| \d.* \| – \|", text)
    assert "SimCLR 0" in text
    assert "masked autoencoding 10" in text
    assert "costs.parquet was not written" in text
    assert "Cost of each arm" not in text
    assert "1–3 seeds" in text


def test_markdown__undefined_numbers_are_counted(tmp_path: Path) -> None:
    text = _text(make_results(tmp_path, tasks=(SEGMENTATION,), modes=("frozen",), effects={"simclr": -0.25}))
    told = re.search(r"(\d+) of 5040 measured numbers are not defined and were left out, .*: (.*)\.", text)
    assert told is not None
    counts = dict(part.rsplit(" ", 1) for part in told[2].split(", ") if part.startswith(("SimCLR", "scratch ")))
    assert int(counts["SimCLR"]) > 180  # some cells have no defined number at all: counted, and shown as a gap
    assert re.search(r"\| SimCLR \| – \|", text)


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("a|b", r"a\|b"), ("<img src=x>", r"\<img src=x>"), ("p < 0.05", "p < 0.05"), ("x86_64", "x86_64"),
        ("_a_", r"\_a\_"), ("[a](b)", r"\[a\](b)"), ("**x**", r"\*\*x\*\*"), ("`x`", r"\`x\`"), ("a\nb", "a b"),
        ("&lt;", r"\&lt;"), ("a & b", "a & b"),
    ],
)  # fmt: skip
def test_escape__leaves_only_what_is_plain(raw: str, safe: str) -> None:
    assert escape(raw) == safe


@pytest.mark.parametrize("raw", ["# a", "> a", "- a", "+ a", "1. a", "2) a"])
def test_paragraph__is_no_heading_quote_or_list(raw: str) -> None:
    assert paragraph(raw).startswith("\\") or re.match(r"\d+\\", paragraph(raw))


def test_markdown__a_hostile_label_stays_in_its_cell(tmp_path: Path) -> None:
    arms = (("ours", "a | b <script>alert(1)</script>\n# c", "ours"), ("scratch", "`scratch`", "scratch"))
    text = _text(make_results(tmp_path, arms=arms, tasks=(SEGMENTATION,), modes=("finetuned",), labels=(1,)))
    assert "<script" not in text.replace("\\<script", "")
    for table in _tables(text):
        assert {len(row) for row in table} == {len(table[0])}
