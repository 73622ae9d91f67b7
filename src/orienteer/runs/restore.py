"""The model of a run at one of its steps, and what it says of views that a person chose."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.evaluation.look import Look, corruption, recipe_at
from orienteer.evaluation.look import look as ask_about
from orienteer.localize.landmarks import landmarks, warp
from orienteer.localize.where import Where, ask
from orienteer.localize.where import where as locate
from orienteer.pretext.model import SpatialModel
from orienteer.runs.load import best_checkpoint, load_model
from orienteer.runs.run import Run
from orienteer.store import Store


def look(
    run: Path | str,
    store: Path | str,
    scan: str,
    centres_mm: Sequence[Sequence[float]] | NDArray,
    *,
    step: int | None = None,
    probe: str | None = None,
    probe_view: int | None = None,
) -> Look:
    """Ask a run's model about views at places of your choice: the numbers that the observatory shows.

    Args:
        run: a run folder with at least one checkpoint.
        store: a store of the run's spacing and channels.
        scan: id of one of its scans.
        centres_mm: ``(K, 3)`` places, K >= 2: voxel index times spacing along R, A, S. They are moved onto the
            store's grid and into the scan; ``Look.centres_mm`` says where the views really lie.
        step: one of the kept checkpoints, or 0 for the untrained model; None takes the best.
        probe: take the anatomy away first: ``constant``, ``shuffled``, ``border`` or ``interior``.
        probe_view: probe this view alone.

    Raises:
        ConfigError: places or a probe that cannot be.
        RunError: no run, no whole checkpoint of that step, or a store that the run cannot read.
        StoreError: no store, or no such scan.

    Example:
        >>> seen = look("run", "store", "scan-0001", [[60, 80, 70], [90, 100, 80]])  # doctest: +SKIP
        >>> seen.gap_error_mm  # doctest: +SKIP
    """
    learned, opened = Run.open(run), Store.open(store)
    learned.check_store(opened)
    model, step = chosen_model(learned, step)
    recipe = recipe_at(opened, scan, centres_mm, learned.settings.views.size)
    seen = ask_about(model, opened, recipe, corrupt=corruption(probe, probe_view, len(recipe.views)))
    return dataclasses.replace(seen, step=step, probe=probe, probe_view=probe_view)


def where(
    run: Path | str,
    store: Path | str,
    scan: str,
    centre_mm: Sequence[float] | NDArray,
    target: str,
    *,
    step: int | None = None,
) -> Where:
    """Ask a run's model where in ``target`` a crop of ``scan`` belongs: the numbers that the observatory shows.

    Args:
        run: a run folder with at least one checkpoint.
        store: a store of the run's spacing and channels; with labels of both scans the answer comes with its error.
        scan: id of the scan the crop is cut from.
        centre_mm: ``(3,)`` the crop's centre there, voxel index times spacing along R, A, S.
        target: id of another scan, or the same one.
        step: one of the kept checkpoints, or 0 for the untrained model; None takes the best.

    Raises:
        ConfigError: a place that cannot be, or a run that learned nothing about places.
        RunError: no run, no whole checkpoint of that step, or a store that the run cannot read.
        StoreError: no store, or no such scan.
    """
    learned, opened = Run.open(run), Store.open(store)
    learned.check_store(opened)
    model, step = chosen_model(learned, step)
    views = learned.settings.views
    asked = ask(model, opened, target, size=views.size, min_foreground=views.min_foreground)
    between = warp(landmarks(opened, scan), landmarks(opened, target)) if scan != target else None
    found = locate(model, opened, scan, np.asarray(centre_mm, dtype=float), asked, size=views.size, warp=between)
    return dataclasses.replace(found, step=step)


def chosen_model(run: Run, step: int | None) -> tuple[SpatialModel, int]:
    """The model of a step, or the best one, and its step."""
    if step is not None:
        return load_model(run, step), step
    checkpoint, _ = best_checkpoint(run.folder)
    return load_model(run, checkpoint), checkpoint.step
