"""Short versions of `tests/fault_lab`: kills, full disks, flipped bits, hostile files."""
