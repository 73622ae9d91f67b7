"""The store: scans on one grid in mm, read box by box. Nothing here imports torch."""

from orienteer.store.manifest import Intensity, Manifest, Parameters, ScanEntry
from orienteer.store.store import Store

__all__ = ["Intensity", "Manifest", "Parameters", "ScanEntry", "Store"]
