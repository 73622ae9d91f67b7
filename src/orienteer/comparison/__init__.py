"""From a benchmark's records to statistics, one Markdown table and one offline page. Never imports torch."""

from orienteer.comparison.run import CompareResult, compare

__all__ = ["CompareResult", "compare"]
