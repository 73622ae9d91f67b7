"""Where the crops of one sample may lie: inside the scan, on the body, on whole voxels where nothing is turned."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from orienteer.store import Store

Centres = NDArray[np.float64]
"""``(K, 3)`` view centres, voxels of the store's grid; or one of them, ``(3,)``."""


@dataclass(frozen=True, eq=False)
class Region:
    """One scan, seen through the sample's linear map.

    Attributes:
        shape: the scan's, in voxels.
        size: view edge in voxels.
        linear: ``(3, 3)`` maps an offset in the view's frame to one in the scan's frame.
        occupancy: the store's coarse grid of body.
        cell: voxels per edge of a cell of that grid.
        min_foreground: share of a view that should be body.
    """

    shape: tuple[int, int, int]
    size: int
    linear: NDArray[np.float64]
    occupancy: NDArray[np.bool_]
    cell: int
    min_foreground: float

    @classmethod
    def of(cls, store: Store, scan: str, size: int, *, linear: NDArray[np.float64], min_foreground: float) -> Self:
        """The region of a scan of the store.

        Raises:
            StoreError: no such scan, or its foreground is missing or damaged.
        """
        shape, occupancy = store.entry(scan).shape, store.foreground(scan)
        return cls(shape, size, linear, occupancy, store.foreground_cell, min_foreground)

    @property
    def is_aligned(self) -> bool:
        """True when nothing is turned or scaled: views are copies of whole voxels, nothing is interpolated."""
        return bool(np.array_equal(self.linear, np.eye(3)))

    def centre_range(self, size: int | None = None) -> tuple[Centres, Centres]:
        """Lowest and highest centre of a cube of ``size`` (default: a view) no voxel of which lies outside.

        Views never need padding, so a border of zeros can never tell the network where it is. Where the cube does
        not fit, the lowest lies above the highest.
        """
        reach = np.abs(self.linear) @ np.full(3, ((self.size if size is None else size) - 1) / 2)
        return reach, np.array(self.shape, dtype=np.float64) - 1 - reach

    def between(self, random: np.random.Generator, low: Centres, high: Centres) -> Centres:
        """A centre drawn uniformly from a box; in whole steps from its low corner where views are aligned."""
        if self.is_aligned:
            steps = random.integers(0, np.rint(high - low).astype(int) + 1)
            return np.asarray(low + steps, dtype=np.float64)
        return np.asarray(low + random.random(3) * (high - low), dtype=np.float64)

    def body(self, centre: Centres) -> float:
        """Share of the cells touched by a view there that hold body."""
        half = self.size / 2
        first = np.maximum(np.floor((centre - half) / self.cell).astype(int), 0)
        last = np.ceil((centre + half) / self.cell).astype(int)
        box = self.occupancy[first[0] : last[0], first[1] : last[1], first[2] : last[2]]
        return float(box.mean()) if box.size else 0.0

    def on_body(self, layouts: Iterable[Centres]) -> Centres | None:
        """The first layout all of whose views hold enough body, else the one whose emptiest view holds most."""
        best: Centres | None = None
        best_share = -1.0
        for layout in layouts:
            share = min(self.body(centre) for centre in np.atleast_2d(layout))
            if share >= self.min_foreground:
                return layout
            if share > best_share:
                best, best_share = layout, share
        return best
