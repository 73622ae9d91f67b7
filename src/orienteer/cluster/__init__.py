"""Workers on other machines, by Dask: opened by name, asked whether they see our files, given one job at a time."""
