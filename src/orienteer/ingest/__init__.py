"""From a folder of scans to a store: find, plan, read in parallel, assign subjects, drop copies, publish once."""

from orienteer.ingest.options import IngestOptions
from orienteer.ingest.result import IngestResult
from orienteer.ingest.run import ingest

__all__ = ["IngestOptions", "IngestResult", "ingest"]
