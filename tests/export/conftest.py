"""A run, however little it learned, and its encoder in a folder of its own."""

from collections.abc import Callable
from functools import cache
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
    pretrain(
        phantom_store(folder, people=4), folder / "run", settings=tiny("network={size: tiny}", "optimiser.steps=2")
    )
    return folder / "run"


@pytest.fixture(scope="session")
def folder_to(run: Path) -> Callable[[str], Path]:
    """Its encoder through a door, made when it is first asked for. Read it only."""
    return cache(lambda to: export(run, run.parent / to, to=to, licence="CC0", anyway=True))


@pytest.fixture(scope="session")
def encoder(folder_to: Callable[[str], Path]) -> Path:
    """Its encoder for plain torch. Read it only."""
    return folder_to("torch")
