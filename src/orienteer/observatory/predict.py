"""The only part of the observatory that needs torch: models by run and step, asked one question at a time.

Imported when the first prediction is asked for, so the server itself starts without torch.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import torch

from orienteer.errors import RunError
from orienteer.evaluation.look import Look, corruption, look, recipe_at
from orienteer.localize.landmarks import Warps
from orienteer.localize.located import Located
from orienteer.localize.locator import Locator
from orienteer.observatory.refusal import Refusal
from orienteer.observatory.session import Session
from orienteer.pretext.model import SpatialModel
from orienteer.records.evidence import Paths

K = TypeVar("K")
V = TypeVar("V")

MODELS_BYTES = 512 * 2**20
"""Weights held in memory, so that the time slider goes back and forth without reading: some 80 of the demo's models."""
FEWEST = 2
"""Models held however large they are: two runs side by side."""

PATH_VIEWS = 6
"""Paths are orderings: of 10 views there are 3.6 million. More only where the run itself was trained with more."""


class Kept(Generic[K, V]):
    """The values that were asked for last.

    Args:
        most: what all values together may weigh; the last two are kept in any case.
        weigh: of one value.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._most, self._weigh = most, weigh
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value kept under ``key``, or a new one."""
        if key not in self._values:
            self._values[key] = make()
            while len(self._values) > FEWEST and sum(map(self._weigh, self._values.values())) > self._most:
                self._values.popitem(last=False)
        self._values.move_to_end(key)
        return self._values[key]


class Predictor:
    """Holds the models that were asked last. Use it from one thread only: torch keeps caches for every thread.

    Args:
        threads: cores that one answer may use.
    """

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self._locators: Kept[tuple[Path, int], Locator] = Kept(MODELS_BYTES, lambda locator: _bytes(locator.model))
        self._warps: Kept[Path, Warps] = Kept(FEWEST)

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
        """What the model of ``step`` says of these views, as ``orienteer.api.look`` would.

        Raises:
            Refusal: it walks paths, of which there would be too many.
        """
        model, most = self.model(session, step), max(PATH_VIEWS, session.run.settings.views.count)
        walks = any(isinstance(evidence, Paths) for card in model.cards for evidence in card.evidence)
        if walks and len(centres_mm) > most:
            raise Refusal(422, "invalid", f"the paths of this run go through {most} views at most", "ask about fewer")
        recipe = recipe_at(session.store, scan, centres_mm, session.run.settings.views.size)
        corrupt = corruption(probe, probe_view, len(recipe.views))
        seen = look(model, session.store, recipe, corrupt=corrupt)
        return dataclasses.replace(seen, step=step, probe=probe, probe_view=probe_view)

    def where(self, session: Session, step: int, scan: str, centre_mm: Sequence[float], target: str) -> Located:
        """Where the model of ``step`` believes a crop to lie, as ``orienteer.api.locate_crop`` would say."""
        return self._locator(session, step).locate(scan, centre_mm, target)

    def model(self, session: Session, step: int) -> SpatialModel:
        """The model of a step; step 0 is the untrained one.

        Raises:
            RunError: its checkpoint is damaged, or was deleted since by the training run.
        """
        return self._locator(session, step).model

    def _locator(self, session: Session, step: int) -> Locator:
        store, views = session.store, session.run.settings.views

        def read() -> Locator:
            try:
                model = session.run.model(step)
            except RunError as error:
                message = error.message.replace(str(session.run.path), session.name)
                raise RunError(message, cure=error.cure) from None
            warps = self._warps.get(store.path, lambda: Warps(store))
            least = views.min_foreground
            return Locator(model, store, size=views.size, min_foreground=least, warps=warps, step=step)

        return self._locators.get((session.run.path, step), read)


def _bytes(model: SpatialModel) -> int:
    return sum(weights.nbytes for weights in (*model.parameters(), *model.buffers()))
