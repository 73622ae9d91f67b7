"""Whether a scan is like those a network was trained on: what lies outside their ranges, as findings.

Ranges are widened first: by more where they are of few scans, since two subjects say little about a third.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from orienteer.records.trained_on import QUANTILES, Content, FeatureCloud, Frame, Span, TrainedOn
from orienteer.scans.findings import Finding, finding

UNFAMILIAR = ("unfamiliar-spacing", "unfamiliar-extent", "unfamiliar-intensities", "unfamiliar-features")
"""Codes of what is found here."""
FACTOR = 1.2
"""By which lengths may lie outside the range of very many scans; ``slack`` is its exponent."""
LEVEL = 0.15
"""The same for normalised intensities, whose window is 2 wide, and for shares; ``slack`` multiplies it."""
UNITS = 10.0
"""By which windows may be wider or narrower: every scan is scaled by its own, so only a wrong unit matters."""
SHIFT = 0.5
"""By how many widths of the widest training window a window may begin elsewhere: of HU without their offset."""
LARGEST = 64
"""By which a scan's volume may exceed the largest training body: four times along every axis."""
FREE_VOXELS = 1 << 24
"""Voxels on the network's grid that are never too many: seconds to a minute of work."""
AXES = ("left to right", "back to front", "feet to head")


def slack(scans: int) -> float:
    """How much more tolerant to be with few training scans: 3 with one, 1 with very many."""
    return 1 + 2 / math.sqrt(scans)


def limit(apart: Sequence[float]) -> float:
    """The distance of features from which a scan is unfamiliar.

    The largest of subjects kept apart, with a margin that shrinks as there are more of them; one of these that is a
    stray itself counts as twice the median.
    """
    return min(max(apart), 2 * float(np.median(apart))) * (1 + 1 / math.sqrt(len(apart)))


def unfamiliar(trained: TrainedOn, frame: Frame, content: Content | None) -> tuple[Finding, ...]:
    """What about a scan lies outside what the training scans had; empty where it is like them.

    Args:
        trained: the record of the training scans.
        frame: the scan's geometry and windows.
        content: what its voxels are like.
    """
    found = [_spacing(trained, frame), _extent(trained, frame), _units(trained, frame)]
    if content is not None:
        found += [_share(trained, content), _levels(trained, content), _features(trained.features, content)]
    return tuple(each for each in found if each is not None)


def far_too_large(trained: Sequence[TrainedOn], shape: Sequence[int], voxel_mm: Sequence[float]) -> Finding | None:
    """Whether a scan's field of view is so far beyond all training scans that minutes of work on it would be in vain.

    Args:
        trained: the records of the training scans of each network; of none, nothing is too large.
        shape: voxels along R, A, S, as the header says.
        voxel_mm: their size.
    """
    if not trained:
        return None
    widest = max(([span.high for span in each.extent_mm] for each in trained), key=math.prod)
    extent = [n * mm for n, mm in zip(shape, voxel_mm, strict=True)]
    times, spacing = math.prod(extent) / math.prod(widest), min(each.spacing_mm for each in trained)
    if times <= LARGEST or math.prod(extent) <= FREE_VOXELS * spacing**3:
        return None
    return replace(
        finding(
            "too-large",
            f"voxels of {_lengths(voxel_mm)} mm make it {_lengths(extent)} mm large,"
            f" {_number(times)} times the largest body in training ({_lengths(widest)} mm)",
        ),
        cure="correct the header's voxel size (mm); if it is right, crop the scan to what the network was trained on",
    )


def _lengths(mm: Sequence[float]) -> str:
    return " x ".join(map(_number, mm))


def _spacing(trained: TrainedOn, frame: Frame) -> Finding | None:
    if trained.voxel_mm is None or frame.voxel_mm is None:
        return None
    # On the network's grid nothing finer is left of them.
    grid = trained.spacing_mm
    spans = tuple(Span(low=max(span.low, grid), high=max(span.high, grid)) for span in trained.voxel_mm)
    axis = _outside([max(mm, grid) for mm in frame.voxel_mm], spans, trained.scans)
    if axis is None:
        return None
    return finding(
        "unfamiliar-spacing",
        f"voxels of {_number(frame.voxel_mm[axis])} mm {AXES[axis]},"
        f" in training {_range(trained.voxel_mm[axis], ' mm')}",
    )


