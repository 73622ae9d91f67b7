"""The only part of the observatory that needs torch: models by run and step, asked one question at a time.

Imported when the first prediction is asked for, so the server itself starts without torch.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.errors import RunError
from orienteer.evaluation.look import Look, corruption, look, recipe_at
from orienteer.localize.correspond import Prepared
from orienteer.localize.finder import Pair, Point
from orienteer.localize.found import Found, decided
from orienteer.observatory.refusal import Refusal
from orienteer.observatory.session import Session
from orienteer.pretext.model import SpatialModel
from orienteer.records.evidence import Paths
from orienteer.runs.scan import stored

K = TypeVar("K")
V = TypeVar("V")

MODELS_BYTES = 512 * 2**20
"""Weights held in memory, so that the time slider goes back and forth without reading: some 80 of the demo's models."""
SCANS_BYTES, PAIRS_BYTES = 256 * 2**20, 64 * 2**20
"""Scans that a model has seen, and pairs of them: at 3 mm some 10 brains, and as many pairs as anybody asks about."""
FEWEST = 2
"""Values held however large they are: the models of two runs side by side, the two scans of a pair."""

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
        self._models: Kept[tuple[Path, int], SpatialModel] = Kept(MODELS_BYTES, _bytes)
        self._scans: Kept[tuple[Path, int, str], Prepared] = Kept(SCANS_BYTES, lambda scan: scan.nbytes)
        self._pairs: Kept[tuple[Path, int, str, str], Pair] = Kept(PAIRS_BYTES, lambda pair: pair.nbytes)

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

    def prepared(self, session: Session, step: int, scan: str) -> Prepared:
        """A scan as the model of ``step`` sees it.

        Raises:
            ConfigError: the model learned no task that places single voxels.
        """

        def see() -> Prepared:
            model, view = self.model(session, step), session.run.settings.views.size
            return Prepared.of(model, stored(session.store, scan), view=view)

        return self._scans.get((session.run.path, step, scan), see)

    def where(
        self, session: Session, step: int, scan: str, point_mm: Sequence[float], target: str
    ) -> tuple[NDArray[np.float64], Found]:
        """The voxel of ``scan`` nearest to a point, and where it lies in ``target``, as ``Run.locate`` would say.

        Raises:
            ConfigError: the model learned no task that places single voxels.
        """
        here, there = session.store.entry(scan), session.store.entry(target)
        index = np.clip(np.rint(np.asarray(point_mm) / here.spacing), 0, np.array(here.shape) - 1)
        point = Point("point", apply_affine(np.array(here.affine), index)[None])

        def hold() -> Pair:
            return Pair.of(*(self.prepared(session, step, each) for each in (scan, target)))

        pair = self._pairs.get((session.run.path, step, scan, target), hold)
        return index, decided(target, point.name, [pair.vote(point)], np.array(there.affine))

    def model(self, session: Session, step: int) -> SpatialModel:
        """The model of a step; step 0 is the untrained one.

        Raises:
            RunError: its checkpoint is damaged, or was deleted since by the training run.
        """

        def read() -> SpatialModel:
            try:
                return session.run.model(step)
            except RunError as error:
                message = error.message.replace(str(session.run.path), session.name)
                raise RunError(message, cure=error.cure) from None

        return self._models.get((session.run.path, step), read)


def _bytes(model: SpatialModel) -> int:
    return sum(weights.nbytes for weights in (*model.parameters(), *model.buffers()))
