"""Settings of the adjacency of chunks."""

from typing import Literal

from pydantic import Field

from orienteer.pretext.contract import TaskSettings


class AdjacencySettings(TaskSettings):
    """Adjacent against distant: which two chunks of two views lie closer together?"""

    chunk: float = Field(0.5, gt=0, lt=1)
    """Chunk edge as a share of the view's edge."""
    embedding: int = Field(64, ge=2)
    """Length of a chunk's embedding."""
    loss: Literal["ranking", "cosine"] = "ranking"
    """``ranking`` compares the two similarities; ``cosine`` is -cos(adjacent) + cos(distant) and can collapse."""
    temperature: float = Field(0.1, gt=0)
    """Softness of the ranking: a difference of similarity of this size is worth one unit of log-odds."""
