"""What the rows of a task are evidence of: a few kinds that can be drawn without knowing the task.

A task's card lists its evidence and names the columns; the report, the observatory and the comparison draw each kind.
Vector columns are named by their prefix: ``pred`` stands for ``pred_r``, ``pred_a``, ``pred_s``, in mm.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from orienteer.records.metric import Record
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors

AXES = ("r", "a", "s")
"""Suffixes of vector columns: right, anterior, superior."""


def vector_names(prefix: str) -> tuple[str, ...]:
    """``pred_r``, ``pred_a``, ``pred_s``."""
    return tuple(f"{prefix}_{axis}" for axis in AXES)


class VectorEvidence(Record):
    """Rows that hold a predicted and a true vector in mm."""

    true: str = "true"
    """Prefix of the true vector's columns."""
    pred: str = "pred"
    """Prefix of the predicted vector's columns."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return (*vector_names(self.true), *vector_names(self.pred))

    def errors_mm(self, rows: Rows) -> NDArray[np.float64]:
        """``(N,)`` length of predicted minus true vector, mm."""
        error: NDArray[np.float64] = np.linalg.norm(vectors(rows, self.pred) - vectors(rows, self.true), axis=1)
        return error


class Displacements(VectorEvidence):
    """One row an ordered pair of views: the way from the centre of ``view_i`` to that of ``view_j``, mm."""

    kind: Literal["displacements"] = "displacements"
    scale: str | None = None
    """Prefix of the predicted Laplace scales, where the task says how sure it is."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        scale = vector_names(self.scale) if self.scale else ()
        return ("view_i", "view_j", *super().columns, *scale)

    def matrix(self, rows: Rows, prefix: str, views: int) -> NDArray[np.float64]:
        """``(K, K, 3)`` mm of one sample's rows; NaN on the diagonal and for pairs beyond the K views."""
        i, j = np.asarray(rows["view_i"]).astype(int), np.asarray(rows["view_j"]).astype(int)
        inside = (i < views) & (j < views)
        matrix = np.full((views, views, 3), np.nan)
        matrix[i[inside], j[inside]] = vectors(rows, prefix)[inside]
        return matrix


class Points(VectorEvidence):
    """One row a point of view ``view``: its position from the middle of its sample's points, mm."""

    kind: Literal["points"] = "points"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return ("view", *super().columns)


class Paths(VectorEvidence):
    """One row a walk over views: ``path`` is ``0-2-1``, ``kind`` a single step, a route or a tour back to its start."""

    kind: Literal["paths"] = "paths"
    closes: bool = False
    """Whether tours close by algebra whatever was learned, so that their error is no finding."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return ("kind", "path", *super().columns)

    def steps(self, rows: Rows) -> dict[tuple[int, int], NDArray[np.float64]]:
        """``(3,)`` predicted step of every ordered pair of views of one sample, mm."""
        single = np.asarray(rows["kind"]).astype(str) == STEP
        paths = np.asarray(rows["path"]).astype(str)[single]
        return {views_of(path): step for path, step in zip(paths, vectors(rows, self.pred)[single], strict=True)}  # type: ignore[misc]


STEP, TOUR = "step", "tour"
"""Kinds of a ``Paths`` row that are told apart: a single step, and a walk that must come back."""


def views_of(path: str) -> tuple[int, ...]:
    """``0-2-1`` as ``(0, 2, 1)``."""
    return tuple(int(view) for view in path.split("-"))


class ChunkPairs(Record):
    """One row a pair of views: similarity and distance of its adjacent chunks and of its distant ones."""

    kind: Literal["chunk_pairs"] = "chunk_pairs"
    chunk: float
    """Edge of a chunk as a share of the view's edge."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return ("view_i", "view_j", "adjacent_mm", "distant_mm", "adjacent_similarity", "distant_similarity")


class Numbers(Record):
    """One row a predicted number beside the true one."""

    kind: Literal["numbers"] = "numbers"
    title: str
    """What the number is, e.g. ``Overlap with a base crop``."""
    unit: str
    """Unit of both columns."""
    true: str
    """Column of the truth."""
    pred: str
    """Column of the prediction."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return (self.true, self.pred)


class Classes(Record):
    """One row a predicted class beside the true one, both as indices into ``names``."""

    kind: Literal["classes"] = "classes"
    title: str
    """What the classes are, e.g. ``Direction of a neighbour``."""
    true: str
    """Column of the truth."""
    pred: str
    """Column of the prediction."""
    names: tuple[str, ...]
    """Names of the classes."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return (self.true, self.pred)


class Spread(Record):
    """One row a few numbers of one unit, e.g. the model's error and that of naive answers: their distributions."""

    kind: Literal["spread"] = "spread"
    title: str
    """What the numbers are, e.g. ``Error of a view``."""
    unit: str
    """Unit of all columns."""
    model: str
    """Column of the model's own."""
    others: dict[str, str]
    """Columns to hold it against, each with its words."""
    name: str = "this model"
    """Words for the model's own."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return (self.model, *self.others)


Evidence = Annotated[
    Displacements | Points | Paths | ChunkPairs | Numbers | Classes | Spread, Field(discriminator="kind")
]
