"""The benchmark: arms x tasks x labels x seeds, each job a folder, run in parallel, resumed where it stopped."""
