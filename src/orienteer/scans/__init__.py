"""Find and read NIfTI, NRRD, MetaImage and DICOM scans in one mixed folder. Nothing here imports torch."""

from orienteer.scans.among import cohort_spacing, compare
from orienteer.scans.check import check
from orienteer.scans.discover import Skipped, Survey, discover, survey
from orienteer.scans.findings import Finding
from orienteer.scans.layouts import LaidOut, Layout, lay_out
from orienteer.scans.look import inspect, load, read, too_small
from orienteer.scans.result import CheckResult
from orienteer.scans.source import ScanInfo, Source

__all__ = [
    "CheckResult",
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
