"""What was seen, in mm, degrees and fractions: records, measures and the verdict. Never imports torch."""

from orienteer.records.metric import Measure, Metric
from orienteer.records.observation import Observation, Rows

__all__ = ["Measure", "Metric", "Observation", "Rows"]
