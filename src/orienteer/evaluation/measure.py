"""Measuring a model on a fixed set of views."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from orienteer.evaluation.probes import Corruption
from orienteer.pretext.model import SpatialModel
from orienteer.records import Measure, Observation
from orienteer.records.evidence import vector_names
from orienteer.records.rows import merge_rows
from orienteer.sampling import Sampler, SampleRecipe
from orienteer.sampling.loader import batches


@dataclass(frozen=True, eq=False)
class Measured:
    """A model's observations of a set of samples.

    Attributes:
        observations: per task, over all samples.
        recipes: the samples.
    """

    observations: dict[str, Observation]
    recipes: tuple[SampleRecipe, ...]


@torch.no_grad()
def measure(
    model: SpatialModel,
    sampler: Sampler,
    samples: int,
    *,
    batch: int,
    device: torch.device,
    corrupt: Corruption | None = None,
    on_batch: Callable[[int], None] = lambda _: None,
) -> Measured:
    """Run the model on samples ``0 .. samples - 1`` and merge its tasks' observations.

    Args:
        model: in any mode; it is evaluated in evaluation mode.
        sampler: without augmentation, so that views lie on the store's grid.
        samples: number of samples of K views.
        batch: samples encoded together.
        device: of the model.
        corrupt: an honesty probe's change of the images.
        on_batch: called with the number of samples done.
    """
    was_training = model.training
    model.eval()
    numbers = [list(range(start, min(start + batch, samples))) for start in range(0, samples, batch)]
    observed: dict[str, list[Observation]] = {name: [] for name in model.tasks}
    counts = []
    for part in batches(sampler, numbers):
        images = part.images if corrupt is None else corrupt(part.images, part.numbers)
        anatomy = part.plain.to(device)
        output = model(images.to(device), part.centres.to(device), part.view_mm, part.address, anatomy=anatomy)
        for observation in output.observations:
            observed[observation.task].append(observation)
        counts.append(len(part.numbers))
        on_batch(sum(counts))
    model.train(was_training)
    recipes = tuple(sampler.draw(number) for number in range(samples))
    merged = {name: _merge(model, name, parts, counts, recipes, sampler) for name, parts in observed.items()}
    return Measured(merged, recipes)


def _merge(
    model: SpatialModel,
    name: str,
    parts: list[Observation],
    counts: list[int],
    recipes: tuple[SampleRecipe, ...],
    sampler: Sampler,
) -> Observation:
    rows = merge_rows((part.rows for part in parts), counts)
    rows["scan"] = np.array([recipe.scan for recipe in recipes])[rows["sample"]]
    # Scans of one subject are not independent: intervals resample subjects.
    rows["person"] = np.array([sampler.store.entry(recipe.scan).person for recipe in recipes])[rows["sample"]]
    if "view_i" in rows:
        rows |= _places(rows, recipes, sampler)
    measures = model.task(name).measure(rows)
    # Metrics that cannot be computed from rows (an embedding's rank) are averaged over batches.
    for extra in parts[0].measures.keys() - measures.keys():
        first = parts[0].measures[extra]
        mean = float(np.average([part.measures[extra].value for part in parts], weights=counts))
        measures[extra] = Measure(mean, first.unit, first.chance, first.better)
    return Observation(name, measures, rows)


def _places(rows: dict[str, np.ndarray], recipes: tuple[SampleRecipe, ...], sampler: Sampler) -> dict[str, np.ndarray]:
    """Centre of view i as a fraction of the scan's foreground box, to distinguish regions of the body."""
    places = []
    for recipe in recipes:
        entry = sampler.store.entry(recipe.scan)
        low, high = np.array(entry.foreground_low), np.array(entry.foreground_high)
        places.append((recipe.centres / recipe.spacing - low) / np.maximum(high - 1 - low, 1))
    chosen = np.stack(places)[rows["sample"], rows["view_i"]].astype(np.float32)
    return {name: chosen[:, n] for n, name in enumerate(vector_names("place"))}
