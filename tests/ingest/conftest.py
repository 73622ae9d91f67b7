"""The small store of the store's own tests."""

from tests.store.conftest import labels, scans, store

__all__ = ["labels", "scans", "store"]
