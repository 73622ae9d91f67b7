"""Sub-task 2: adjacent chunks look alike, distant ones do not (Zhang et al., arXiv 2509.05967)."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orienteer.pretext.adjacency.settings import AdjacencySettings
from orienteer.pretext.adjacency.target import ChunkPlaces, chunk_places
from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings, to_numpy
from orienteer.records.measures import adjacency_measures, effective_rank
from orienteer.records.records import Measure, Observation


class AdjacencyTask(PretextTask):
    """Cuts chunks out of the dense features and ranks the adjacent pair's similarity above the distant pair's."""

    name = "adjacency"
    needs_dense = True
    settings_type = AdjacencySettings
    settings: AdjacencySettings
    measure = staticmethod(adjacency_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, AdjacencySettings)
        self.head = nn.Sequential(
            nn.Linear(interface.dense_channels * CELLS**3, 128),
            nn.GELU(),
            nn.Linear(128, settings.embedding),
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are unordered pairs of views."""
        assert views.dense is not None
        count = views.centres.shape[1]
        i, j = torch.triu_indices(count, count, offset=1, device=views.centres.device)
        places = chunk_places(views.centres, i, j, view_mm=views.view_mm, chunk_mm=views.view_mm * self.settings.chunk)
        # Where two centres coincide, adjacent and distant are the same boxes and there is nothing to rank.
        differs = places.distant_mm - places.adjacent_mm > 1e-3
        chunks = torch.stack(
            [
                self._embed(views.dense[:, view], offset, views.view_mm)
                for view, offset in (
                    (i, places.towards_i),
                    (j, places.towards_j),
                    (i, -places.towards_i),
                    (j, -places.towards_j),
                )
            ]
        )
        near, far = (chunks[0] * chunks[1]).sum(-1), (chunks[2] * chunks[3]).sum(-1)
        if self.settings.loss == "ranking":
            each = functional.softplus((far - near) / self.settings.temperature)
        else:
            each = far - near
        loss = (each * differs).sum() / differs.sum().clamp(min=1)
        return TaskOutput(loss, self._observe(near, far, places, chunks, i, j))

    def _embed(
        self, dense: Float[Tensor, "B P C s s s"], offset: Float[Tensor, "B P 3"], view_mm: float
    ) -> Float[Tensor, "B P E"]:
        """Unit embeddings of chunks centred ``offset`` mm from their view's centre."""
        flat, moved = dense.flatten(0, 1), offset.flatten(0, 1)
        pooled = sample_chunks(flat, moved / (view_mm / 2), self.settings.chunk)
        embedded = functional.normalize(self.head(pooled.flatten(1)).float(), dim=-1)
        return embedded.reshape(*dense.shape[:2], -1)

    def _observe(
        self, near: Tensor, far: Tensor, places: ChunkPlaces, chunks: Tensor, i: Tensor, j: Tensor
    ) -> Observation:
        samples, pairs = near.shape
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), pairs),
            "view_i": np.tile(i.cpu().numpy().astype(np.int8), samples),
            "view_j": np.tile(j.cpu().numpy().astype(np.int8), samples),
            "adjacent_mm": to_numpy(places.adjacent_mm.flatten()),
            "distant_mm": to_numpy(places.distant_mm.flatten()),
            "adjacent_similarity": to_numpy(near.flatten()),
            "distant_similarity": to_numpy(far.flatten()),
        }
        rank = effective_rank(to_numpy(chunks.flatten(0, 2)))
        # The rank tells a collapsed embedding (one direction for every chunk) from a working one.
        measures = self.measure(rows) | {"embedding_rank": Measure(rank, "rank", None, "higher")}
        return Observation(self.name, measures, rows)


CELLS = 3
"""A chunk is sampled on CELLS^3 points, which keeps its layout."""


def sample_chunks(
    dense: Float[Tensor, "N C s s s"], centre: Float[Tensor, "N 3"], share: float
) -> Float[Tensor, "N C cells cells cells"]:
    """Cut cubic chunks out of feature maps by trilinear sampling, so that a chunk may lie between cells.

    Args:
        dense: feature maps.
        centre: chunk centres, each axis in [-1, 1] over the view (-1 is its first face, 1 its last).
        share: chunk edge as a share of the view's edge.
    """
    line = (torch.arange(CELLS, device=dense.device, dtype=torch.float32) + 0.5) / CELLS * 2 - 1
    grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1) * share
    points = centre[:, None, None, None, :].float() + grid
    # grid_sample wants the last spatial axis first.
    return functional.grid_sample(
        dense.float(), points.flip(-1), mode="bilinear", padding_mode="border", align_corners=False
    )
