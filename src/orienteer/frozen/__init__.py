"""Frozen features: what a trained encoder says of voxels and views, and what can be read out of it."""
