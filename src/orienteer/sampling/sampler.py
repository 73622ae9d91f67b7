"""Drawing recipes: every random choice about views is made here, from counted streams."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orienteer.errors import ConfigError
from orienteer.sampling.placement import PLACEMENTS
from orienteer.sampling.recipe import IDENTITY, Appearance, Matrix, SampleRecipe, ViewRecipe
from orienteer.sampling.region import Room
from orienteer.sampling.rng import Purpose, generator
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings, ViewSettings
from orienteer.store import Store


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
            PLACEMENTS[self.settings.placement].refuse(scan, self.store.entry(scan).shape, self.settings)

    def draw(self, number: int) -> SampleRecipe:
        """The recipe of sample ``number``: scan, map, places and appearances."""
        scan = self._scan(number)
        entry = self.store.entry(scan)
        size, spacing = self.settings.size, entry.spacing
        linear = self._linear(number)
        room = Room(entry.shape, size, linear, self.store.foreground(scan), self.settings.min_foreground)
        centres = self._centres(number, room)
        if centres is None:  # the turned views would stick out: show this sample as it is
            room = dataclasses.replace(room, linear=np.eye(3))
            centres = self._centres(number, room)
        assert centres is not None
        views = tuple(
            ViewRecipe(centre_mm=_tuple3(centre * spacing), appearance=self._appearance(number, k))
            for k, centre in enumerate(centres)
        )
        matrix: Matrix = IDENTITY if room.is_aligned else _matrix(linear)
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

    def _centres(self, number: int, room: Room) -> NDArray[np.float64] | None:
        """``(K, 3)`` voxels; None where the turned views do not fit."""
        place = PLACEMENTS[self.settings.placement].place
        return place(room, self.settings, lambda view: generator(self.seed, Purpose.PLACE, number, view))

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


def _tuple3(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])


def _matrix(linear: NDArray[np.float64]) -> Matrix:
    return _tuple3(linear[0]), _tuple3(linear[1]), _tuple3(linear[2])
