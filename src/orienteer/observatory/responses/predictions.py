"""What is answered by asking the model."""

from typing import Literal

from orienteer.observatory.responses.base import Answer, Vector, Voxels


class GapMatrix(Answer):
    """Displacements between views, row to column; null on the diagonal."""

    true: list[list[Vector | None]]
    """K x K, mm."""
    predicted: list[list[Vector | None]]
    """K x K, mm."""
    scale: list[list[Vector | None]] | None
    """K x K predicted Laplace scales, mm; null without uncertainty."""
    error_mm: list[list[float | None]]
    """K x K lengths of predicted minus true, mm."""
    mean_error_mm: float | None
    """Their mean, mm."""
    chance_mm: float | None
    """The same of answering no displacement at all, mm."""


class ChunkPair(Answer):
    """Two chunks, one of each view."""

    i_centre_mm: Vector
    """Centre of the chunk of view i, mm."""
    j_centre_mm: Vector
    """Centre of the chunk of view j, mm."""


class ChunkSimilarity(Answer):
    """Whether near chunks of two views look more alike than far ones."""

    i: int
    """First view."""
    j: int
    """Second view."""
    adjacent: ChunkPair
    """The nearest chunks."""
    distant: ChunkPair
    """The farthest chunks."""
    adjacent_mm: float | None
    """Distance of the nearest chunks, mm."""
    distant_mm: float | None
    """Distance of the farthest chunks, mm."""
    adjacent_similarity: float | None
    """Cosine of their embeddings, -1 to 1."""
    distant_similarity: float | None
    """Cosine of their embeddings, -1 to 1."""


class Route(Answer):
    """A route from view to view."""

    kind: Literal["step", "route", "tour"]
    """One step, several, or a round trip."""
    path: list[int]
    """The views in order."""
    true: Vector | None
    """Displacement from the start, mm."""
    predicted: Vector | None
    """Sum of the predicted steps, mm."""
    waypoints_predicted: list[Vector | None]
    """Where the predicted steps lead, from the true centre of the first view, mm."""
    error_mm: float | None
    """Length of predicted minus true, mm."""


class Direction(Answer):
    """A single step of a route, from view i to view j."""

    i: int
    """From this view."""
    j: int
    """To this one."""
    true: Vector | None
    """True displacement, mm."""
    predicted: Vector | None
    """Predicted displacement, mm."""
    error_deg: float | None
    """Angle between them, degrees; null where the centres coincide."""
    error_mm: float | None
    """Length of predicted minus true, mm."""


class CellPosition(Answer):
    """Position of one feature cell."""

    view: int
    """The view it lies in."""
    true: Vector | None
    """From the middle of the sample's cells, mm."""
    predicted: Vector | None
    """From the middle of the sample's cells, mm."""


class Positions(Answer):
    """Positions of single feature cells."""

    error_mm: float | None
    """Mean error, mm."""
    chance_mm: float | None
    """Mean error of answering the middle, mm."""
    rows: list[CellPosition]
    """One for each cell."""


class Figure(Answer):
    """A metric."""

    value: float | None
    """Null where it is not finite."""
    unit: str
    """``mm``, ``deg``, ``fraction``, ``rank`` or ``1``."""
    chance: float | None
    """What a model that knows nothing reaches on the same targets."""
    better: Literal["lower", "higher"]
    """Which way is better."""


class LookResponse(Answer):
    """What the model says of the views; what it was not trained to say is null."""

    step: int | None
    """Step of the model."""
    scan: str
    """As asked."""
    centres_mm: list[Vector]
    """Where the views really lie, mm: on whole voxels and inside the scan."""
    view_mm: float
    """Edge of a view, mm."""
    chunk_mm: float
    """Edge of a chunk, mm; 0 without ``adjacency``."""
    probe: str | None
    """As asked."""
    probe_view: int | None
    """As asked."""
    gap: GapMatrix | None
    """Displacement of every pair of views."""
    adjacency: list[ChunkSimilarity] | None
    """Chunks of every pair of views."""
    routes: list[Route] | None
    """Every route."""
    directions: list[Direction] | None
    """Every ordered pair of views."""
    closure_mm: float | None
    """Mean miss of the round trips, mm; zero by algebra where ``forms.route`` is ``difference``."""
    position: Positions | None
    """Positions of single cells."""
    measures: dict[str, dict[str, Figure]]
    """Every metric by task and key."""
    milliseconds: float = 0.0
    """Time spent on the answer, ms."""


class WhereResponse(Answer):
    """Where the model believes the crop to lie."""

    step: int | None
    """Step of the model."""
    scan: str
    """As asked."""
    centre_mm: Vector
    """As asked, mm."""
    target: str
    """As asked."""
    grid_mm: Vector
    """Edges of a cell of the heat map, mm."""
    origin_mm: Vector
    """Centre of its first cell, mm."""
    shape: Voxels
    """Number of its cells."""
    heat: list[float]
    """Density of the votes, 1 at its highest cell; last axis fastest."""
    peak_mm: Vector
    """The answer: where the votes are densest, mm."""
    opinions_mm: list[Vector]
    """The vote of each view of the target, mm."""
    true_mm: Vector | None
    """Where it belongs, mm; null where that is not known."""
    error_mm: float | None
    """Length of answer minus truth, mm."""
    chance_mm: float | None
    """Error of answering the middle of the target's body, mm."""
    from_labels: str | None
    """How the truth is known, in words."""
    milliseconds: float = 0.0
    """Time spent on the answer, ms."""
