"""A cohort of simulated subjects, and every step from check to report on it."""
