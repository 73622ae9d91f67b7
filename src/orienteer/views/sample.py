"""Drawing recipes: every random choice about views is made here, from counted streams."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orienteer.errors import ConfigError
from orienteer.store import Store
from orienteer.views.counted import Purpose, generator
from orienteer.views.recipe import IDENTITY, Appearance, Matrix, SampleRecipe, ViewRecipe
from orienteer.views.settings import AppearanceSettings, GeometrySettings, ViewSettings

CELL = 4
"""Voxels per edge of a cell of the store's coarse occupancy grid."""
TRIES = 32


@dataclass(frozen=True)
class Sampler:
    """Draws the recipe of any sample number, in any order.

    Attributes:
        store: where the scans are.
        ids: the scans to draw from.
        settings: how views are placed and varied.
        seed: the run's seed.
        augment: False for validation: grid-aligned views with untouched intensities.
    """

    store: Store
    ids: tuple[str, ...]
    settings: ViewSettings
    seed: int
    augment: bool = True

    def __post_init__(self) -> None:
        if not self.ids:
            raise ConfigError("no scans to draw views from", cure="check the split's name with `orienteer check`")
        for scan in self.ids:
            shape = self.store.entry(scan).shape
            if min(shape) < self.settings.size:
                raise ConfigError(
                    f"scan {scan} is {'x'.join(map(str, shape))} voxels, too small for a view of {self.settings.size}",
                    cure="lower views.size, or ingest at a finer --spacing",
                )

    def draw(self, number: int) -> SampleRecipe:
        """The recipe of sample ``number``: scan, map, places and appearances."""
        scan = self._scan(number)
        entry = self.store.entry(scan)
        size, spacing = self.settings.size, entry.spacing
        linear = self._linear(number)
        low, high = _centre_range(entry.shape, size, linear)
        if (low > high).any():  # the turned view would stick out: show this sample as it is
            linear = np.eye(3)
            low, high = _centre_range(entry.shape, size, linear)
        aligned = bool(np.array_equal(linear, np.eye(3)))
        occupancy = self.store.foreground(scan)
        views = tuple(
            ViewRecipe(
                centre_mm=_tuple3(self._place(number, k, low, high, aligned, occupancy) * spacing),
                appearance=self._appearance(number, k),
            )
            for k in range(self.settings.count)
        )
        matrix: Matrix = IDENTITY if aligned else _matrix(linear)
        return SampleRecipe(
            scan=scan, number=number, size=size, spacing=spacing, linear=matrix, views=views, seed=self.seed
        )

    def _scan(self, number: int) -> str:
        # Each epoch is a permutation of its own, so every scan is seen once before any is seen again.
        epoch, place = divmod(number, len(self.ids))
        order = generator(self.seed, Purpose.SCAN_ORDER, epoch).permutation(len(self.ids))
        return self.ids[order[place]] if self.augment else self.ids[place]

    def _linear(self, number: int) -> NDArray[np.float64]:
        geometry = self.settings.geometry
        random = generator(self.seed, Purpose.GEOMETRY, number)
        if not self.augment or random.random() >= geometry.probability:
            return np.eye(3)
        return draw_linear(random, geometry)

    def _place(
        self,
        number: int,
        view: int,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        aligned: bool,
        occupancy: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """View centre in voxels: uniform where the whole view lies inside the scan and holds enough body."""
        random = generator(self.seed, Purpose.PLACE, number, view)
        best, best_share = low, -1.0
        half = self.settings.size / 2
        for _ in range(TRIES):
            if aligned:
                # Whole voxels: the crop is a copy, nothing is interpolated.
                steps = random.integers(0, np.rint(high - low).astype(int) + 1)
                centre = low + steps
            else:
                centre = low + random.random(3) * (high - low)
            first = np.maximum(np.floor((centre - half) / CELL).astype(int), 0)
            last = np.ceil((centre + half) / CELL).astype(int)
            box = occupancy[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
            share = float(box.mean()) if box.size else 0.0
            if share >= self.settings.min_foreground:
                return np.asarray(centre, dtype=np.float64)
            if share > best_share:
                best, best_share = centre, share
        return np.asarray(best, dtype=np.float64)

    def _appearance(self, number: int, view: int) -> Appearance:
        if not self.augment:
            return Appearance()
        random = generator(self.seed, Purpose.APPEARANCE, number, view)
        return draw_appearance(random, self.settings.appearance, (self.seed, number, view))


def draw_linear(random: np.random.Generator, settings: GeometrySettings) -> NDArray[np.float64]:
    """``(3, 3)`` random rotation, per-axis scale and, where allowed, a left-right mirror."""
    axis = random.normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = np.deg2rad(random.uniform(-settings.rotation_deg, settings.rotation_deg))
    scale = 1.0 + random.uniform(-settings.scale, settings.scale, size=3)
    mirror = np.array([-1.0 if settings.flip and random.random() < 0.5 else 1.0, 1.0, 1.0])
    linear: NDArray[np.float64] = Rotation.from_rotvec(axis * angle).as_matrix() @ np.diag(scale * mirror)
    return linear


def draw_appearance(
    random: np.random.Generator, settings: AppearanceSettings, address: tuple[int, int, int]
) -> Appearance:
    """Random intensity changes of one view."""
    return Appearance(
        gamma=float(np.exp(random.uniform(-settings.gamma, settings.gamma))),
        contrast=float(1 + random.uniform(-settings.contrast, settings.contrast)),
        brightness=float(random.uniform(-settings.brightness, settings.brightness)),
        bias=tuple(float(value) for value in random.normal(0, settings.bias / 3, size=9)),
        blur_mm=float(max(0.0, random.uniform(-settings.blur_mm, settings.blur_mm))),
        noise=float(random.uniform(0, settings.noise)),
        noise_address=address,
    )


def _centre_range(
    shape: tuple[int, int, int], size: int, linear: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest centre, in voxels, for which no voxel of the view lies outside the scan.

    Views never need padding, so a border of zeros can never tell the network where it is.
    """
    reach = np.abs(linear) @ np.full(3, (size - 1) / 2)
    return reach, np.array(shape, dtype=np.float64) - 1 - reach


def _tuple3(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _matrix(linear: NDArray[np.float64]) -> Matrix:
    return _tuple3(linear[0]), _tuple3(linear[1]), _tuple3(linear[2])
