"""The optimisation loop: one Fabric, counted steps, atomic checkpoints, exact resume."""
