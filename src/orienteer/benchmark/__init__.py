"""Arms x tasks x labels x seeds: each job is a folder; jobs run in parallel and resume where they stopped."""
