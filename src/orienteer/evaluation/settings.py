"""Settings of validation and evaluation."""

from pydantic import Field

from orienteer.config import Config
from orienteer.records.verdict import VerdictRule


class EvaluationSettings(Config):
    """Views to measure: always the same, whatever the run's seed."""

    per_scan: int = Field(16, ge=1)
    """Samples of K views from each validation scan, at every validation."""
    final_per_scan: int = Field(64, ge=1)
    """Samples of K views from each scan for final metrics and probes."""
    seed: int = 20_250_907
    """Seed of these views, separate from the run's seed, so that all runs are measured on the same views."""
    batch: int = Field(16, ge=1)
    """Samples encoded together while measuring."""
    examples: int = Field(4, ge=0)
    """Samples whose slices are kept for the report; 0 keeps no image of any subject."""
    verdict: VerdictRule = VerdictRule()
    """When a run is called stuck or cheating; recorded with every verdict."""