def _extent(trained: TrainedOn, frame: Frame) -> Finding | None:
    axis = _outside(frame.extent_mm, trained.extent_mm, trained.scans)
    if axis is None:
        return None
    return finding(
        "unfamiliar-extent",
        f"the body is {_number(frame.extent_mm[axis])} mm {AXES[axis]},"
        f" in training {_range(trained.extent_mm[axis], ' mm')}",
    )


def _share(trained: TrainedOn, content: Content) -> Finding | None:
    if _beyond(content.share, trained.share) <= LEVEL * slack(trained.measured):
        return None
    return finding(
        "unfamiliar-extent",
        f"the body fills {content.share:.0%} of the box around it,"
        f" in training {trained.share.low:.0%} to {trained.share.high:.0%}",
    )


def _units(trained: TrainedOn, frame: Frame) -> Finding | None:
    for number, ((low, high), channel) in enumerate(zip(frame.windows, trained.channels, strict=True), start=1):
        width = _ratio(high - low, channel.width) > UNITS
        if width or _beyond(low, channel.floor) > SHIFT * channel.width.high:
            said, value = ("spans", high - low) if width else ("begins at", low)
            span = channel.width if width else channel.floor
            return finding(
                "unfamiliar-intensities",
                f"{_channel(trained, number)}its intensity window {said} {_number(value)}, in training {_range(span)}",
            )
    return None


def _levels(trained: TrainedOn, content: Content) -> Finding | None:
    tolerance = LEVEL * slack(trained.measured)
    worst = max(
        (_beyond(float(content.levels[channel, n]), span), channel, n)
        for channel, of in enumerate(trained.channels)
        for n, span in enumerate(of.levels)
    )
    if worst[0] <= tolerance:
        return None
    _, channel, n = worst
    return finding(
        "unfamiliar-intensities",
        f"{_channel(trained, channel + 1)}{QUANTILES[n]:.0%} of the body is darker than"
        f" {content.levels[channel, n]:.2f} (of a window of -1 to 1), in training than"
        f" {_range(trained.channels[channel].levels[n])}",
    )


def _features(cloud: FeatureCloud | None, content: Content) -> Finding | None:
    if cloud is None:
        return None
    distance = cloud.distance(content.features)
    if distance <= cloud.limit:
        return None
    return finding(
        "unfamiliar-features",
        f"its features lie {distance / cloud.usual:.1f} times as far from training's as those of a new subject"
        f" usually do; up to {cloud.limit / cloud.usual:.1f} times is familiar",
    )


def _outside(values: Sequence[float], spans: Sequence[Span], scans: int) -> int | None:
    """The axis along which a length lies furthest outside its range; None where all are near enough."""
    ratios = [_ratio(value, span) for value, span in zip(values, spans, strict=True)]
    axis = int(np.argmax(ratios))
    return axis if ratios[axis] > FACTOR ** slack(scans) else None


def _ratio(value: float, span: Span) -> float:
    """How many times larger than the highest, or smaller than the lowest; at most 1 inside."""
    return max(value / span.high, span.low / value)


def _beyond(value: float, span: Span) -> float:
    """How far outside."""
    return max(value - span.high, span.low - value, 0.0)


def _range(span: Span, unit: str = "") -> str:
    low, high = _number(span.low), _number(span.high)
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _number(value: float) -> str:
    """Three digits, never with an exponent."""
    short = float(f"{value:.3g}")
    return f"{short:,.0f}" if abs(short) >= 100 else f"{short:g}"


def _channel(trained: TrainedOn, number: int) -> str:
    return f"channel {number}: " if len(trained.channels) > 1 else ""
