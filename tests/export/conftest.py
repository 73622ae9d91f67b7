"""A run, however little it learned, and its encoder in a folder of its own."""

from pathlib import Path

import pytest

from orienteer.export.run import export
from orienteer.runs.pretrain import pretrain
from orienteer.testing.phantom import phantom_store
from tests.runs.conftest import tiny


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps."""
    folder = tmp_path_factory.mktemp("exported")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=tiny("optimiser.steps=2"))
    return folder / "run"


@pytest.fixture(scope="session")
def encoder(run: Path) -> Path:
    """Its encoder for plain torch. Read it only."""
    return export(run, run.parent / "encoder", licence="CC0", anyway=True)
