"""A scan as it stands and as it should: three planes each, with the letters of its sides. Needs no torch."""

import io
from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from orienteer.geometry.volume import spacing_of
from orienteer.localize.oriented import Oriented, Verdict, upright
from orienteer.store.intensity import grey_levels

PLANES = (("Sagittal", "A", "P", 0), ("Coronal", "R", "L", 1), ("Axial", "R", "L", 2))
"""Name, letters at left and right, axis removed; up is S, on the axial plane A."""
EDGE, GAP, TEXT = 200, 12, 14
"""Pixels of a picture, between pictures, and of a line of text."""
WIDE, BAR_MM = 100, 50
"""Characters of a line, and mm of the bar in each plane."""
WORDS = {Verdict.MIRRORED: "left and right are exchanged"}
"""What is told where the verdict has no reason of its own."""
INK, PAPER, DIM = (235, 235, 235), (16, 16, 16), (150, 150, 150)


def picture(grey: NDArray[np.float32], affine: NDArray[np.float64], found: Oriented) -> bytes:
    """A PNG: above by the header, below as it is; one row where both are alike.

    Args:
        grey: ``(D, H, W)`` in window units, along the file's axes.
        affine: ``(4, 4)`` of the file, as its header says.
        found: the verdict.
    """
    rows = [("by the header", affine, (1.0, 1.0, 1.0))]
    if found.axes_found not in ("", found.axes) or found.factors != (1.0, 1.0, 1.0):
        unsure = "" if found.side_told else ", left and right not told"
        rows.append((f"by the anatomy{unsure}", found.affine, found.factors))
    width, high = 3 * (EDGE + GAP) + GAP, EDGE + 2 * TEXT + GAP
    why = wrap(found.why or WORDS.get(found.verdict, ""), WIDE)
    title = (2 + len(why)) * TEXT
    canvas = Image.new("RGB", (width, len(rows) * high + title), PAPER)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(TEXT - 2)
    draw.text((GAP, 4), f"{found.scan}: {found.verdict.value}", fill=INK, font=font)
    for line, text in enumerate(why):
        draw.text((GAP, 4 + (line + 1) * TEXT), text, fill=DIM, font=font)
    for row, (words, where, factors) in enumerate(rows):
        top = title + row * high
        draw.text((GAP, top), f"{words}; bars of {BAR_MM} mm", fill=DIM, font=font)
        array = upright(grey, where)
        spacing = _along(spacing_of(where) * factors, where)
        for column, (_, left, right, axis) in enumerate(PLANES):
            at = (GAP + column * (EDGE + GAP), top + TEXT + 4)
            shown, scale = _plane(array, spacing, axis)
            canvas.paste(shown, at)
            left, right = (left, right) if axis == 0 or row == 0 or found.side_told else ("?", "?")
            for text, x, y, anchor in (
                (left, 3, EDGE / 2, "lm"), (right, EDGE - 3, EDGE / 2, "rm"),
                ("A" if axis == 2 else "S", EDGE / 2, 2, "ma"), ("P" if axis == 2 else "I", EDGE / 2, EDGE - 2, "md"),
            ):  # fmt: skip
                draw.text((at[0] + x, at[1] + y), text, INK, font, anchor, stroke_width=1, stroke_fill=PAPER)
            bar = (EDGE - 8 - BAR_MM * scale, EDGE - 8, EDGE - 8, EDGE - 8)
            draw.line([at[n % 2] + each for n, each in enumerate(bar)], fill=INK, width=2)
    data = io.BytesIO()
    canvas.save(data, "PNG")
    return data.getvalue()


def _along(spacing: NDArray[np.float64], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spacing along R, A, S of a file with this affine."""
    along: NDArray[np.float64] = np.abs(affine[:3, :3] / spacing_of(affine)).round() @ spacing
    return along


def _plane(
    array: NDArray[np.float32], spacing: Sequence[float] | NDArray[np.float64], axis: int
) -> tuple[Image.Image, float]:
    """The middle slice, in proportion, on a square: what is up is up, and right or anterior is on the left.

    Returns:
        The picture, and its pixels per mm.
    """
    across, up = (other for other in range(3) if other != axis)
    slice_ = np.take(array, array.shape[axis] // 2, axis).T[::-1, ::-1]
    mm = array.shape[across] * spacing[across], array.shape[up] * spacing[up]
    size = [max(1, round(EDGE * each / max(mm))) for each in mm]
    square = Image.new("L", (EDGE, EDGE))
    shown = Image.fromarray(grey_levels(slice_).astype(np.uint8)).resize((size[0], size[1]), Image.Resampling.BILINEAR)
    square.paste(shown, ((EDGE - size[0]) // 2, (EDGE - size[1]) // 2))
    return square.convert("RGB"), EDGE / max(mm)
