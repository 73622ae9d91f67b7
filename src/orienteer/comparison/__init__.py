"""A benchmark's records as statistics, one Markdown file and one offline page. Never imports torch."""

from orienteer.comparison.run import CompareResult, compare

__all__ = ["CompareResult", "compare"]
