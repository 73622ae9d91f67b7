"""One simulated subject in one simulated scanner: the scan and its tissue labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from orienteer.demo.template import MAPS, Template
from orienteer.demo.warp import Warp, random_warp, smooth_noise
from orienteer.geometry import Volume

TISSUES = {0: "background", 1: "CSF", 2: "grey matter", 3: "white matter"}
"""Names of the label values."""

FOLD_MM = 3.0
"""Half-width of the folds that differ between subjects."""

SHARPNESS = 2.5
"""Sharpens the template's tissue maps, which are blurred by averaging 152 subjects."""


@dataclass(frozen=True, eq=False)
class Person:
    """A scan and its labels on the same grid.

    Attributes:
        scan: ``(1, D, H, W)`` int16, scanner units; 0 outside the brain.
        labels: ``(1, D, H, W)`` uint8, see ``TISSUES``.
        warp: the deformation from this subject to the template.
    """

    scan: Volume
    labels: Volume
    warp: Warp


def simulate_person(template: Template, *, spacing_mm: float, seed: int, number: int) -> Person:
    """Simulate subject ``number`` of the cohort ``seed``; the same two numbers always give the same subject."""
    # A counter-based generator: a subject does not depend on those simulated before.
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, number], dtype=np.uint64)))
    warp = random_warp(rng, template)
    affine, shape = _field_of_view(rng, warp, template, spacing_mm)
    maps = _pull(template, warp, affine, shape)
    inside = maps[MAPS.index("mask")] > 0.5
    tissues = _fold(rng, maps[:3], spacing_mm)
    labels = np.where(inside, tissues.argmax(axis=0) + 1, 0).astype(np.uint8)
    scan = _acquire(rng, tissues, maps[MAPS.index("texture")], inside, spacing_mm)
    return Person(scan=Volume(scan[None], affine), labels=Volume(labels[None], affine), warp=warp)


def _field_of_view(
    rng: np.random.Generator, warp: Warp, template: Template, spacing_mm: float
) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    low, high = warp.box(template)
    low = low - rng.uniform(4.0, 22.0, 3)
    high = high + rng.uniform(4.0, 22.0, 3)
    # Some scans are planned tightly: part of the brain stem is then outside the field of view.
    if rng.random() < 0.3:
        low[2] += rng.uniform(20.0, 30.0)
    size = np.ceil((high - low) / spacing_mm).astype(int)
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = low
    return affine, (int(size[0]), int(size[1]), int(size[2]))


def _pull(
    template: Template, warp: Warp, affine: NDArray[np.float64], shape: tuple[int, int, int]
) -> NDArray[np.float32]:
    index = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij"), axis=-1)
    points = index * np.diag(affine)[:3] + affine[:3, 3]
    to_voxel = np.linalg.inv(template.affine)
    where = np.moveaxis(warp(points) @ to_voxel[:3, :3].T + to_voxel[:3, 3], -1, 0)
    return np.stack([map_coordinates(one, where, order=1, mode="constant", cval=0.0) for one in template.maps])


def _fold(rng: np.random.Generator, tissues: NDArray[np.float32], spacing_mm: float) -> NDArray[np.float32]:
    # Where the template is undecided between two tissues, smooth noise on the log-probabilities decides, which gives
    # every subject its own cortical folds.
    shape = tissues.shape[1:]
    sigma = max(FOLD_MM / spacing_mm, 0.8)
    noise = np.stack([smooth_noise(rng, shape, sigma, amount) for amount in (0.55, 0.3, 0.45)])
    scores = SHARPNESS * (np.log(tissues + 0.03) + noise)
    scores -= scores.max(axis=0)
    shares = np.exp(scores)
    fractions: NDArray[np.float32] = shares / shares.sum(axis=0)
    return fractions


def _acquire(
    rng: np.random.Generator,
    tissues: NDArray[np.float32],
    texture: NDArray[np.float32],
    inside: NDArray[np.bool_],
    spacing_mm: float,
) -> NDArray[np.int16]:
    white = 1.0
    grey = rng.uniform(0.58, 0.76)
    fluid = rng.uniform(0.18, 0.34)
    clean = np.tensordot(np.array([fluid, grey, white], dtype=np.float32), tissues, axes=1)
    clean = clean + np.float32(rng.uniform(0.7, 1.2)) * texture
    # Partial volume: voxels at the brain's rim are part air.
    rim = gaussian_filter(inside.astype(np.float32), 0.6)
    bias = np.exp(smooth_noise(rng, inside.shape, 45.0 / spacing_mm, rng.uniform(0.04, 0.14)))
    signal = clean * rim * bias
    # The magnitude of a complex signal has Rician noise, as in MR.
    level = rng.uniform(0.015, 0.05)
    real, imaginary = level * rng.standard_normal((2, *signal.shape), dtype=np.float32)
    magnitude = np.hypot(signal + real, imaginary)
    gain = np.exp(rng.uniform(np.log(150.0), np.log(3000.0)))
    # Skull and air are 0, as after brain extraction.
    scan: NDArray[np.int16] = np.where(inside, np.maximum(magnitude * gain, 1.0), 0.0).round().astype(np.int16)
    return scan
