"""Baseline: relative patch location."""
