"""Doors: one file for each program that an encoder can leave for."""
