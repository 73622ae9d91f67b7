"""What is answered by asking the model."""

from orienteer.observatory.responses.base import Answer, Vector
from orienteer.observatory.responses.session import TaskFacts
from orienteer.records.evaluation import Value


class DisplacementMatrix(Answer):
    """Displacements between views, row to column; null on the diagonal."""

    true: list[list[Vector | None]]
    """K x K, mm."""
    predicted: list[list[Vector | None]]
    """K x K, mm."""
    scale: list[list[Vector | None]] | None
    """K x K predicted Laplace scales, mm; null where the task does not say how sure it is."""
    error_mm: list[list[float | None]]
    """K x K lengths of predicted minus true, mm."""


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


class ChunkPairs(Answer):
    """Chunks of every pair of views."""

    chunk_mm: float
    """Edge of a chunk, mm."""
    pairs: list[ChunkSimilarity]
    """One for each pair."""


class Path(Answer):
    """A walk from view to view."""

    kind: str
    """``step``: one step; ``tour``: a round trip; any other word: several steps."""
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
    error_deg: float | None
    """Of a step: angle between predicted and true, degrees; null for longer walks, and where the centres coincide."""


class Paths(Answer):
    """Walks over the views."""

    closes: bool
    """Whether round trips close by algebra, whatever was learned."""
    paths: list[Path]
    """Every walk; among them the step of every ordered pair of views."""


class PlacedPoint(Answer):
    """Position of a single point."""

    view: int
    """The view it lies in."""
    true: Vector | None
    """From the middle of all points, mm."""
    predicted: Vector | None
    """From the middle of all points, mm."""


class TaskAnswer(Answer):
    """What one task says of the views; of what it is no evidence of is null."""

    task: TaskFacts
    """The task."""
    measures: dict[str, Value]
    """Every metric by name."""
    displacements: DisplacementMatrix | None
    """Displacement of every pair of views."""
    chunk_pairs: ChunkPairs | None
    """Chunks of every pair of views."""
    paths: Paths | None
    """Walks over the views."""
    points: list[PlacedPoint] | None
    """Positions of single points."""


class LookResponse(Answer):
    """What the model says of the views."""

    step: int | None
    """Step of the model."""
    scan: str
    """As asked."""
    centres_mm: list[Vector]
    """Where the views really lie, mm: on whole voxels and inside the scan."""
    view_mm: float
    """Edge of a view, mm."""
    probe: str | None
    """As asked."""
    probe_view: int | None
    """As asked."""
    judged: str | None
    """Name of the task that speaks for the whole answer; null where no task can say anything of views like these."""
    tasks: list[TaskAnswer]
    """Every task that can answer about views anywhere."""
    images: str | None
    """Where a probe was asked for, the views as the model received them: of each a cube of grey levels of the first
    channel, one byte a voxel, R fastest, all of them in base64. Null without a probe."""
    milliseconds: float = 0.0
    """Time spent on the answer, ms."""


class PrepareResponse(Answer):
    """The model has seen the scan; what is asked of it next is quick, until others were asked about."""

    step: int
    """Step of the model."""
    scan: str
    """As asked."""
    milliseconds: float = 0.0
    """Time spent on it, ms; near 0 where it had been seen before."""


class WhereResponse(Answer):
    """Where the point lies in the other scan, as ``Run.locate`` says; worlds are those that 3D Slicer shows."""

    step: int
    """Step of the model."""
    scan: str
    """As asked."""
    point_mm: Vector
    """Centre of the voxel that was looked for, mm."""
    point_world_mm: Vector
    """The same in the scan's world, mm."""
    target: str
    """As asked."""
    found_mm: Vector | None
    """Where it lies in the other scan, mm; null where it is not in it."""
    found_world_mm: Vector | None
    """The same in the other scan's world, mm."""
    ring_mm: float | None
    """Radius of the ball around it that holds the truth in 90 %, mm; null where it is not in the scan."""
    cycle_mm: float
    """How far from where it started the point comes back, mm."""
    why: str
    """Why it is not in the scan; empty where it is."""
    milliseconds: float = 0.0
    """Time spent on the answer, ms."""
