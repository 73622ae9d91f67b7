"""A baseline pretext: Models Genesis."""
