"""Pretext tasks about space, one folder each; they return a loss and what they saw."""
