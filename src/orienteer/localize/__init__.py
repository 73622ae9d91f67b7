"""Asking a model where things are."""
