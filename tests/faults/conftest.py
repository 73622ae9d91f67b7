"""One small store, with labels, and one checkpoint; tests damage copies of them."""

import shutil
from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, IngestResult, ingest
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body, cohort


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``in``, ``labels`` and their ``store``; nobody may change them."""
    folder = tmp_path_factory.mktemp("whole")
    cohort(folder / "in", 3)
    for index in range(3):
        nifti(folder / "labels" / f"case_{index}.nii.gz", (body(seed=index) > 1000).astype("uint8"), AFFINE)
    again(folder)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged; its store was made from the scans of ``whole``."""
    shutil.copytree(whole / "store", tmp_path / "store")
    (tmp_path / "in").symlink_to(whole / "in")
    (tmp_path / "labels").symlink_to(whole / "labels")
    return tmp_path


def again(folder: Path, *, labels: bool = True) -> IngestResult:
    """Ingest ``folder``'s scans into its store."""
    place = folder / "labels" if labels else None
    labelled = place.resolve() if place else None
    options = IngestOptions(spacing=2.0, labels=labelled, workers=1, keep_names=True, progress=False)
    return ingest((folder / "in").resolve(), folder / "store", options)
