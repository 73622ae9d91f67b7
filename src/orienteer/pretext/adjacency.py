"""Sub-task 2: adjacent chunks look alike, distant ones do not (Zhang et al., arXiv 2509.05967)."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer import losses
from orienteer.losses.adjacency import CELLS, ChunkPlaces, chunk_places, sample_chunks
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    sample_column,
    to_numpy,
    view_columns,
)
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import ChunkPairs
from orienteer.records.statistics import auc, effective_rank, mean

FAR_APART_MM = 30.0
"""Pairs of chunks whose distances differ by at least this much count as clearly different."""


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


TOSS = "50 % is a coin toss; it should rise towards 100 %."
METRICS = (
    Metric(
        name="adjacency_accuracy",
        title="Adjacency accuracy",
        unit="fraction",
        meaning="how often the nearer of two chunk pairs is called more alike (pairs that differ by 30 mm or more)",
        look=TOSS,
        chance="a coin toss",
        better="higher",
        shown="card",
    ),
    Metric(
        name="adjacency_accuracy_all",
        title="Adjacency accuracy, all pairs",
        unit="fraction",
        meaning="how often the nearer of two chunk pairs is called more alike (in scans this small no two differ by "
        "30 mm)",
        look=TOSS,
        chance="a coin toss",
        better="higher",
        shown="card",
        stands_in_for="adjacency_accuracy",
    ),
    Metric(name="adjacency_auc", title="Adjacency AUC", unit="fraction", chance="a coin toss", better="higher"),
    Metric(name="similarity_adjacent", title="Similarity of adjacent chunks", unit="1", better="higher"),
    Metric(name="similarity_distant", title="Similarity of distant chunks", unit="1"),
    Metric(
        name="embedding_rank",
        title="Effective rank of the chunk embedding",
        unit="rank",
        meaning="how many directions the embedded chunks spread over",
        look="A value near 1 means that all chunks look the same to the model (collapse).",
        better="higher",
    ),
)


class AdjacencyTask(PretextTask[AdjacencySettings]):
    """Cuts chunks out of the dense features and ranks the adjacent pair's similarity above the distant pair's."""

    card = TaskCard(
        name="adjacency",
        title="Adjacency of chunks",
        question="Do near things look alike to it?",
        intro="A chunk is a smaller box inside a view. Adjacent chunks face each other, distant ones face away.",
        source="Zhang et al. 2025, arXiv 2509.05967",
        spatial=True,
        metrics=METRICS,
        evidence=(ChunkPairs(chunk=0.5),),
    )
    needs_dense = True

    def __init__(self, settings: AdjacencySettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = nn.Sequential(
            nn.Linear(interface.dense_channels * CELLS**3, 128),
            nn.GELU(),
            nn.Linear(128, settings.embedding),
        )

    def describe(self) -> TaskCard:
        """With the size of this run's chunks."""
        return self.card.model_copy(update={"evidence": (ChunkPairs(chunk=self.settings.chunk),)})

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are unordered pairs of views."""
        assert views.dense is not None
        count = views.centres.shape[1]
        i, j = torch.triu_indices(count, count, offset=1, device=views.centres.device)
        places = chunk_places(views.centres, i, j, view_mm=views.view_mm, chunk_mm=views.view_mm * self.settings.chunk)
        towards = torch.cat([places.towards_i, places.towards_j], dim=1)
        chunks = self._embed(views.dense, torch.cat([i, j] * 2), torch.cat([towards, -towards], dim=1), views.view_mm)
        chunks = chunks.reshape(len(chunks), 4, len(i), -1).movedim(1, 0)
        near, far = (chunks[0] * chunks[1]).sum(-1), (chunks[2] * chunks[3]).sum(-1)
        loss = losses.adjacency(
            near,
            far,
            # Where two centres coincide, adjacent and distant chunks are the same and cannot be ranked.
            differs=places.distant_mm - places.adjacent_mm > 1e-3,
            form=self.settings.loss,
            temperature=self.settings.temperature,
        )
        return TaskOutput(loss, lambda: self._observe(near, far, places, chunks, i, j))

    def _embed(
        self,
        dense: Float[Tensor, "B K C s s s"],
        view: Int[Tensor, "n"],
        offset: Float[Tensor, "B n 3"],
        view_mm: float,
    ) -> Float[Tensor, "B n E"]:
        """Unit embeddings of n chunks, as many in each view, centred ``offset`` mm from their view's centre."""
        # All of a view at once: its features are neither copied nor given a gradient for each of its chunks.
        order = view.argsort(stable=True)
        moved = offset[:, order].reshape(dense.shape[0] * dense.shape[1], -1, 3)
        pooled = sample_chunks(dense.flatten(0, 1), moved / (view_mm / 2), self.settings.chunk)
        embedded = functional.normalize(self.head(pooled.flatten(2)).float(), dim=-1)
        return embedded.reshape(*offset.shape[:2], -1)[:, order.argsort()]

    def _observe(
        self, near: Tensor, far: Tensor, places: ChunkPlaces, chunks: Tensor, i: Tensor, j: Tensor
    ) -> Observation:
        samples, pairs = near.shape
        rows: Rows = {
            "sample": sample_column(samples, pairs),
            "view_i": view_columns(samples, i),
            "view_j": view_columns(samples, j),
            "adjacent_mm": to_numpy(places.adjacent_mm.flatten()),
            "distant_mm": to_numpy(places.distant_mm.flatten()),
            "adjacent_similarity": to_numpy(near.flatten()),
            "distant_similarity": to_numpy(far.flatten()),
        }
        # A collapsed embedding (one direction for every chunk) has rank 1.
        rank = Measure(effective_rank(to_numpy(chunks.flatten(0, 2))), "rank", None, "higher")
        return self.observe(rows, embedding_rank=rank)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """How often the adjacent pair of chunks is the more similar one.

        In scans of a few cm no two pairs differ clearly in distance; then the accuracy over all pairs comes first.
        """
        near, far = np.asarray(rows["adjacent_similarity"]), np.asarray(rows["distant_similarity"])
        difference = np.asarray(rows["distant_mm"]) - np.asarray(rows["adjacent_mm"])
        clear, ranked = difference >= FAR_APART_MM, difference > 1e-3
        won = (near > far) + 0.5 * (near == far)
        accuracies = {
            "adjacency_accuracy": Measure(mean(won[clear]), "fraction", 0.5, "higher"),
            "adjacency_accuracy_all": Measure(mean(won[ranked]), "fraction", 0.5, "higher"),
        }
        names = list(accuracies) if clear.any() else list(accuracies)[::-1]
        return {name: accuracies[name] for name in names} | {
            "adjacency_auc": Measure(auc(near, far), "fraction", 0.5, "higher"),
            "similarity_adjacent": Measure(mean(near), "1", None, "higher"),
            "similarity_distant": Measure(mean(far), "1", None),
        }
