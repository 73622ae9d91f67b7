"""Votes for a position to a density and its peak. Needs no torch."""

import numpy as np
from numpy.typing import NDArray

FAINT = 1e-4
"""Density below this, as a share of the highest, counts as none: it cannot be seen."""


def density(
    votes: NDArray[np.float64], weights: NDArray[np.float64], cells: list[NDArray[np.float64]], width: float
) -> NDArray[np.float64]:
    """Density of votes, each blurred by a Gaussian; the highest cell is 1.

    Args:
        votes: ``(N, 3)`` mm.
        weights: ``(N,)``.
        cells: centres of the cells along each of the three axes, mm.
        width: standard deviation of the Gaussian, mm.
    """
    # A Gaussian is a product over the axes, so no array of votes times cells is needed.
    r, a, s = (np.exp(-((line[None] - votes[:, axis, None]) ** 2) / (2 * width**2)) for axis, line in enumerate(cells))
    heat: NDArray[np.float64] = np.einsum("n,nr,na,ns->ras", weights, r, a, s, optimize=True)
    # A vote may lie far outside the scan; a map without any density stays empty.
    heat /= max(float(heat.max()), np.finfo(float).tiny)
    heat[heat < FAINT] = 0.0
    return heat


def densest(votes: NDArray[np.float64], weights: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """``(3,)`` the highest point of the same density, by mean shift from the vote with the most others near it."""

    def pull(point: NDArray[np.float64]) -> NDArray[np.float64]:
        away = ((votes - point) ** 2).sum(-1) / (2 * width**2)
        # Relative to the nearest vote, so that nothing underflows.
        return np.asarray(weights * np.exp(-(away - away.min())))

    crowd = ((votes[:, None] - votes[None]) ** 2).sum(-1) / (2 * width**2)
    peak: NDArray[np.float64] = votes[int((np.exp(-crowd) @ weights).argmax())]
    for _ in range(200):
        near = pull(peak)
        moved: NDArray[np.float64] = near @ votes / near.sum()
        if np.linalg.norm(moved - peak) < 1e-6:
            return moved
        peak = moved
    return peak
