"""What a crop is, as pure data: draw it once, replay it any number of times.

A recipe holds every random choice already made. ``crop`` turns it into voxels; targets are computed from recipes
alone. Positions are in mm in the scan's own frame (voxel index times spacing along R, A, S).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.sampling.cut import Cube
from orienteer.sampling.rng import Purpose, generator

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]

Curve = tuple[float, ...]

MOST = 3.0
"""Standard deviations of an elastic displacement, beyond which no point is moved."""
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Appearance:
    """Changes of intensity that leave the anatomy where it is. The neutral value of each does nothing.

    Attributes:
        gamma: exponent on intensities rescaled to [0, 1].
        contrast: factor around the view's middle grey.
        brightness: shift, in units of the normalised window (its half-width is 1).
        bias: nine coefficients of a smooth multiplicative field (second-order polynomial over the view).
        blur_mm: standard deviation of a Gaussian blur.
        noise: standard deviation of additive noise.
        noise_address: (seed, sample number, view) of the noise's own stream.
        curve: before all others, new intensities of the body at evenly spaced old ones, from the window's floor to its
            ceiling, straight between them; background stays as it is.
    """

    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    bias: tuple[float, ...] = ()
    blur_mm: float = 0.0
    noise: float = 0.0
    noise_address: tuple[int, int, int] = (0, 0, 0)
    curve: Curve = ()


@dataclass(frozen=True)
class ViewRecipe:
    """One crop of a scan: where it lies and how its intensities are varied.

    Attributes:
        centre_mm: in the scan's frame.
        appearance: changes of intensity.
    """

    centre_mm: Vector
    appearance: Appearance = Appearance()


@dataclass(frozen=True)
class SampleRecipe:
    """K crops of one scan that share one geometric augmentation: views of a pretext task, or one labelled patch.

    Attributes:
        scan: id in the store.
        number: the sample's number in the numbered order (``step * batch + index``).
        size: crop edge in voxels.
        spacing: mm per voxel of the crop's grid.
        linear: maps an offset in the view's frame to an offset in the scan's frame; one map for all K views, as if
            the whole scan had been turned and scaled before cropping.
        views: the K views.
        seed: the run's seed; with ``number`` the address of draws that are made after cropping (which blocks to mask).
        elastic: standard deviation, mm, of a random displacement of the whole scan, drawn for ``number``; what is seen
            at a place changes, the place does not.
        elastic_every: distance, mm, of the points at which it is drawn; between them it is interpolated.
    """

    scan: str
    number: int
    size: int
    spacing: float
    linear: Matrix
    views: tuple[ViewRecipe, ...]
    seed: int = 0
    elastic: float = 0.0
    elastic_every: float = 1.0

    @property
    def centres(self) -> NDArray[np.float64]:
        """``(K, 3)`` centres in the scan's frame, mm."""
        return np.array([view.centre_mm for view in self.views], dtype=np.float64)

    @property
    def target_centres(self) -> NDArray[np.float64]:
        """``(K, 3)`` centres in the augmented frame, mm: the geometry the network sees, so the targets' geometry."""
        inverse = np.linalg.inv(np.array(self.linear))
        moved: NDArray[np.float64] = self.centres @ inverse.T
        return moved

    @property
    def view_mm(self) -> float:
        """View edge in mm, in the augmented frame."""
        return self.size * self.spacing

    @property
    def cubes(self) -> tuple[Cube, ...]:
        """The K crops in voxels of the scan."""
        centres, linear = self.centres / self.spacing, np.array(self.linear)
        # A centre on a voxel, or halfway between two, comes back from mm to the last bit.
        halves = np.rint(2 * centres) / 2
        centres = np.where(np.abs(centres - halves) < 1e-9, halves, centres)
        if not self.elastic:
            return tuple(Cube(centre, linear, self.size) for centre in centres)
        most = MOST * self.elastic / self.spacing
        return tuple(
            Cube(centre, linear, self.size, warp, most) for centre, warp in zip(centres, self._warps(most), strict=True)
        )

    def _warps(self, most: float) -> list[NDArray[np.float64]]:
        """``(3, S, S, S)`` displacements of each crop, in voxels.

        They are independent, and at most ``most``, at the points of a lattice that the crops share; straight between.
        """
        offset = (np.arange(self.size) - (self.size - 1) / 2) * self.spacing
        place = (self.target_centres[:, :, None] + offset) / self.elastic_every
        first = np.floor(place.min(axis=(0, 2)))
        points = np.ceil(place.max(axis=(0, 2))).astype(int) - first.astype(int) + 1
        random = generator(self.seed, Purpose.ELASTIC, self.number, 1)
        control = random.normal(0.0, self.elastic / self.spacing, size=(3, *points)).clip(-most, most)
        warps = []
        for own in place:
            near = [
                np.clip(1 - np.abs((axis - low)[:, None] - np.arange(count)), 0, None)
                for axis, low, count in zip(own, first, points, strict=True)
            ]
            warps.append(np.einsum("ai,bj,ck,xijk->xabc", *near, control, optimize=True))
        return warps

    @property
    def is_grid_aligned(self) -> bool:
        """True when every voxel of the crops is a voxel of the store, so nothing is interpolated."""
        return all(cube.is_aligned for cube in self.cubes)

    def to_json(self) -> str:
        """One line of JSON that ``from_json`` turns back into an equal recipe."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "SampleRecipe":
        """The recipe written by ``to_json``."""
        values: dict[str, Any] = json.loads(text)
        views = tuple(
            ViewRecipe(
                centre_mm=vector(view["centre_mm"]),
                appearance=Appearance(
                    **{
                        **view["appearance"],
                        "curve": tuple(view["appearance"].get("curve", ())),
                        "bias": tuple(view["appearance"]["bias"]),
                        "noise_address": tuple(view["appearance"]["noise_address"]),
                    }
                ),
            )
            for view in values.pop("views")
        )
        return cls(linear=matrix(values.pop("linear")), views=views, **values)


def vector(values: Iterable[float]) -> Vector:
    """Three numbers as a recipe holds them."""
    x, y, z = values
    return float(x), float(y), float(z)


def matrix(rows: Iterable[Iterable[float]]) -> Matrix:
    """Three rows of three numbers as a recipe holds them."""
    first, second, third = rows
    return vector(first), vector(second), vector(third)
