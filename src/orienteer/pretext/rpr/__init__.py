"""Baseline: relative position regression."""
