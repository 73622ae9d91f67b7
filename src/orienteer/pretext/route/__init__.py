"""Sub-task 3: directions and routes."""
