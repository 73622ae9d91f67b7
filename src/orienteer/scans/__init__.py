"""Find and read NIfTI, NRRD, MetaImage and DICOM scans in one mixed folder. Nothing here imports torch."""

from orienteer.scans.check import check
from orienteer.scans.cohort import cohort_spacing, compare, too_small
from orienteer.scans.discover import Survey, discover, survey
from orienteer.scans.findings import Finding
from orienteer.scans.layouts.lay_out import LaidOut, lay_out
from orienteer.scans.layouts.layout import DatasetSummary, Layout
from orienteer.scans.reading import inspect, load, read
from orienteer.scans.result import CheckResult
from orienteer.scans.source import ScanInfo, Skipped, Source

__all__ = [
    "CheckResult",
    "DatasetSummary",
    "Finding",
    "LaidOut",
    "Layout",
    "ScanInfo",
    "Skipped",
    "Source",
    "Survey",
    "check",
    "cohort_spacing",
    "compare",
    "discover",
    "inspect",
    "lay_out",
    "load",
    "read",
    "survey",
    "too_small",
]
