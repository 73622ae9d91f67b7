"""The store's folder around an ingest: made, rid of damaged arrays, and cleared of what no manifest names."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orienteer.atomic import sweep
from orienteer.errors import StoreError
from orienteer.ingest.existing import Existing
from orienteer.store.integrity import ARRAYS, damaged_arrays
from orienteer.store.journal import Journal
from orienteer.store.manifest import Manifest
from orienteer.store.manifest_file import MANIFEST


def discard_damaged(store: Path, before: Existing, *, labels: bool) -> tuple[str, ...]:
    """Delete arrays that no longer hold what was written, so that the plan makes them anew; one line each.

    Raises:
        StoreError: labels would be lost, because this ingest was not told where they are.
    """
    own = {stored.entry.content: name for name, stored in before.stored.items()}
    entries = [stored.entry for stored in before.stored.values()]
    found = [(own[entry.content], entry, damage) for entry, damage in damaged_arrays(store, entries)]
    for name, entry, damage in found:
        if entry.labelled and not labels:
            raise StoreError(f"{name}: {damage.message}", cure="ingest with --labels again, so that none are lost")
    for _, _, damage in found:
        damage.path.unlink(missing_ok=True)
    return tuple(f"{name}: {damage.message}; not used any more" for name, _, damage in found)


@contextmanager
def folder(store: Path) -> Iterator[None]:
    """Make the store's folder; it is removed again if the ingest fails."""
    made = not store.exists()
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {store}: {error.strerror}", cure="choose a folder you may write to") from None
    try:
        yield
    finally:
        if made and not (store / MANIFEST).exists() and not Journal(store).path.exists():
            shutil.rmtree(store, ignore_errors=True)


def sweep_arrays(store: Path, manifest: Manifest) -> None:
    """Delete arrays that no scan names: replaced, pruned, or half-written by a killed run."""
    used = {entry.content[:20] for entry in manifest.scans}
    for folder in (store / ARRAYS).iterdir():
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)
    sweep(store)
