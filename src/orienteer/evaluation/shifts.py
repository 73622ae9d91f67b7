"""Shifts: scans changed as another sequence, scanner or protocol would change them, in grades.

A whole scan is changed, re-windowed as ``ingest`` would do it, and only then cut into views. Anatomy, and with it the
truth, stays what it was; tilt and size move the truth with the anatomy.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from orienteer.geometry.resample import FWHM_PER_SIGMA
from orienteer.records.evaluation import ShiftCard
from orienteer.sampling.appearance import apply_curve
from orienteer.sampling.cut import Index
from orienteer.sampling.sampler import KNOTS, draw_curve
from orienteer.store.convention import Convention, Range
from orienteer.store.intensity import BODY_ABOVE, CEILING, FLOOR, LIMIT, empty_value, to_unit

Random = np.random.Generator
Linear = NDArray[np.float64]
DRAWS = 8
"""Draws of a random shift: a scan's samples are spread over so many of them."""


@dataclass(frozen=True, eq=False)
class Whole:
    """A whole scan.

    Attributes:
        voxels: ``(C, D, H, W)`` float32, window units.
        body: ``(D, H, W)`` where the body is.
        spacing: mm per voxel.
        view_mm: edge of the views that are cut from it, mm.
        convention: of its intensities.
        ends: ``(C, 2)`` the window that the convention chooses for each channel, in the units of ``voxels``.
    """

    voxels: NDArray[np.float32]
    body: NDArray[np.bool_]
    spacing: float
    view_mm: float
    convention: Convention
    ends: NDArray[np.float64]

    @classmethod
    def of(cls, voxels: NDArray[np.float32], *, spacing: float, view_mm: float, convention: Convention) -> Self:
        """A scan in window units."""
        body = np.asarray((voxels > BODY_ABOVE).any(axis=0))
        return cls(voxels, body, spacing, view_mm, convention, _ends(voxels, body, convention))

    def part(self, low: Index, size: Index) -> Self:
        """A box of it, still in the window of the whole."""
        box = tuple(slice(start, start + length) for start, length in zip(low.tolist(), size.tolist(), strict=True))
        return replace(self, voxels=self.voxels[(slice(None), *box)], body=self.body[box])

    def rewindowed(self, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Changed voxels in the window that ``ingest`` would choose for them, cut off where it cuts off."""
        scale, shift = np.ones((len(voxels), 1, 1, 1)), np.zeros((len(voxels), 1, 1, 1))
        for channel, (low, high) in enumerate(_ends(voxels, self.body, self.convention)):
            if high > low:  # else all of the body has become one grey
                first, last = self.ends[channel]
                scale[channel] = (last - first) / (high - low)
                shift[channel] = first - low * scale[channel]
        return np.clip(voxels * scale + shift, -LIMIT, LIMIT).astype(np.float32)


@dataclass(frozen=True)
class Shift:
    """One grade of one shift.

    Attributes:
        card: what it is, in words.
        change: new voxels of a scan, before its window is chosen anew; None leaves them.
        linear: ``(3, 3)`` map of an offset in a view to one in the scan; None leaves the scan as it lies.
        kept: share of the scan that is left along one axis, drawn for each scan.
        draws: how many different draws there are of it.
    """

    card: ShiftCard
    change: Callable[[Whole, Random], NDArray[np.float32]] | None = None
    linear: Callable[[Random], Linear] | None = None
    kept: float = 1.0
    draws: int = 1

    @property
    def stays(self) -> bool:
        """Whether every voxel stays where it is, so that any view can be shown under it."""
        return self.linear is None and self.kept == 1

    def changed(self, scan: Whole, random: Random) -> NDArray[np.float32]:
        """``(C, D, H, W)`` the scan under the shift, in the window that ``ingest`` would choose for it now."""
        return scan.rewindowed(scan.voxels if self.change is None else self.change(scan, random))


def shifts(spacing: float) -> tuple[Shift, ...]:
    """All of them, for scans of one spacing in mm, the mildest grade of each first."""

    def of(group: str, name: str, title: str, meaning: str, **what: object) -> Shift:
        return Shift(ShiftCard(name=name, group=group, title=title, meaning=meaning), **what)  # type: ignore[arg-type]

    return (
        of("contrast", "inverted", "contrast inverted", "dark tissue bright and bright tissue dark", change=inverted),
        of(
            "contrast", "folded", "contrast folded",
            "middle greys become the brightest, dark and bright tissue both dark", change=folded,
        ),
        of(
            "contrast", "bent", "contrast bent",
            "a random rising curve: darker tissue stays darker", change=partial(remapped, ordered=True), draws=DRAWS,
        ),
        of(
            "contrast", "remapped", "contrast remapped",
            "a random curve of seven knots: another sequence's contrast", change=remapped, draws=DRAWS,
        ),
        *(
            of(
                "intensity", f"bias-{share:.0%}".rstrip("%"), f"bias of ±{share:.0%} across a view".replace("%", " %"),
                "a smooth field that brightens and darkens, as of a surface coil",
                change=partial(biased, share=share), draws=DRAWS,
            )
            for share in (0.25, 0.5)
        ),
        *(
            of(
                "intensity", f"noise-{sd:g}", f"noise of {sd:g} half windows", "Gaussian noise on the body",
                change=partial(noisy, deviation=sd), draws=DRAWS,
            )
            for sd in (0.15, 0.3)
        ),
        *(
            of(
                "resolution", f"blur-{times}x", f"blurred by {times * spacing:g} mm",
                "a Gaussian blur, full width at half maximum", change=partial(blurred, fwhm_mm=times * spacing),
            )
            for times in (2, 3)
        ),
        *(
            of(
                "resolution", f"slices-{times}x", f"slices of {times * spacing:g} mm",
                "thick slices along one axis, interpolated", change=partial(sliced, thick_mm=times * spacing), draws=3,
            )
            for times in (2, 3)
        ),
        *(
            of(
                "resolution", f"voxels-{times}x", f"voxels of {times * spacing:g} mm",
                "scanned at larger voxels, interpolated", change=partial(coarse, voxel_mm=times * spacing),
            )
            for times in (2, 3)
        ),
        *(
            of(
                "geometry", f"field-{share:.0%}".rstrip("%"), f"only {share:.0%} of the field".replace("%", " %"),
                "a part of the scan along one axis", kept=share, draws=3,
            )
            for share in (0.8, 0.6)
        ),
        *(
            of(
                "geometry", f"tilt-{degrees}", f"tilted by {degrees}°", "turned about a random axis",
                linear=partial(tilted, degrees=degrees), draws=DRAWS,
            )
            for degrees in (10, 20)
        ),
        *(
            of(
                "geometry", f"size-{size:.0%}".rstrip("%"), f"a body of {size:.0%} size".replace("%", " %"),
                "everything nearer together, or farther apart", linear=partial(sized, size=size),
            )
            for size in (0.85, 1.15)
        ),
    )  # fmt: skip


def _ends(voxels: NDArray[np.float32], body: NDArray[np.bool_], convention: Convention) -> NDArray[np.float64]:
    if isinstance(convention, Range) or not body.any():
        return np.full((len(voxels), 2), (FLOOR, CEILING))
    return np.array([convention.ends(channel[body], empty_value(channel)) for channel in voxels])


def inverted(scan: Whole, random: Random) -> NDArray[np.float32]:
    """The window upside down, on the body."""
    return apply_curve(scan.voxels, (CEILING, FLOOR))


def folded(scan: Whole, random: Random) -> NDArray[np.float32]:
    """The window folded in its middle, on the body."""
    return apply_curve(scan.voxels, (FLOOR, CEILING, FLOOR))


def remapped(scan: Whole, random: Random, *, ordered: bool = False) -> NDArray[np.float32]:
    """The body through a random curve; ``ordered`` keeps darker tissue darker."""
    curve = draw_curve(random, (KNOTS[1], KNOTS[1]))
    return apply_curve(scan.voxels, tuple(sorted(curve)) if ordered else curve)


def biased(scan: Whole, random: Random, *, share: float) -> NDArray[np.float32]:
    """A smooth field that goes from ``1 / (1 + share)`` to ``1 + share`` across a view, from a random direction."""
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    places = np.stack(np.meshgrid(*map(np.arange, scan.body.shape), indexing="ij"), axis=-1) * scan.spacing
    wave = np.sin(np.pi * (places @ direction) / scan.view_mm + random.uniform(0, 2 * np.pi))
    field = np.exp(np.log1p(share) * wave).astype(np.float32)
    return np.where(scan.body, to_unit(scan.voxels) * field * (CEILING - FLOOR) + FLOOR, scan.voxels)


def noisy(scan: Whole, random: Random, *, deviation: float) -> NDArray[np.float32]:
    """Gaussian noise on the body, its deviation in half-widths of the window; no voxel gets darker than nothing."""
    noise = np.float32(deviation) * random.standard_normal(scan.voxels.shape, dtype=np.float32)
    return np.where(scan.body, np.maximum(scan.voxels + noise, np.minimum(scan.voxels, FLOOR)), scan.voxels)


def blurred(scan: Whole, random: Random, *, fwhm_mm: float) -> NDArray[np.float32]:
    """A Gaussian blur of that full width at half maximum."""
    sigma = fwhm_mm / FWHM_PER_SIGMA / scan.spacing
    return np.stack([gaussian_filter(channel, sigma, mode="nearest") for channel in scan.voxels])


def sliced(scan: Whole, random: Random, *, thick_mm: float) -> NDArray[np.float32]:
    """Thick slices along an axis drawn at random."""
    return averaged(scan.voxels, int(random.integers(1, 4)), thick_mm / scan.spacing)


def coarse(scan: Whole, random: Random, *, voxel_mm: float) -> NDArray[np.float32]:
    """Larger voxels along all axes."""
    voxels = scan.voxels
    for axis in (1, 2, 3):
        voxels = averaged(voxels, axis, voxel_mm / scan.spacing)
    return voxels


def tilted(random: Random, *, degrees: float) -> Linear:
    """A turn about an axis drawn at random."""
    axis = random.normal(size=3)
    turn: Linear = Rotation.from_rotvec(np.deg2rad(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    return turn


def sized(random: Random, *, size: float) -> Linear:
    """Everything ``size`` times as large: a view shows so much less of it."""
    return np.eye(3) / size


def averaged(voxels: NDArray[np.float32], axis: int, thick: float) -> NDArray[np.float32]:
    """Slices of ``thick`` voxels along an axis, each the mean of what lies in it, interpolated between their middles.

    Args:
        voxels: ``(C, D, H, W)``.
        axis: 1, 2 or 3.
        thick: at least 1.
    """
    moved = np.moveaxis(voxels, axis, -1)
    length = moved.shape[-1]
    count = max(1, int(length // thick))
    edges = (length - count * thick) / 2 + thick * np.arange(count + 1)
    sums = np.concatenate([np.zeros((*moved.shape[:-1], 1)), moved.cumsum(-1, dtype=np.float64)], axis=-1)
    means = np.diff(_between(sums, edges), axis=-1) / thick
    middles = (np.arange(length) + 0.5 - edges[0]) / thick - 0.5
    return np.moveaxis(_between(means, np.clip(middles, 0, count - 1)), -1, axis).astype(np.float32)


def _between(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear interpolation along the last axis, at places in steps of it."""
    low = np.clip(at.astype(int), 0, max(0, values.shape[-1] - 2))
    high = np.minimum(low + 1, values.shape[-1] - 1)
    share = at - low
    result: NDArray[np.float64] = values[..., low] * (1 - share) + values[..., high] * share
    return result
