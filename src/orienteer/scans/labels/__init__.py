"""Labels of scans: which file belongs to which scan, what its values mean, and whether it lies where its scan lies."""
