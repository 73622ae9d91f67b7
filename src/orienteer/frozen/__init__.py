"""Frozen features of a trained encoder, and linear and kNN probes of what they know."""
