"""The benchmark: arms x tasks x labels x seeds, each cell a folder, run in parallel, resumed where it stopped."""
