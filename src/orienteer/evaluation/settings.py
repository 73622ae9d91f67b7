"""Settings of validation and evaluation."""

from pydantic import Field

from orienteer.config import Config
from orienteer.records.verdict import VerdictRule


class EvaluationSettings(Config):
    """Views that are measured: always the same ones, whatever the run's seed."""

    per_scan: int = Field(16, ge=1)
    """Samples of K views drawn from each validation scan, every time the run is validated."""
    final_per_scan: int = Field(64, ge=1)
    """Samples of K views drawn from each scan for final figures and probes."""
    seed: int = 20_250_907
    """Seed of these views; kept apart from the run's seed so that runs are measured on the same views."""
    batch: int = Field(16, ge=1)
    """Scans encoded together while measuring."""
    examples: int = Field(4, ge=0)
    """Samples of which slices are kept for the report; 0 keeps no picture of anybody."""
    verdict: VerdictRule = VerdictRule()
    """When a run is called stuck or cheating; recorded with every verdict."""
