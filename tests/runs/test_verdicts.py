"""The verdict tells the truth: on honest scans, on shuffled ones, on views with a planted position code.

All three train with the same settings on the same real brains; only what the store returns differs.
"""

from pathlib import Path

import pytest

from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.testing.plants import PlantedStore, ShuffledStore
from orienteer.testing.verdicts import verdict_on

SETTINGS = (
    "optimiser={steps: 80, batch: 4}",
    "checkpoint.every=80",
    "network={size: tiny, options: {features: [4, 8, 16]}}",
    "views.size=16",
    "views.geometry.probability=0",
    "tasks={gap: {}}",
    "evaluation={per_scan: 2, final_per_scan: 12}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "expected"), [(Store, "learning"), (ShuffledStore, "stuck"), (PlantedStore, "cheating")]
)
def test_verdict__of_a_real_run(kind: type[Store], expected: str, real_brains: Path, tmp_path: Path) -> None:
    settings = PretrainSettings.read({}, SETTINGS)
    verdict = verdict_on(kind.open(real_brains), tmp_path / "run", settings).record.verdict
    assert verdict.label == expected, "\n".join(verdict.evidence)
