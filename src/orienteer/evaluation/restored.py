"""A few views as shown, as restored and as they were, for runs with a task that restores images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor

from orienteer.atomic import write_bytes, write_json
from orienteer.pretext.contract import EncodedViews, PretextTask, RestoresImages
from orienteer.pretext.model import SpatialModel
from orienteer.records.metric import finite
from orienteer.sampling import Sampler
from orienteer.sampling.loader import batches
from orienteer.store.intensity import grey_levels

AXIS = 2
"""Axis of the slices, which are axial."""


@torch.no_grad()
def write_restored(
    folder: Path, model: SpatialModel, sampler: Sampler, numbers: Sequence[int], *, device: torch.device
) -> None:
    """Write ``restored.json`` and ``.safetensors``; nothing when no task of the model restores images.

    Args:
        folder: of an evaluation.
        model: in any mode; it is evaluated in evaluation mode.
        sampler: without augmentation.
        numbers: samples whose first view is kept.
        device: of the model.
    """
    slices: dict[str, NDArray[np.uint8]] = {}
    pictures: list[dict[str, object]] = []
    was_training = model.training
    model.eval()
    for batch in batches(sampler, [list(numbers)] if numbers else []):
        images, centres = batch.images.to(device), batch.centres.to(device)
        for name in model.tasks:
            task = model.task(name)
            if not isinstance(task, RestoresImages):
                continue
            shown = task.corrupt(images, batch.address)
            views = model.encode(images, centres, batch.view_mm, batch.address, shown=shown)
            restored = task.restore(views)
            for index, number in enumerate(batch.numbers):
                key = f"{name}_{number:03d}"
                for kind, volumes in (("shown", views.shown), ("restored", restored), ("true", views.plain)):
                    slices[f"{key}_{kind}"] = _middle(volumes[index, 0, 0])
                pictures.append({"key": key, **_about(task, views, index, number, sampler)})
    model.train(was_training)
    if pictures:
        write_bytes(folder / "restored.safetensors", save(slices))
        write_json(folder / "restored.json", {"v": 1, "pictures": pictures})


def _about(task: PretextTask[Any], views: EncodedViews, index: int, number: int, sampler: Sampler) -> dict[str, object]:
    """The view's scan and position, and how well it was restored as a whole."""
    recipe = sampler.draw(number)
    rows = task(views).observation.rows
    first = (rows["sample"] == index) & (rows["view"] == 0)
    name, measure = next(iter(task.measure({column: values[first] for column, values in rows.items()}).items()))
    return {
        "task": task.name,
        "sample": number,
        "scan": recipe.scan,
        "view": 0,
        "axis": AXIS,
        "centre_mm": recipe.centres[0].tolist(),
        # The centre of a view with an even edge lies between two slices; this is the drawn one.
        "at_mm": float(recipe.centres[0][AXIS] + (recipe.size // 2 - (recipe.size - 1) / 2) * recipe.spacing),
        "spacing_mm": recipe.spacing,
        "measure": name,
        "unit": measure.unit,
        "value": finite(measure.value),
        "chance": finite(measure.chance),
    }


def _middle(volume: Tensor) -> NDArray[np.uint8]:
    """The middle slice of ``(S, S, S)``, window mapped to 0..255."""
    slab = volume.float().cpu().numpy().take(volume.shape[AXIS] // 2, axis=AXIS)
    grey: NDArray[np.uint8] = np.rint(grey_levels(slab)).astype(np.uint8)
    return np.ascontiguousarray(grey)
