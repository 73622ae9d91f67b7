"""Registration by ANTs and by ConvexAdam: what carries labels from one brain to another today.

    python benchmarks/registration.py METHOD EXEMPLAR LABELS OUT SCAN ...

Writes what METHOD carries to each SCAN as ``OUT/NAME``, and prints a line a scan: its name and seconds. Stands alone,
because antspyx asks for an older NumPy than we do: ``python -m venv ants; ants/bin/pip install antspyx convexadam``.
ANTs runs with the defaults of ``ants.registration``; ConvexAdam with those of ``convex_adam_pt``, from ANTs' affine, as
its authors start.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ANTS = {"affine": "Affine", "SyN": "SyN", "SyNQuick": "antsRegistrationSyNQuick[s]"}
"""Our names of ANTs' transforms."""
METHODS = (*ANTS, "convexadam")


def main(method: str, exemplar: str, labels: str, out: str, scans: list[str]) -> None:
    """Carry, write and tell."""
    import ants

    moving, known = ants.image_read(exemplar), ants.image_read(labels)
    carry = convexadam if method == "convexadam" else registered
    for scan in scans:
        begun = time.perf_counter()
        fixed = ants.image_read(scan)
        found = carry(method, fixed, moving, known)
        seconds = time.perf_counter() - begun
        ants.image_write(fixed.new_image_like(found.astype(np.float32)), str(Path(out) / Path(scan).name))
        print(Path(scan).name, f"{seconds:.3f}", flush=True)


def registered(method: str, fixed: Any, moving: Any, known: Any) -> Any:
    """By ANTs alone."""
    import ants

    found = ants.registration(fixed, moving, ANTS[method])["fwdtransforms"]
    return np.rint(ants.apply_transforms(fixed, known, found, interpolator="genericLabel").numpy())


def convexadam(method: str, fixed: Any, moving: Any, known: Any) -> Any:
    """By ConvexAdam, from ANTs' affine."""
    import ants
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt
    from scipy.ndimage import map_coordinates

    found = ants.registration(fixed, moving, ANTS["affine"])["fwdtransforms"]
    near = ants.apply_transforms(fixed, moving, found).numpy()
    there = np.rint(ants.apply_transforms(fixed, known, found, interpolator="genericLabel").numpy())
    move = convex_adam_pt(fixed.numpy(), near, dtype=torch.float32)  # (X, Y, Z, 3) voxels
    return map_coordinates(there, np.moveaxis(move, -1, 0) + np.indices(fixed.shape), order=0)


if __name__ == "__main__":
    main(*sys.argv[1:5], sys.argv[5:])  # type: ignore[call-arg, misc]
