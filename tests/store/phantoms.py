"""Small bodies with air around them, written as scans: what an ingest is tested on."""

from pathlib import Path

import numpy as np
import scipy.ndimage as ndimage
from numpy.typing import NDArray

from tests.scans.files import nifti

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def body(shape: tuple[int, int, int] = (24, 28, 22), seed: int = 0, *, air: float = 0.0) -> NDArray[np.int16]:
    """An ellipsoid of smooth tissue (500 to 1500) in air, int16; every seed another texture."""
    rng = np.random.default_rng(seed)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum(axis**2 for axis in grid) < 0.7**2
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
    tissue = 1000 + 400 * np.clip(texture / texture.std(), -1.2, 1.2)
    return np.where(inside, tissue, air).astype(np.int16)


def cohort(folder: Path, count: int = 4, **nifti_options: float) -> Path:
    """``case_0`` ... as compressed NIfTI."""
    for index in range(count):
        nifti(folder / f"case_{index}.nii.gz", body(seed=index), AFFINE, **nifti_options)
    return folder


def turned(axes: str, angles: tuple[float, float, float] = (0.0, 0.0, 0.0), spacing: float = 2.0) -> NDArray:
    """An affine whose array axes grow towards ``axes``, then turned by Euler angles in degrees."""
    from nibabel.orientations import axcodes2ornt, inv_ornt_aff
    from scipy.spatial.transform import Rotation

    start = np.eye(4)
    start[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    start[:3, 3] = (-31.0, 17.0, 5.5)
    return start @ np.linalg.inv(inv_ornt_aff(axcodes2ornt(tuple(axes)), (1, 1, 1)))
