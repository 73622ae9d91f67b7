"""Conventions of intensity: where the window of a scan lies, and the units in which a network sees it.

A store, views and everything drawn from them are in window units: ``normalise`` maps the window of each channel to
[-1, 1]. A convention decides how the window's ends are chosen at ingest, and by which affine window units become the
network's own, once, where its encoder begins.

    >>> convention_of("zscore").to_network(np.array([-1.0, 0.0, 1.5]))
    array([-2.5 ,  0.  ,  3.75])
    >>> print(convention_of((-175, 250)))
    -175,250
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float32
from numpy import ndarray

from orienteer.errors import ConfigError, ScanError

Name = Literal["window", "zscore", "range"]

DEVIATIONS = 2.5
"""Standard deviations from the mean to either end of the window of a z-score; values are kept up to 1.5 times that."""
FILLED = 0.05
"""Share of a fixed range that the body's intensities have to span: less means that they are of another unit."""


@dataclass(frozen=True)
class Convention(ABC):
    """How intensities become what a network sees; as text, what ``--intensities`` takes.

    Attributes:
        percentiles: of the body, in percent.
    """

    name: ClassVar[Name]
    factor: ClassVar[float] = 1.0
    """What a half-width of the window is in the network's units."""
    shift: ClassVar[float] = 0.0
    """What the middle of the window is in the network's units."""

    percentiles: tuple[float, float] = (0.5, 99.5)

    @abstractmethod
    def ends(self, body: Float32[ndarray, " n"], empty: float | None) -> tuple[float, float]:
        """The two intensities of a channel that become -1 and 1 in window units.

        Args:
            body: intensities of the body's voxels.
            empty: the value of a background that is one constant, or None.
        """

    @property
    @abstractmethod
    def words(self) -> str:
        """Its rule, as the rest of a sentence that begins "a network sees"."""

    def to_network(self, values: Any) -> Any:
        """Values, an array or a tensor in window units, as the network sees them."""
        return values * self.factor + self.shift

    def to_window(self, values: Any) -> Any:
        """The way back, as far as nothing was cut off."""
        return (values - self.shift) / self.factor

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Window(Convention):
    """Percentiles of the body become -1 and 1: the default."""

    name: ClassVar[Name] = "window"

    def ends(self, body: Float32[ndarray, " n"], empty: float | None) -> tuple[float, float]:
        """Percentiles; a constant background near them takes the place of the lower one."""
        low, high = (float(v) for v in np.percentile(body, self.percentiles))
        # A background one whole window away (air of a CT) is clipped to a constant as it is.
        if empty is not None and low - (high - low) <= empty < low:
            low = empty
        return low, high

    @property
    def words(self) -> str:
        """Its rule."""
        low, high = self.percentiles
        return f"percentile {low:g} of the body as -1, {high:g} as 1"

    def to_network(self, values: Any) -> Any:
        """As they are: the network sees window units."""
        return values

    def to_window(self, values: Any) -> Any:
        """As they are."""
        return values


@dataclass(frozen=True)
class ZScore(Convention):
    """The network sees ``(value - mean) / deviation``, both of the body's voxels."""

    name: ClassVar[Name] = "zscore"
    factor: ClassVar[float] = DEVIATIONS

    def ends(self, body: Float32[ndarray, " n"], empty: float | None) -> tuple[float, float]:
        """As many standard deviations on either side of the mean, whatever the background is."""
        mean, deviation = float(body.mean(dtype=np.float64)), float(body.std(dtype=np.float64))
        return mean - DEVIATIONS * deviation, mean + DEVIATIONS * deviation

    @property
    def words(self) -> str:
        """Its rule."""
        return "the body's mean as 0, its standard deviation as 1"


@dataclass(frozen=True)
class Range(Convention):
    """Two fixed values, the same for all scans and channels, become 0 and 1; what lies beyond is cut off there."""

    name: ClassVar[Name] = "range"
    factor: ClassVar[float] = 0.5
    shift: ClassVar[float] = 0.5

    low: float = 0.0
    high: float = 1.0

    def ends(self, body: Float32[ndarray, " n"], empty: float | None) -> tuple[float, float]:
        """The fixed ends.

        Raises:
            ScanError: hardly anything of the body lies between them, or all of it at nearly one value.
        """
        first, last = (float(v) for v in np.percentile(body, self.percentiles))
        if np.ptp(np.clip([first, last], self.low, self.high)) < FILLED * (self.high - self.low):
            raise ScanError(
                f"the body's intensities, {first:g} to {last:g}, fill next to nothing of {self}",
                code="outside-range",
                cure="give --intensities a range in the scans' own units, or ingest with window or zscore",
            )
        return self.low, self.high

    @property
    def words(self) -> str:
        """Its rule."""
        return f"{self.low:g} as 0, {self.high:g} as 1"

    def to_network(self, values: Any) -> Any:
        """0 to 1, cut off at both ends."""
        return super().to_network(values).clip(0.0, 1.0)

    def __str__(self) -> str:
        return f"{self.low:.15g},{self.high:.15g}"


WINDOW = Window()


def convention_of(
    asked: str | tuple[float, float], percentiles: tuple[float, float] = WINDOW.percentiles
) -> Convention:
    """The convention of a name, or of a fixed range as two numbers or ``LOW,HIGH``.

    Raises:
        ConfigError: neither a name nor a range.
    """
    plain: dict[str, type[Convention]] = {each.name: each for each in (Window, ZScore)}
    if isinstance(asked, str) and asked in plain:
        return plain[asked](percentiles)
    try:
        low, high = map(float, asked.split(",") if isinstance(asked, str) else asked)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not (low < high and math.isfinite(high - low)):
        raise ConfigError(
            f"intensities {asked!r} are neither {', '.join(plain)} nor a range",
            cure="give --intensities window, zscore, or LOW,HIGH in the scans' own units, e.g. --intensities=-175,250",
        )
    return Range(percentiles, low, high)
