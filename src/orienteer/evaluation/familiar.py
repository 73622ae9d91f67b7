"""What a network's training scans were like, and whether another scan is like them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray
from torch import Tensor

from orienteer.geometry.boxes import covering, padded_box
from orienteer.ingest.foreground import coarse_grid, foreground_box
from orienteer.ingest.prepare import Scaled
from orienteer.records.trained_on import QUANTILES, Content, FeatureCloud, Frame, TrainedOn
from orienteer.records.unfamiliar import limit
from orienteer.sampling import Purpose, generator
from orienteer.store import Store
from orienteer.store.intensity import FLOOR, normalise
from orienteer.store.manifest import Intensity, Parameters, ScanEntry

MOST = 16
"""Scans of training, and of subjects kept apart, whose voxels are looked at: seconds, however large the store is."""
WINDOWS = 8
"""Windows of a scan that are shown to the encoder."""
TOGETHER = 2
"""Windows encoded at once."""

Encoder = Callable[[Tensor], Sequence[Tensor]]


@dataclass(frozen=True, eq=False)
class WholeScan:
    """A scan as a network could be shown all of it.

    Attributes:
        frame: its geometry and windows.
        box: ``(C, d, h, w)`` normalised voxels of the box that holds the body.
        body: ``(d, h, w)`` where in the box the body is, to one cell of the coarse foreground.
    """

    frame: Frame
    box: NDArray[np.float32]
    body: NDArray[np.bool_]

    @classmethod
    def stored(cls, store: Store, scan: str) -> Self:
        """A scan of a store."""
        entry = store.entry(scan)
        low, high = np.array(entry.foreground_low), np.array(entry.foreground_high)
        body = _grown(store.foreground(scan), store.foreground_cell)
        box = store.normalise(scan, store.read(scan, low, high - low))
        return cls(frame_of(store, scan), box, body[_slices(low, high)])

    @classmethod
    def prepared(cls, ready: Scaled, voxel_mm: NDArray[np.float64], parameters: Parameters) -> Self:
        """A scan that no store holds; its voxel size before resampling is along R, A, S."""
        low, high = map(np.array, foreground_box(ready.mask))
        right, anterior, superior = map(float, voxel_mm)
        frame = _frame((right, anterior, superior), (high - low) * parameters.spacing, ready.intensity)
        cells = _grown(coarse_grid(ready.mask, parameters.foreground_cell), parameters.foreground_cell)
        box = normalise(ready.image[(slice(None), *_slices(low, high))], ready.intensity)
        return cls(frame, box, cells[_slices(low, high)])

    def content(self, encoder: Encoder, *, size: int, device: torch.device) -> Content:
        """What its voxels are like; ``size`` is the edge of the windows that the encoder learned from, voxels."""
        levels = np.quantile(self.box[:, self.body], QUANTILES, axis=1).T
        return Content(float(self.body.mean()), levels, self._features(encoder, size, device))

    @torch.no_grad()
    def _features(self, encoder: Encoder, size: int, device: torch.device) -> Float[ndarray, "N F"]:
        """Mean and spread over space of the deepest map, of windows spread evenly over the body."""
        lows = covering(self.box.shape[1:], size, overlap=0)
        chosen = [lows[n] for n in np.linspace(0, len(lows) - 1, min(WINDOWS, len(lows))).astype(int)]
        windows = torch.from_numpy(np.stack([padded_box(self.box, low, size, fill=FLOOR) for low in chosen]))
        parts = []
        for some in torch.split(windows, TOGETHER):
            deepest = encoder(some.to(device))[-1].double().flatten(2)
            parts.append(torch.cat([deepest.mean(2), deepest.std(2, correction=0)], dim=1).cpu())
        features: NDArray[np.float64] = torch.cat(parts).numpy()
        return features


def frame_of(store: Store, scan: str) -> Frame:
    """What a store's manifest says of a scan's geometry and windows."""
    return _frame_of(store.entry(scan))


def _frame_of(entry: ScanEntry) -> Frame:
    cells = np.array(entry.foreground_high) - np.array(entry.foreground_low)
    return _frame(entry.voxel_mm, cells * entry.spacing, entry.intensity)


def learned_from(
    store: Store,
    scans: Sequence[str],
    apart: Sequence[str],
    encoder: Encoder,
    *,
    size: int,
    device: torch.device,
    seed: int,
    step: int,
) -> TrainedOn:
    """The record of a network's training scans.

    How far a familiar scan may lie from them is calibrated on subjects kept apart: validation subjects, and each
    training subject against all others.

    Args:
        store: where the scans are.
        scans: the training scans; a few of many are looked at, by the seed.
        apart: validation scans.
        encoder: in evaluation mode, on ``device``.
        size: edge of the windows it learned from, voxels.
        device: where it is.
        seed: of the training.
        step: of the encoder's checkpoint.
    """
    some, held_out = _some(scans, seed, 0), _some(apart, seed, 1)
    contents = {
        scan: WholeScan.stored(store, scan).content(encoder, size=size, device=device) for scan in (*some, *held_out)
    }
    windows = {scan: content.features for scan, content in contents.items()}
    cloud = FeatureCloud.of(np.concatenate([windows[scan] for scan in some]), step)
    distances = [cloud.distance(windows[scan]) for scan in held_out]
    people = {scan: store.entry(scan).person for scan in some}
    for scan in some:
        others = [windows[other] for other in some if people[other] != people[scan]]
        if others:
            distances.append(FeatureCloud.of(np.concatenate(others), step).distance(windows[scan]))
    known = {"usual": float(np.median(distances)), "limit": limit(distances)} if distances else {}
    return TrainedOn.of(
        [_frame_of(entry) for entry in store.entries(scans)],
        [contents[scan] for scan in some],
        cloud.model_copy(update=known) if known else None,
        spacing_mm=store.manifest.spacing,
    )


def _some(scans: Sequence[str], seed: int, which: int) -> list[str]:
    order = generator(seed, Purpose.TRAINED_ON, which).permutation(len(scans))
    return sorted(scans[n] for n in order[:MOST])


def _frame(
    voxel_mm: tuple[float, float, float] | None, extent_mm: NDArray[np.floating], intensity: Sequence[Intensity]
) -> Frame:
    right, anterior, superior = map(float, extent_mm)
    return Frame(voxel_mm, (right, anterior, superior), tuple((each.low, each.high) for each in intensity))


def _grown(cells: NDArray[np.bool_], cell: int) -> NDArray[np.bool_]:
    """Every cell as its voxels."""
    for axis in range(3):
        cells = cells.repeat(cell, axis)
    return cells


def _slices(low: NDArray[np.integer], high: NDArray[np.integer]) -> tuple[slice, ...]:
    return tuple(map(slice, low.tolist(), high.tolist()))
