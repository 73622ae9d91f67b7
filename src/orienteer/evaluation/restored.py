"""A few views as they were shown, restored and true, for runs whose task answers with images."""

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
"""Pictures are axial: this axis is cut through its middle."""


@torch.no_grad()
def write_restored(
    folder: Path, model: SpatialModel, sampler: Sampler, numbers: Sequence[int], *, device: torch.device
) -> None:
    """Write ``restored.json`` and ``.safetensors``; nothing when no task of the model restores images.

    Args:
        folder: of an evaluation.
        model: put into evaluation mode here, and back.
        sampler: without augmentation.
        numbers: the samples of which the first view is kept.
        device: where the model is.
    """
    slices: dict[str, NDArray[np.uint8]] = {}
    pictures: list[dict[str, Any]] = []
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
            for place, number in enumerate(batch.numbers):
                key = f"{name}_{number:03d}"
                for kind, volumes in (("shown", views.shown), ("restored", restored), ("true", views.plain)):
                    slices[f"{key}_{kind}"] = _middle(volumes[place, 0, 0])
                pictures.append({"key": key, **_about(task, views, place, number, sampler)})
    model.train(was_training)
    if pictures:
        write_bytes(folder / "restored.safetensors", save(slices))
        write_json(folder / "restored.json", {"v": 1, "pictures": pictures})


def _about(task: PretextTask[Any], views: EncodedViews, place: int, number: int, sampler: Sampler) -> dict[str, Any]:
    """Whose view it is, where it lies, and how well the whole view was restored."""
    recipe = sampler.draw(number)
    rows = task(views).observation.rows
    first = (rows["sample"] == place) & (rows["view"] == 0)
    name, measure = next(iter(task.measure({column: values[first] for column, values in rows.items()}).items()))
    return {
        "task": task.name,
        "sample": number,
        "scan": recipe.scan,
        "view": 0,
        "axis": AXIS,
        "centre_mm": recipe.centres[0].tolist(),
        # A view of an even edge has its centre between two slices; this is the one that is drawn.
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
