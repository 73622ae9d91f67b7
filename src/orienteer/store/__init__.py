"""The store: scans on one grid in mm, read box by box. Nothing here imports torch."""

from orienteer.store.ingest import ingest
from orienteer.store.manifest import Intensity, Manifest, Parameters, ScanEntry
from orienteer.store.result import IngestResult
from orienteer.store.store import Store

__all__ = ["IngestResult", "Intensity", "Manifest", "Parameters", "ScanEntry", "Store", "ingest"]
