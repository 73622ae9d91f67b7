"""What every answer is made of, and the answer to a request that is refused."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Vector = tuple[float, float, float]
"""A position or a displacement along R, A, S."""
Voxels = tuple[int, int, int]
"""A number of voxels along R, A, S."""
Point = tuple[int, float]
"""A step and the value there."""


def vector(values: NDArray[np.floating]) -> Vector:
    """An array ``(3,)`` as plain numbers."""
    right, anterior, superior = values.tolist()
    return right, anterior, superior


def finite_vector(values: NDArray[np.floating]) -> Vector | None:
    """The same, or None where a component is not finite."""
    return vector(values) if np.isfinite(values).all() else None


class Answer(BaseModel):
    """Base of every answer, and of every part of one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Problem(Answer):
    """Why a request is refused."""

    code: str
    """Stable word for programs, see [refusals](#refusals)."""
    message: str
    """What is wrong, for people."""
    cure: str
    """What helps; may be empty."""


class ErrorResponse(Answer):
    """The answer to every request that is refused."""

    error: Problem
    """Why."""
