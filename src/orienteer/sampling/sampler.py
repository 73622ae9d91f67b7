"""Drawing recipes: every random choice about crops is made here, from counter-based streams."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from orienteer.errors import ConfigError
from orienteer.sampling.placement import PLACEMENTS, Streams
from orienteer.sampling.recipe import Appearance, Curve, SampleRecipe, ViewRecipe, matrix, vector
from orienteer.sampling.region import Centres, Region
from orienteer.sampling.rng import Purpose, generator
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings, ViewSettings
from orienteer.store import Store
from orienteer.store.intensity import CEILING, FLOOR

Linear = NDArray[np.float64]

KNOTS = (2, 7)
"""Fewest and most knots of a random curve of intensities."""


class CropSettings(Protocol):
    """What every sampler reads of its settings."""

    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def geometry(self) -> GeometrySettings: ...  # noqa: D102
    @property
    def appearance(self) -> AppearanceSettings: ...  # noqa: D102


@dataclass(frozen=True)
class RecipeSampler(ABC):
    """Draws the recipe of any sample number, in any order. Subclasses say where in a scan its crops lie.

    Attributes:
        store: where the scans are.
        ids: the scans to draw from.
        settings: size and variation of the crops.
        seed: the run's seed.
        augment: False for validation: grid-aligned crops with untouched intensities, scans in order.

    Raises:
        ConfigError: there are no scans, or one of them cannot hold its crops.
    """

    store: Store
    ids: tuple[str, ...]
    settings: CropSettings
    seed: int
    augment: bool = True

    def __post_init__(self) -> None:
        if not self.ids:
            raise ConfigError("no scans to draw views from", cure="check the split's name with `orienteer check`")

    @abstractmethod
    def centres(self, scan: str, linear: Linear, streams: Streams) -> Centres | None:
        """``(K, 3)`` centres of a sample's crops, in voxels of the scan; None where they do not fit under the map.

        Under the identity they always fit.

        Args:
            scan: its id.
            linear: ``(3, 3)`` maps an offset in the crop to one in the scan.
            streams: a fresh generator for each crop.
        """

    def draw(self, number: int) -> SampleRecipe:
        """The recipe of sample ``number``: scan, map, centres and appearances."""
        scan = self._scan(number)
        spacing = self.store.entry(scan).spacing
        linear = self._linear(number)

        def streams(view: int) -> np.random.Generator:
            return generator(self.seed, Purpose.PLACEMENT, number, view)

        centres = self.centres(scan, linear, streams)
        if centres is None:  # turned, the crops would stick out: show this sample as it is
            linear = np.eye(3)
            centres = self.centres(scan, linear, streams)
        assert centres is not None
        views = tuple(
            ViewRecipe(centre_mm=vector(centre * spacing), appearance=appearance)
            for centre, appearance in zip(centres, self.appearances(number, len(centres)), strict=True)
        )
        return SampleRecipe(
            scan=scan,
            number=number,
            size=self.settings.size,
            spacing=spacing,
            linear=matrix(linear),
            views=views,
            seed=self.seed,
            elastic=self._elastic(number),
            elastic_every=self.settings.geometry.elastic_every_mm,
        )

    def appearances(self, number: int, views: int) -> tuple[Appearance, ...]:
        """How intensities of a sample's views are varied, as its recipe has it; nothing else is drawn."""
        curve = self._curve(number)
        return tuple(self._appearance(number, view, curve) for view in range(views))

    def _scan(self, number: int) -> str:
        # Each epoch is a permutation of its own, so every scan is drawn once before any is drawn again.
        epoch, index = divmod(number, len(self.ids))
        return self.ids[_order(self.seed, epoch, len(self.ids))[index] if self.augment else index]

    def _linear(self, number: int) -> Linear:
        geometry = self.settings.geometry
        random = generator(self.seed, Purpose.GEOMETRY, number)
        if not self.augment or random.random() >= geometry.probability:
            return np.eye(3)
        return draw_linear(random, geometry)

    def _elastic(self, number: int) -> float:
        """Standard deviation, mm, of a sample's elastic displacement: between none and the most, where it is varied."""
        geometry = self.settings.geometry
        random = generator(self.seed, Purpose.ELASTIC, number)
        varied = self.augment and random.random() < geometry.probability
        return float(random.uniform(0, geometry.elastic_mm)) if varied else 0.0

    def _curve(self, number: int) -> Curve:
        random = generator(self.seed, Purpose.CURVE, number)
        drawn = self.augment and random.random() < self.settings.appearance.curve
        return draw_curve(random) if drawn else ()

    def _appearance(self, number: int, view: int, curve: Curve) -> Appearance:
        if not self.augment:
            return Appearance()
        random = generator(self.seed, Purpose.APPEARANCE, number, view)
        return draw_appearance(random, self.settings.appearance, (self.seed, number, view), curve)


@dataclass(frozen=True)
class Sampler(RecipeSampler):
    """Draws K views of a scan, inside it and on its body, laid out by ``settings.placement``."""

    settings: ViewSettings

    def __post_init__(self) -> None:
        super().__post_init__()
        placement = PLACEMENTS[self.settings.placement]
        for number in np.flatnonzero(~placement.fits(self.store.shapes(self.ids), self.settings)):
            scan = self.ids[number]
            placement.check(scan, self.store.entry(scan).shape, self.settings)

    def centres(self, scan: str, linear: Linear, streams: Streams) -> Centres | None:
        """By the placement's rule."""
        settings = self.settings
        region = Region.of(self.store, scan, settings.size, linear=linear, min_foreground=settings.min_foreground)
        return PLACEMENTS[settings.placement].draw(region, settings, streams)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Of the scans in one epoch; made once, for it takes a millisecond with 100,000 scans."""
    return generator(seed, Purpose.SCAN_ORDER, epoch).permutation(count)


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
    random: np.random.Generator, settings: AppearanceSettings, address: tuple[int, int, int], curve: Curve = ()
) -> Appearance:
    """Random intensity changes of one view, after the curve of its sample."""
    return Appearance(
        curve=curve,
        gamma=float(np.exp(random.uniform(-settings.gamma, settings.gamma))),
        contrast=float(1 + random.uniform(-settings.contrast, settings.contrast)),
        brightness=float(random.uniform(-settings.brightness, settings.brightness)),
        bias=tuple(float(value) for value in random.normal(0, settings.bias / 3, size=9)),
        blur_mm=float(max(0.0, random.uniform(-settings.blur_mm, settings.blur_mm))),
        noise=float(random.uniform(0, settings.noise)),
        noise_address=address,
    )


def draw_curve(random: np.random.Generator, knots: tuple[int, int] = KNOTS) -> Curve:
    """A random curve through the window: between the fewest and the most ``knots``, each anywhere in the window.

    With two knots it is a straight line, rising or falling; with more, the order of the tissues changes too.
    """
    fewest, most = knots
    return tuple(float(value) for value in random.uniform(FLOOR, CEILING, size=random.integers(fewest, most + 1)))
