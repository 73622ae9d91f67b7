"""Pretraining runs: settings, the run folder, training, and measuring a finished run."""
