"""Baseline: two crops of one place recognise each other."""
