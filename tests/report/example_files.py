"""Example samples as an evaluation writes them: a simple head cut in three planes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

SPACING, SHAPE, VIEW, CHUNK = 3.0, np.array([60, 72, 60]), 72.0, 36.0


def write_json(path: Path, value: Any) -> None:
    """Plain JSON."""
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def write_example(stem: Path, sample: int, scan: str, centres: np.ndarray) -> None:
    at = [float(round(c / SPACING) * SPACING) for c in centres[0]]
    record = {
        "sample": sample, "scan": scan, "extent_mm": (SHAPE * SPACING).tolist(), "spacing_mm": SPACING,
        "centres_mm": centres.tolist(), "view_mm": VIEW,
        "planes": [{"axis": axis, "at_mm": at[axis]} for axis in range(3)], "coarse_mm": [4 * SPACING] * 3,
    }  # fmt: skip
    write_json(stem.with_suffix(".json"), record)
    images = {f"plane_{axis}": head_slice(axis, at[axis]) for axis in range(3)}
    coarse = np.stack([head_slice(2, at_mm)[::4, ::4] for at_mm in np.arange(0, SHAPE[2], 4) * SPACING], axis=2)
    save_file(images | {"coarse": np.ascontiguousarray(coarse)}, stem.with_suffix(".safetensors"))


def head_slice(axis: int, at_mm: float) -> np.ndarray:
    """A slice of a simple head: skull ring, folded brain, dark ventricles, as uint8 with ``axis`` removed."""
    grids = np.stack(np.meshgrid(*[np.arange(n) * SPACING for n in SHAPE], indexing="ij"))
    x, y, z = np.take(grids, round(at_mm / SPACING), axis=axis + 1) - (SHAPE[:, None, None] * SPACING / 2)
    radius = np.sqrt((x / 74) ** 2 + (y / 92) ** 2 + (z / 78) ** 2)
    folds = np.sin(x / 5.5 + 2 * np.sin(y / 13)) * np.cos(y / 6.5 + np.sin(z / 9)) * np.sin(z / 7 + 1)
    image = np.where(radius < 0.86, 130 + 45 * folds - 20 * (radius > 0.7), 0.0)
    image = np.where((radius > 0.86) & (radius < 0.9), 40, np.where((radius >= 0.9) & (radius < 1), 215, image))
    ventricle = ((np.abs(x) - 9) / 6) ** 2 + ((y + 4) / 30) ** 2 + ((z - 4) / 12) ** 2 < 1
    return np.clip(np.where(ventricle, 30, image), 0, 255).astype(np.uint8)
