"""Render a folder of records; the records are only read, so this can be repeated at any time."""

from dataclasses import dataclass
from pathlib import Path

from orienteer.atomic import write_text
from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.curves import curves_svg
from orienteer.comparison.files import write_comparisons, write_scores
from orienteer.comparison.markdown import markdown
from orienteer.comparison.page import render
from orienteer.comparison.records import read_records
from orienteer.comparison.statistics import Analysis, analyse
from orienteer.comparison.summary import Summary, summary_of

CURVES = "curves.svg"


@dataclass(frozen=True)
class CompareResult:
    """The statistics, their summary in words, and the files that were written."""

    benchmark: Benchmark
    analysis: Analysis
    summary: Summary
    table: Path
    page: Path
    curves: Path | None
    scores: Path
    comparisons: Path


def compare(results: Path | str) -> CompareResult:
    """Read ``RESULTS``'s records and write ``results.md``, ``report.html``, ``curves.svg`` and two Parquet tables.

    Earlier files are replaced; they depend on the records alone.

    Raises:
        RunError: ``results`` is no results folder, or its records are wrong.
        OrienteerError: a file cannot be written.
    """
    folder = Path(results)
    records = read_records(folder)
    analysis = analyse(records)
    summary = summary_of(analysis, records.benchmark)
    drawing = curves_svg(analysis, records.benchmark)
    made = CompareResult(
        benchmark=records.benchmark,
        analysis=analysis,
        summary=summary,
        table=folder / "results.md",
        page=folder / "report.html",
        curves=folder / CURVES if drawing else None,
        scores=folder / "aggregated.parquet",
        comparisons=folder / "comparisons.parquet",
    )
    write_scores(made.scores, analysis)
    write_comparisons(made.comparisons, analysis)
    if drawing:
        write_text(folder / CURVES, drawing)
    else:
        (folder / CURVES).unlink(missing_ok=True)
    write_text(made.table, markdown(analysis, records.benchmark, summary, curves=CURVES if drawing else None))
    write_text(made.page, render(analysis, records.benchmark, summary))
    return made
