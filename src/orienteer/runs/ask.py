"""Asking a run's model about views of one's choice: the answers that the observatory shows."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from numpy.typing import NDArray

from orienteer.evaluation.look import Look, corruption, recipe_at
from orienteer.evaluation.look import look as look_with
from orienteer.pretext.model import SpatialModel
from orienteer.runs.load import best_checkpoint, load_model
from orienteer.runs.run import Run, Step
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
    """Ask a run's model about views at positions of your choice.

    Args:
        run: a run folder with at least one checkpoint.
        store: a store of the run's spacing and channels.
        scan: id of one of its scans.
        centres_mm: ``(K, 3)`` positions, K >= 2: voxel index times spacing along R, A, S. They are moved onto the
            store's grid and into the scan; ``Look.centres_mm`` says where the views really lie.
        step: one of the kept checkpoints, or 0 for the untrained model; None takes the best.
        probe: take the anatomy away first, by the name of an honesty probe.
        probe_view: probe this view alone.

    Raises:
        ConfigError: positions or a probe that cannot be.
        RunError: no run, no whole checkpoint of that step, or a store that the run cannot read.
        StoreError: no store, or no such scan.

    Examples:
        >>> answer = look("run", "store", store.ids()[0], [[30, 40, 35], [50, 50, 45]])
        >>> answer.gap("pred").shape  # from view i to view j, mm
        (2, 2, 3)
    """
    learned, opened = Run.open(run), Store.open(store)
    learned.check_store(opened)
    model, step = _model(learned, "best" if step is None else step)
    recipe = recipe_at(opened, scan, centres_mm, learned.settings.views.size)
    answer = look_with(model, opened, recipe, corrupt=corruption(probe, probe_view, len(recipe.views)))
    return dataclasses.replace(answer, step=step, probe=probe, probe_view=probe_view)


def _model(run: Run, step: Step) -> tuple[SpatialModel, int]:
    """The model of a step, and the number of that step."""
    if step != "best":
        return load_model(run, step), step
    checkpoint, _ = best_checkpoint(run.folder)
    return load_model(run, checkpoint), checkpoint.step
