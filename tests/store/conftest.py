"""One small store for all tests that only read."""

from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body, cohort


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four bodies; nobody may change them."""
    return cohort(tmp_path_factory.mktemp("scans"))


@pytest.fixture(scope="session")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each body is bright, as structure 5; nobody may change them."""
    folder = tmp_path_factory.mktemp("labels")
    for index in range(4):
        nifti(folder / f"case_{index}.nii.gz", (body(seed=index) > 1000).astype("uint8") * 5, AFFINE)
    return folder


@pytest.fixture(scope="session")
def store(scans: Path, labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of the four bodies, with labels; nobody may change it."""
    path = tmp_path_factory.mktemp("stores") / "store"
    ingest(scans, path, IngestOptions(spacing=2.0, labels=labels, workers=1, keep_names=True, progress=False))
    return Store.open(path)
