"""Sub-task 4: the position field."""
