"""Sub-task 1: the gap matrix."""
