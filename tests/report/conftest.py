"""A finished run to read."""

from pathlib import Path

import pytest

from orienteer.records.observation import Rows
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import RunRecords, read_run

from .run_folder import make_run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with four tasks, evaluated on val and test people; never changed by a test."""
    return make_run(tmp_path_factory.mktemp("runs") / "finished")


@pytest.fixture(scope="session")
def records(finished: Path) -> RunRecords:
    """The records of the finished run."""
    return read_run(finished)


@pytest.fixture(scope="session")
def lead(records: RunRecords) -> Evaluated:
    """The test people's evaluation."""
    assert records.lead is not None
    return records.lead


@pytest.fixture(scope="session")
def gap(lead: Evaluated) -> Rows:
    """Rows of displacements."""
    return lead.tables["gap"]
