"""The verdict tells the truth: on honest scans, on shuffled ones, on views with a planted position code.

All three train with the same settings on the same real brains; only what the store returns differs.
"""

from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, ingest
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.testing.plants import PlantedStore, ShuffledStore
from orienteer.testing.verdicts import verdict_on

SETTINGS = (
    "optimiser={steps: 100, batch: 4}",
    "checkpoint.every=100",
    "network.size=tiny",
    "views.size=16",
    "views.geometry.probability=0",
    "tasks={gap: {}}",
    "evaluation={per_scan: 2, final_per_scan: 12}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)


@pytest.fixture(scope="module")
def brains(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("brains") / "store"
    ingest(
        real_data / "oasis" / "images",
        store,
        IngestOptions(spacing=4.0, table=real_data / "oasis" / "subjects.tsv", keep_names=True, progress=False),
    )
    return store


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "expected"), [(Store, "learning"), (ShuffledStore, "stuck"), (PlantedStore, "cheating")]
)
def test_verdict__of_a_real_run(kind: type[Store], expected: str, brains: Path, tmp_path: Path) -> None:
    settings = PretrainSettings.read({}, SETTINGS)
    verdict = verdict_on(kind.open(brains), tmp_path / "run", settings).record.verdict
    assert verdict.label == expected, "\n".join(verdict.evidence)
