"""A run knows its data again: labels that come later change nothing, another scan everything."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, ingest
from orienteer.runs.fingerprint import fingerprint
from orienteer.store import Store
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body, cohort


def store_of(folder: Path, labels: Path | None = None) -> Store:
    ingest(
        folder / "in",
        folder / "store",
        IngestOptions(spacing=2.0, labels=labels, workers=1, keep_names=True, progress=False),
    )
    return Store.open(folder / "store")


def test_fingerprint__labels_that_come_later_leave_it_the_store_that_was_learned_from(tmp_path: Path) -> None:
    for part in ("in", "labels"):
        (tmp_path / part).mkdir()
    cohort(tmp_path / "in")
    nifti(tmp_path / "labels" / "case_1.nii.gz", (body(seed=1) > 1000).astype("uint8"), AFFINE)
    before = store_of(tmp_path)
    after = store_of(tmp_path, tmp_path / "labels")
    assert after.entry("case_1").labelled and not before.entry("case_1").labelled
    assert fingerprint(before) == fingerprint(after)
    assert fingerprint(before, labels=True) != fingerprint(after, labels=True), "a fine-tuning does see them"


def test_fingerprint__another_scan_makes_another_store(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    cohort(tmp_path / "in")
    before = fingerprint(store_of(tmp_path))
    nifti(tmp_path / "in" / "case_1.nii.gz", body(seed=9), AFFINE)
    assert fingerprint(store_of(tmp_path)) != before


@pytest.mark.parametrize("labels", [True, False])
def test_fingerprint__is_that_of_the_entries_one_by_one(tmp_path: Path, labels: bool) -> None:
    """So that a run goes on that was made when stores had another form."""
    for part in ("in", "labels"):
        (tmp_path / part).mkdir()
    cohort(tmp_path / "in")
    nifti(tmp_path / "labels" / "case_1.nii.gz", (body(seed=1) > 1000).astype("uint8"), AFFINE)
    store = store_of(tmp_path, tmp_path / "labels")
    bare = store.scans[2].model_copy(update={"arrays": {}})
    store = replace(store, manifest=store.manifest.model_copy(update={"scans": [*store.scans[:2], bare]}))
    lines = []
    for entry in store.scans:
        digests = [array.sha256 for kind, array in sorted(entry.arrays.items()) if labels or kind != "labels"]
        lines.append(f"{entry.id} {entry.split} {' '.join(digests) or entry.content}")
    assert fingerprint(store, labels=labels) == hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
