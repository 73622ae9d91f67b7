"""Scans that are too small for their views: named and left out, so that one of them never stops the others."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from orienteer.errors import ConfigError
from orienteer.sampling.placement import PLACEMENTS
from orienteer.sampling.settings import ViewSettings
from orienteer.store import Store

NAMED = 10
"""Scans that are named one by one."""
MOST = 1024
"""Voxels beyond which no scan would help."""


@dataclass(frozen=True)
class Fitting:
    """Scans that can hold their views, and those that cannot.

    Attributes:
        ids: that can, in the order given.
        too_small: what is wrong with each of the others, by id.
        needed_mm: edge of the smallest cube that can.
    """

    ids: tuple[str, ...]
    too_small: dict[str, str]
    needed_mm: float = 0.0

    def lines(self, what: str) -> list[str]:
        """What to tell: a line for each scan that is left out of ``what``."""
        if not self.too_small:
            return []
        fix = f"lower views.size, or leave such scans out of a new store with `ingest --min-extent {self.needed_mm:g}`"
        said = [f"left out of {what}: {why}" for why in list(self.too_small.values())[:NAMED]]
        more = len(self.too_small) - NAMED
        return [*said, *([f"left out of {what}: {more} more like these"] if more > 0 else []), f"  fix: {fix}"]


def fitting(store: Store, ids: Iterable[str], views: ViewSettings) -> Fitting:
    """Which of some scans can hold their views.

    Args:
        store: where they are.
        ids: the scans.
        views: size and placement.

    Raises:
        ConfigError: none of them can.
    """
    placement, ids = PLACEMENTS[views.placement], tuple(ids)
    fits = placement.fits(store.shapes(ids), views)
    wrong: dict[str, ConfigError] = {}
    for scan in itertools.compress(ids, ~fits):
        try:
            placement.check(scan, store.entry(scan).shape, views)
        except ConfigError as error:
            wrong[scan] = error
    if wrong and len(wrong) == len(ids):
        raise next(iter(wrong.values()))
    too_small = {scan: error.message for scan, error in wrong.items()}
    needed_mm = _needed(views) * store.manifest.spacing if wrong else 0.0
    return Fitting(tuple(itertools.compress(ids, fits)), too_small, needed_mm)


def _needed(views: ViewSettings) -> int:
    """Edge of the smallest cube that holds the views, voxels."""
    for edge in range(views.size, MOST):
        try:
            PLACEMENTS[views.placement].check("", (edge, edge, edge), views)
        except ConfigError:
            continue
        return edge
    return MOST
