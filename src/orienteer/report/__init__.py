"""From the records of a run to one HTML file that works offline. Reads files only; never imports torch."""

from orienteer.report.page import report

__all__ = ["report"]
