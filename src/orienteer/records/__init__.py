"""What was seen, in mm, degrees and fractions: records, measures and the verdict. Never imports torch."""

from orienteer.records.records import Measure, Observation, Rows

__all__ = ["Measure", "Observation", "Rows"]
