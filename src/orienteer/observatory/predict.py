"""The only part of the observatory that needs torch: models by run and step, asked one question at a time.

Imported when the first prediction is asked for, so the server itself starts without torch.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch

from orienteer.errors import RunError
from orienteer.evaluation.look import Look, corruption, look, recipe_at
from orienteer.observatory.session import Session
from orienteer.pretext.model import SpatialModel
from orienteer.pretraining.restore import model_at

KEPT = 2
"""Models held in memory at once: two runs side by side."""


class Predictor:
    """Holds the models that were asked last. Use it from one thread only: torch keeps caches for every thread.

    Args:
        threads: cores that one answer may use.
    """

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self._models: OrderedDict[tuple[Path, int], SpatialModel] = OrderedDict()

    def look(
        self,
        session: Session,
        step: int,
        scan: str,
        centres_mm: Sequence[Sequence[float]],
        *,
        probe: str | None = None,
        probe_view: int | None = None,
    ) -> Look:
        """What the model of ``step`` says of these views, as :func:`orienteer.api.look` would."""
        recipe = recipe_at(session.store, scan, centres_mm, session.settings.views.size)
        corrupt = corruption(probe, probe_view, len(recipe.views))
        seen = look(self.model(session, step), session.store, recipe, corrupt=corrupt)
        return dataclasses.replace(seen, step=step, probe=probe, probe_view=probe_view)

    def model(self, session: Session, step: int) -> SpatialModel:
        """The model of a step; step 0 is the untrained one.

        Raises:
            RunError: its checkpoint is damaged, or was deleted since by the training run.
        """
        key = (session.run.path, step)
        if key not in self._models:
            try:
                self._models[key] = model_at(session.run, step)
            except RunError as error:
                name = session.run.path.resolve().name
                raise RunError(error.message.replace(str(session.run.path), name), cure=error.cure) from None
            while len(self._models) > KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]
