"""One reader a file format, and what guards them all."""
