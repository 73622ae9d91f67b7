"""The page's colours and the frame every plot shares.

A colour is written as a token such as ``@model``; the page's script puts in the style sheet's value,
so one figure serves light, dark and print. Blue and orange stay apart for every common kind of colour blindness, and
nothing is told by colour alone: dashes, symbols and words say it too.
"""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

AXIS_WORDS = ("left – right", "posterior – anterior", "inferior – superior")
"""The three axes of a scan in RAS order, as words."""
TOWARDS = ("right", "front", "head")
"""The positive direction of each axis, as seen by the patient."""

Plotly = dict[str, Any]
"""A trace, a layout or a part of one, as plotly reads it."""

# Anchors of two colour maps, chosen so that lightness alone orders the sequential one.
SEQUENTIAL = ("#fdf6d8", "#f6c667", "#dd7a3f", "#a23b55", "#4a1a57")
DIVERGING = ("#134b8a", "#6fa8dc", "#f4f4f4", "#f0a35e", "#9c3d00")
SIMILARITY = ("#2f6bff", "#8fb8ff", "#ffffff", "#ffd166", "#ff9500")


@dataclass(frozen=True)
class Figure:
    """A plot: plotly's ``data`` and ``layout`` as plain values, and what to look for in one sentence.

    ``span`` is its width on the page, in sixths.
    """

    name: str
    title: str
    look: str
    data: Sequence[Plotly]
    layout: Plotly
    span: int = 3


def layout(x: str, y: str, *, height: int = 320, **more: Any) -> Plotly:
    """A frame with titled axes; ``more`` is merged into it, one level deep."""
    axis = {
        "gridcolor": "@rule", "linecolor": "@rule", "zerolinecolor": "@rule", "tickcolor": "@rule",
        "automargin": True, "fixedrange": True,
    }  # fmt: skip
    frame: Plotly = {
        **base(height),
        "xaxis": axis | {"title": {"text": x, "standoff": 8}},
        "yaxis": axis | {"title": {"text": y, "standoff": 8}},
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
    }
    for key, value in more.items():
        frame[key] = frame[key] | value if isinstance(frame.get(key), dict) else value
    if not frame.get("showlegend", True):
        frame["margin"] = frame["margin"] | {"t": 12}
    return frame


def base(height: int) -> Plotly:
    """What flat and spatial plots share."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {
            "family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif",
            "size": 13,
            "color": "@ink",
        },
        "hoverlabel": {"bgcolor": "@card", "bordercolor": "@rule", "font": {"color": "@ink"}},
    }


def plain(text: object) -> str:
    """``text`` for a plot's label, where plotly would otherwise read tags."""
    return html.escape(str(text), quote=False)


def floats(values: NDArray[Any] | Sequence[float], digits: int = 2) -> list[float | None]:
    """Rounded numbers ready for JSON; what is not finite becomes None, a hole in the plot."""
    return [round(float(v), digits) if np.isfinite(v) else None for v in values]


def packed(values: NDArray[Any]) -> dict[str, str]:
    """A list of numbers as plotly's base64 form, a third of the size of its digits; little-endian."""
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
    return {"dtype": f"{values.dtype.kind}{values.dtype.itemsize}", "bdata": data}


def minus(text: str) -> str:
    """A number's text with the true minus sign: a hyphen reads as a dash beside a number."""
    return text.replace("-", "−")


def signed(value: float) -> str:
    """Two decimals with the true minus sign."""
    return minus(f"{value:.2f}")


def mix(anchors: Sequence[str], fraction: float) -> str:
    """The colour at ``fraction`` (0 to 1, clipped) of a colour map, as ``#rrggbb``."""
    place = float(np.clip(fraction, 0, 1)) * (len(anchors) - 1)
    low = min(int(place), len(anchors) - 2)
    rgb = [_rgb(anchors[low + i]) * weight for i, weight in ((0, 1 - (place - low)), (1, place - low))]
    return "#" + "".join(f"{round(float(v)):02x}" for v in rgb[0] + rgb[1])


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on ``colour`` (WCAG relative luminance)."""
    linear = np.where((c := _rgb(colour) / 255) <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return "#000000" if float(linear @ [0.2126, 0.7152, 0.0722]) > 0.18 else "#ffffff"


def _rgb(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)
