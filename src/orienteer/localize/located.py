"""The answer to where a crop of one scan lies in another. Needs no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Located:
    """Where a crop is believed to lie. All in mm, in the target's own frame.

    Attributes:
        scan: where the crop was cut.
        centre_mm: ``(3,)`` its true centre there.
        target: the other scan.
        heat: ``(D, H, W)`` density of the votes, 1 at its highest cell.
        grid_mm: edge of a cell of ``heat``.
        origin_mm: ``(3,)`` centre of its first cell.
        peak_mm: ``(3,)`` where the votes are densest: the answer.
        votes_mm: ``(N, 3)`` the position that each view of the target votes for.
        true_mm: ``(3,)`` where the crop belongs, as far as that is known.
        from_labels: how it is known, in words.
        middle_mm: ``(3,)`` middle of the target's body, the answer of a model that knows nothing.
        step: optimiser steps of the model; None where it was not given.
    """

    scan: str
    centre_mm: NDArray[np.float64]
    target: str
    heat: NDArray[np.float64]
    grid_mm: float
    origin_mm: NDArray[np.float64]
    peak_mm: NDArray[np.float64]
    votes_mm: NDArray[np.float64]
    true_mm: NDArray[np.float64] | None
    from_labels: str | None
    middle_mm: NDArray[np.float64]
    step: int | None = None

    @property
    def error_mm(self) -> float | None:
        """Distance from the answer to the truth."""
        return None if self.true_mm is None else float(np.linalg.norm(self.peak_mm - self.true_mm))

    @property
    def chance_mm(self) -> float | None:
        """Error of an answer that looks at nothing: the middle of the target's body."""
        return None if self.true_mm is None else float(np.linalg.norm(self.middle_mm - self.true_mm))
