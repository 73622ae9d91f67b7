"""Views that were restored: as shown, as restored, as they truly are, side by side."""

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.records.card import Restoration, TaskCard, unlisted_metric
from orienteer.records.metric import finite
from orienteer.units import shown

KINDS = ("shown", "restored", "true")
OTHER = Restoration(
    intro="What the model was shown, and what it made of it.", look="The last two pictures should look alike."
)


@dataclass(frozen=True)
class Restored:
    """One axial slice of one view: three uint8 images ``(R, A)`` in the order of ``KINDS``, and the view's error."""

    task: str
    scan: str
    centre_mm: tuple[float, float, float]
    at_mm: float
    measure: str
    unit: str
    value: float
    chance: float | None
    images: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True)
class Gallery:
    """The restored views of one task, ready to be shown; ``rows`` hold PNG data addresses and a line of words."""

    task: str
    title: str
    intro: str
    look: str
    rows: Sequence[Mapping[str, Any]]


def read_restored(folder: Path) -> tuple[Restored, ...]:
    """The restored views of one evaluation; none where no task restores.

    Raises:
        OSError: a file cannot be read.
        ValueError: what is in it cannot be understood.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / "restored.json"
    if not path.exists():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        slices = load_file(path.with_suffix(".safetensors"))
        return tuple(_restored(picture, slices) for picture in document["pictures"])
    except (KeyError, TypeError, SafetensorError) as error:
        raise ValueError(str(error)) from error


def galleries(pictures: Sequence[Restored], cards: Mapping[str, TaskCard]) -> list[Gallery]:
    """One gallery a task, in the order they were written; its words come from the task's card."""
    found = []
    for task in dict.fromkeys(picture.task for picture in pictures):
        card = cards.get(task)
        words = card.restoration if card and card.restoration else OTHER
        found.append(
            Gallery(
                task=task,
                title=f"What it restores: {card.title if card else task}",
                intro=words.intro,
                look=words.look,
                rows=[_row(picture, card) for picture in pictures if picture.task == task],
            )
        )
    return found


def _row(picture: Restored, card: TaskCard | None) -> dict[str, Any]:
    r, a, s = (f"{value:.0f}" for value in picture.centre_mm)
    metric = card.metric(picture.measure) if card else unlisted_metric(picture.measure)
    beside = "" if picture.chance is None else f"; {metric.chance or 'chance'}: {shown(picture.chance, picture.unit)}"
    return {
        "scan": picture.scan,
        "place": f"axial slice at {picture.at_mm:.0f} mm; the view's centre: {r} mm right, {a} mm front, {s} mm up",
        "error": f"{metric.title} of this view: {shown(picture.value, picture.unit)}{beside}",
        # Held as on a reading screen: the patient's right on the left, the front up.
        "images": [(kind, png_address(image.T[::-1, ::-1])) for kind, image in zip(KINDS, picture.images, strict=True)],
    }


def _restored(picture: Mapping[str, Any], slices: Mapping[str, NDArray[np.uint8]]) -> Restored:
    r, a, s = (float(value) for value in picture["centre_mm"])
    images = tuple(slices[f"{picture['key']}_{kind}"] for kind in KINDS)
    if any(image.ndim != 2 or image.dtype != np.uint8 for image in images):
        raise ValueError(f"{picture['key']} is no slice of bytes")
    return Restored(
        task=str(picture["task"]),
        scan=str(picture["scan"]),
        centre_mm=(r, a, s),
        at_mm=float(picture.get("at_mm", s)),
        measure=str(picture["measure"]),
        unit=str(picture["unit"]),
        value=float("nan") if picture["value"] is None else float(picture["value"]),
        chance=finite(picture["chance"]),
        images=images,
    )


def png_address(image: NDArray[np.uint8]) -> str:
    """``(rows, columns)`` uint8 as a PNG data address, first row on top."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
