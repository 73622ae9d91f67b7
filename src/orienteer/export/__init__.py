"""An encoder for other programs: a folder they open, a contract on how to prepare its input, and a test of that."""
