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
def run(made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A run of a few steps. Read it only."""

    def make(folder: Path) -> None:
        settings = tiny("network={size: tiny}", "optimiser.steps=2")
        pretrain(phantom_store(folder, people=4), folder / "run", settings=settings)

    return made_once("exported", make) / "run"


@pytest.fixture(scope="session")
def folder_to(run: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Callable[[str], Path]:
    """Its encoder through a door, made when it is first asked for. Read it only."""

    def through(to: str) -> Path:
        made = made_once(f"exported-{to}", lambda out: export(run, out / to, to=to, licence="CC0", anyway=True))
        return made / to

    return cache(through)


@pytest.fixture(scope="session")
def encoder(folder_to: Callable[[str], Path]) -> Path:
    """Its encoder for plain torch. Read it only."""
    return folder_to("torch")
