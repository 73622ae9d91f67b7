"""SimCLR (Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020).

https://arxiv.org/abs/2002.05709. In 3D, the two crops of an image become crops of one scan that share half of their
volume or more.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings, to_numpy
from orienteer.pretext.simclr.settings import SimclrSettings
from orienteer.pretext.simclr.target import nt_xent, same_scan
from orienteer.records.measures import effective_rank
from orienteer.records.records import Measure, Observation, Rows


def simclr_measures(rows: Rows) -> dict[str, Measure]:
    """How often the most similar of all candidates in the batch is a crop of the same place."""
    partner, other = rows["partner_similarity"].astype(float), rows["other_similarity"].astype(float)
    found = (partner > other).mean() if len(partner) else np.nan
    chance = float((rows["positives"] / rows["candidates"]).mean()) if len(partner) else None
    return {
        "partner_found": Measure(float(found), "fraction", chance, "higher"),
        "similarity_partner": Measure(float(partner.mean()), "1", None, "higher"),
        "similarity_other": Measure(float(other.mean()), "1", None),
    }


class SimclrTask(PretextTask):
    """Projects every view and makes it more similar to the other views of its scan than to those of other scans."""

    name = "simclr"
    placement = "overlapping"
    about_space = False
    settings_type = SimclrSettings
    settings: SimclrSettings
    measure = staticmethod(simclr_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, SimclrSettings)
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden),
            nn.ReLU(),
            nn.Linear(settings.hidden, settings.projection),
        )

    def check(self, *, batch: int) -> None:
        """A batch of one scan has no negatives: its loss is 0 for ever."""
        if batch < 2:
            raise ConfigError(
                "tasks.simclr compares scans with each other, and a batch of one has no other",
                cure="set optimiser.batch to 2 or more for each device, better 6",
            )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are views, each against all candidates of its batch."""
        samples, count = views.embedding.shape[:2]
        projected = functional.normalize(self.head(views.embedding).float(), dim=-1).flatten(0, 1)
        # Autocast would multiply in half precision, where similarities of 0.99 and 1 are one.
        cosine = (projected[:, None] * projected).sum(-1)
        positive, negative = same_scan(samples, count, cosine.device)
        loss = nt_xent(cosine, positive, negative, self.settings.temperature)
        partner = cosine.masked_fill(~positive, -1).amax(1)
        other = cosine.masked_fill(~negative, -1).amax(1)
        return TaskOutput(loss, self._observe(partner, other, projected, samples, count))

    def _observe(self, partner: Tensor, other: Tensor, projected: Tensor, samples: int, count: int) -> Observation:
        every = samples * count
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), count),
            "view_i": np.tile(np.arange(count, dtype=np.int8), samples),
            "partner_similarity": to_numpy(partner),
            "other_similarity": to_numpy(other),
            "positives": np.full(every, count - 1, dtype=np.int32),
            "candidates": np.full(every, every - 1, dtype=np.int32),
        }
        rank = Measure(effective_rank(to_numpy(projected)), "rank", None, "higher")
        return Observation(self.name, self.measure(rows) | {"embedding_rank": rank}, rows)
