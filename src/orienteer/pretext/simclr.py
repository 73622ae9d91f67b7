"""SimCLR (Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020).

https://arxiv.org/abs/2002.05709. In 3D, the two crops of an image become crops of one scan that share half of their
volume or more.
"""

import numpy as np
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.losses.contrastive import nt_xent, same_scan
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
from orienteer.records.evidence import Spread
from orienteer.records.statistics import effective_rank


class SimclrSettings(TaskSettings):
    """SimCLR: which other crop of the batch shows the same place of the same scan? Needs a batch of 2 scans or more."""

    temperature: float = Field(0.5, gt=0)
    """Softness of the choice: similarities are divided by it."""
    hidden: int = Field(256, ge=1)
    """Width of the projection's hidden layer."""
    projection: int = Field(128, ge=2)
    """Length of the projected embedding that is compared."""


METRICS = (
    Metric(
        name="partner_found",
        title="Same place found",
        unit="fraction",
        meaning="how often the most similar crop of the batch is one of the same place",
        chance="choosing any crop of the batch",
        better="higher",
        shown="card",
    ),
    Metric(name="similarity_partner", title="Similarity of crops of one place", unit="1", better="higher"),
    Metric(name="similarity_other", title="Similarity of crops of other scans", unit="1"),
    Metric(
        name="embedding_rank",
        title="Effective rank of the projection",
        unit="rank",
        look="A value near 1 means that all crops look the same to the model (collapse).",
        better="higher",
    ),
)


class SimclrTask(PretextTask[SimclrSettings]):
    """Projects every view and makes it more similar to the other views of its scan than to those of other scans."""

    card = TaskCard(
        name="simclr",
        title="SimCLR",
        question="Does it recognise the same place?",
        intro="Overlapping crops of one scan should look alike to the model, crops of other scans should not.",
        source="Chen et al. 2020, arXiv 2002.05709",
        spatial=False,
        metrics=METRICS,
        evidence=(
            Spread(
                title="Similarity of a crop to its nearest candidates",
                unit="1",
                model="partner_similarity",
                name="crops of the same place",
                others={"other_similarity": "crops of other scans"},
            ),
        ),
    )
    placement = "overlapping"

    def __init__(self, settings: SimclrSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden),
            nn.ReLU(),
            nn.Linear(settings.hidden, settings.projection),
        )

    def check(self, *, batch: int) -> None:
        """A batch of one scan has no negatives, so its loss is always 0."""
        if batch < 2:
            raise ConfigError(
                "tasks.simclr compares scans with each other, and a batch of one has no other",
                cure="set optimiser.batch to 2 or more for each device, better 6",
            )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are views, each against all candidates of its batch."""
        samples, count = views.embedding.shape[:2]
        projected = functional.normalize(self.head(views.embedding).float(), dim=-1).flatten(0, 1)
        # Autocast would multiply in half precision, where similarities of 0.99 and 1 are equal.
        cosine = (projected[:, None] * projected).sum(-1)
        positive, negative = same_scan(samples, count, cosine.device)
        loss = nt_xent(cosine, positive, negative, self.settings.temperature)
        partner = cosine.masked_fill(~positive, -1).amax(1)
        other = cosine.masked_fill(~negative, -1).amax(1)
        return TaskOutput(loss, lambda: self._observe(partner, other, projected, samples, count))

    def _observe(self, partner: Tensor, other: Tensor, projected: Tensor, samples: int, count: int) -> Observation:
        every = samples * count
        rows: Rows = {
            "sample": sample_column(samples, count),
            "view_i": view_columns(samples, range(count)),
            "partner_similarity": to_numpy(partner),
            "other_similarity": to_numpy(other),
            "positives": np.full(every, count - 1, dtype=np.int32),
            "candidates": np.full(every, every - 1, dtype=np.int32),
        }
        rank = Measure(effective_rank(to_numpy(projected)), "rank", None, "higher")
        return self.observe(rows, embedding_rank=rank)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """How often the most similar of all candidates in the batch is a crop of the same place."""
        partner, other = rows["partner_similarity"].astype(float), rows["other_similarity"].astype(float)
        found = (partner > other).mean() if len(partner) else np.nan
        chance = float((rows["positives"] / rows["candidates"]).mean()) if len(partner) else None
        return {
            "partner_found": Measure(float(found), "fraction", chance, "higher"),
            "similarity_partner": Measure(float(partner.mean()), "1", None, "higher"),
            "similarity_other": Measure(float(other.mean()), "1", None),
        }
