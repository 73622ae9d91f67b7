"""Find and read NIfTI, NRRD, MetaImage and DICOM scans in one mixed folder. Nothing here imports torch."""

from orienteer.scans.discover import Skipped, Survey, discover, survey
from orienteer.scans.findings import Finding
from orienteer.scans.look import inspect, load, read, too_small
from orienteer.scans.source import ScanInfo, Source

__all__ = [
    "Finding",
    "ScanInfo",
    "Skipped",
    "Source",
    "Survey",
    "discover",
    "inspect",
    "load",
    "read",
    "survey",
    "too_small",
]
