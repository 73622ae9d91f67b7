"""Short versions of `benchmarks/faults`: kills, full disks, flipped bits, hostile files."""
