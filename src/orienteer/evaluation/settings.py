"""Settings of validation and evaluation."""

from pydantic import Field

from orienteer.config import Config
from orienteer.records.verdict import VerdictRule


class EvaluationSettings(Config):
    """Views to measure: always the same, whatever the run's seed."""

    per_scan: int = Field(16, ge=1)
    """Samples of K views from each validation scan, at every validation."""
    samples: int = Field(128, ge=1)
    """Samples at most at every validation: of more scans, some are chosen, spread evenly over subjects."""
    final_per_scan: int = Field(64, ge=1)
    """Samples of K views from each scan for final metrics and probes."""
    final_samples: int = Field(512, ge=1)
    """Samples at most for final metrics, a quarter of it for each probe, chosen in the same way."""
    seed: int = 20_250_907
    """Seed of these views, separate from the run's seed, so that all runs are measured on the same views."""
    batch: int = Field(16, ge=1)
    """Samples encoded together while measuring."""
    examples: int = Field(4, ge=0)
    """Samples whose slices are kept for the report; 0 keeps no image of any subject."""
    verdict: VerdictRule = VerdictRule()
    """When a run is called stuck or cheating; recorded with every verdict."""
