"""Sub-task 2: adjacent and distant chunks."""
