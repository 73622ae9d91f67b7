"""A tiny store and settings with which a whole run takes seconds."""

from pathlib import Path

import pytest

from orienteer.runs.settings import PretrainSettings
from orienteer.testing.phantom import phantom_store

TINY = (
    "network={size: tiny, options: {features: [4, 8, 16, 32]}}",
    "tasks={gap: {}, adjacency: {}, route: {}}",
    "views={count: 3, size: 16}",
    "optimiser={steps: 6, batch: 2}",
    "checkpoint={every: 2, log_every: 1, keep: 2, milestones: false}",
    "evaluation={per_scan: 2, final_per_scan: 4, examples: 2}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)


def tiny(*assignments: str) -> PretrainSettings:
    """Settings of a run that takes seconds."""
    return PretrainSettings.read({}, (*TINY, *assignments))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight simulated bodies on a 3 mm grid."""
    return phantom_store(tmp_path_factory.mktemp("phantoms"), people=8)
