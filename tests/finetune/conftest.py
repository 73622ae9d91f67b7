"""One labelled cohort and one real, tiny pretraining run for all transfer tests; nobody may change them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.run import finetune
from orienteer.runs.pretrain import pretrain
from orienteer.store import Store
from tests.finetune.cohort import PAIR, cohort, quick
from tests.runs.conftest import tiny


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scans, labels, table and store of eight people: four to train, two to validate, two to test."""
    folder = tmp_path_factory.mktemp("transfer")
    cohort(folder)
    return folder


@pytest.fixture(scope="session")
def store(folder: Path) -> Store:
    """The labelled store."""
    return Store.open(folder / "store")


@pytest.fixture(scope="session")
def run(folder: Path) -> Path:
    """Two steps of real pretraining with a dense task, so that there is a decoder to take."""
    settings = tiny(
        "network={size: tiny}", "tasks={gap: {}, position: {}}", "optimiser.steps=2", "evaluation.final_per_scan=2"
    )
    pretrain(folder / "store", folder / "run", settings=settings, progress=False)
    return folder / "run"


@pytest.fixture(scope="session")
def undisturbed(folder: Path, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds from a pretrained run, two labelled scans each."""
    out = tmp_path_factory.mktemp("peace") / "out"
    finetune(folder / "store", out, source=run, settings=quick(PAIR, "labelled_scans=2"), seeds=(0, 1), progress=False)
    return out


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Ensemble], None]:
    """Predict with an ensemble that was not trained, from a folder ``net`` that is there."""
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    Path("net").mkdir()
    return lambda one: monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, out: one))
