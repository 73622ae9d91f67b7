"""A cohort of simulated people and the whole journey on it, for a laptop without scans."""
