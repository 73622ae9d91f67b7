"""From a folder of scans to a store: plan what to read, prepare it in parallel, settle who is who, write once."""

from orienteer.ingest.result import IngestResult
from orienteer.ingest.run import ingest

__all__ = ["IngestResult", "ingest"]
