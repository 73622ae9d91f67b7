"""``trained_on.json``: what a network's training scans were like, as ranges over all of them, naming none."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray
from pydantic import ValidationError

from orienteer.atomic import write_json
from orienteer.errors import RunError
from orienteer.records.metric import Record
from orienteer.seal import sealed, unsealed

FILE = "trained_on.json"
VERSION = 1
QUANTILES = (0.25, 0.5, 0.75, 0.95)
"""Of the body's normalised intensities. Lower ones tell how much air the coarse foreground takes along."""
DIRECTIONS = 8
"""Most directions in which the spread of features is kept; in all others it is taken for equal."""


@dataclass(frozen=True)
class Frame:
    """What is known of a scan without its voxels.

    Attributes:
        voxel_mm: voxel size before resampling, along R, A, S; None where the store does not say.
        extent_mm: edges of the smallest box that holds the body, along R, A, S.
        windows: per channel the intensities, in the scan's own units, that are mapped to -1 and 1.
    """

    voxel_mm: tuple[float, float, float] | None
    extent_mm: tuple[float, float, float]
    windows: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Content:
    """What the voxels of a scan are like.

    Attributes:
        share: of the box that holds the body, how much the body fills.
        levels: ``(C, quantiles)`` the body's normalised intensities at ``QUANTILES``.
        features: ``(windows, F)`` mean and spread of the encoder's deepest map.
    """

    share: float
    levels: Float[ndarray, "C Q"]
    features: Float[ndarray, "N F"]


class Span(Record):
    """Lowest and highest value among the training scans."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The span of some values."""
        known = [float(value) for value in values]
        return cls(low=_short(min(known)), high=_short(max(known)))


class Channel(Record):
    """Intensities of one channel."""

    floor: Span
    """What is mapped to -1, in the scans' own units (HU for CT)."""
    width: Span
    """From there to what is mapped to 1."""
    levels: tuple[Span, ...]
    """The body's normalised intensities at the quantiles."""


class FeatureCloud(Record):
    """Where features of windows lie: a normal distribution, wide in a few directions and round in all others."""

    step: int
    """Of the checkpoint whose encoder gave them."""
    mean: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]
    variances: tuple[float, ...]
    """Along each direction."""
    rest: float
    """Variance along every other one."""
    usual: float = 0.0
    """Median distance of scans of subjects kept apart."""
    limit: float = 0.0
    """Distance from which a scan is unfamiliar."""

    @classmethod
    def of(cls, windows: Float[ndarray, "N F"], step: int) -> Self:
        """Probabilistic principal components (Tipping and Bishop 1999) of the features of windows."""
        mean = windows.mean(0)
        _, scale, directions = np.linalg.svd(windows - mean, full_matrices=False)
        variances = scale**2 / max(1, len(windows) - 1)
        kept = min(DIRECTIONS, len(windows) // 3)
        total, size = float(variances.sum()), windows.shape[1]
        rest = max(total - float(variances[:kept].sum()), 0.1 * total, 1e-12) / max(1, size - kept)
        return cls(
            step=step,
            mean=_shorts(mean),
            directions=tuple(_shorts(line) for line in directions[:kept]),
            variances=_shorts(variances[:kept] + rest),
            rest=_short(rest),
        )

    def distance(self, windows: Float[ndarray, "N F"]) -> float:
        """Mean distance of a scan's windows; near 1 for windows like those it was made of, whatever the encoder."""
        apart = np.asarray(windows, dtype=np.float64) - np.array(self.mean)
        along = apart @ np.array(self.directions).reshape(-1, len(self.mean)).T
        beside = np.maximum((apart**2).sum(1) - (along**2).sum(1), 0)
        squares = (along**2 / np.array(self.variances)).sum(1) + beside / self.rest
        return float(np.sqrt(squares / len(self.mean)).mean())


class TrainedOn(Record):
    """What the training scans of a network were like."""

    v: int = VERSION
    scans: int
    """Training scans; voxel size, extent and windows are of all of them."""
    measured: int
    """Of these, scans whose voxels were looked at."""
    spacing_mm: float
    """Of the network's grid."""
    voxel_mm: tuple[Span, Span, Span] | None
    """Voxel size before resampling along R, A, S; null where the store did not say."""
    extent_mm: tuple[Span, Span, Span]
    """Of the body along R, A, S."""
    share: Span
    """Of the box around the body that it fills."""
    channels: tuple[Channel, ...]
    features: FeatureCloud | None
    """Null where too few subjects were there to say how far apart two of them are."""

    @classmethod
    def of(
        cls, frames: Sequence[Frame], contents: Sequence[Content], features: FeatureCloud | None, *, spacing_mm: float
    ) -> Self:
        """Ranges over training scans.

        Args:
            frames: of all of them.
            contents: of those that were looked at.
            features: where theirs lie.
            spacing_mm: of the network's grid.
        """
        voxels = [frame.voxel_mm for frame in frames if frame.voxel_mm is not None]
        return cls(
            scans=len(frames),
            measured=len(contents),
            spacing_mm=spacing_mm,
            voxel_mm=_axes(voxels) if len(voxels) == len(frames) else None,
            extent_mm=_axes([frame.extent_mm for frame in frames]),
            share=Span.of(content.share for content in contents),
            channels=tuple(
                Channel(
                    floor=Span.of(frame.windows[channel][0] for frame in frames),
                    width=Span.of(high - low for low, high in (frame.windows[channel] for frame in frames)),
                    levels=tuple(map(Span.of, np.stack([content.levels[channel] for content in contents]).T)),
                )
                for channel in range(len(frames[0].windows))
            ),
            features=features,
        )

    def write(self, folder: Path) -> None:
        """Write ``trained_on.json``, whole or not at all, with a seal."""
        write_json(folder / FILE, sealed(self.model_dump(mode="json")))

    @classmethod
    def read(cls, folder: Path, *, step: int | None = None) -> Self | None:
        """The record of a training folder; None where it was made before there was one, or is not finished.

        Args:
            folder: of a run or a fine-tuning.
            step: of the checkpoint whose features will be compared; those of another are left out.

        Raises:
            RunError: it is damaged, or of a later version.
        """
        path = folder / FILE
        cure = f"restore it from a copy; without {FILE} everything else works, but no scan is called unfamiliar"
        try:
            document = unsealed(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunError(f"cannot read {path}: {error.strerror}", cure=cure) from None
        except (ValueError, RecursionError):
            raise RunError(f"{path} is damaged", cure=cure) from None
        if isinstance(document, Mapping) and document.get("v", 0) != VERSION:
            raise RunError(f"{path} is of version {document.get('v')}, not {VERSION}", cure="upgrade orienteer")
        try:
            record = cls.model_validate(document)
        except ValidationError as error:
            where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
            raise RunError(f"{path} is damaged at {where}", cure=cure) from None
        if step is not None and record.features is not None and record.features.step != step:
            return record.model_copy(update={"features": None})
        return record


def _axes(values: Sequence[tuple[float, float, float]]) -> tuple[Span, Span, Span]:
    right, anterior, superior = (Span.of(axis) for axis in zip(*values, strict=True))
    return right, anterior, superior


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _shorts(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(map(_short, values.tolist()))
