"""Measuring a model on fixed views, with honesty probes and a verdict."""
