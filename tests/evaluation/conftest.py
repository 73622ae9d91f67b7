"""A store of phantoms, a tiny untrained model, and oracles that know places from one chosen thing only."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import vector_columns
from orienteer.pretext.gap import GapTask
from orienteer.pretext.model import ModelOutput, Seen, SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.records import Observation
from orienteer.records.card import TaskCard
from orienteer.sampling import Sampler, ViewSettings, crop
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store

SIZE = 16


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Four people scanned twice, one of whom is the test split; nobody may change it."""
    return Store.open(phantom_store(tmp_path_factory.mktemp("evaluation"), people=4, visits=2))


@pytest.fixture(scope="session")
def sampler(store: Store) -> Sampler:
    """Untouched views of all eight scans."""
    return Sampler(store, store.ids(), ViewSettings(size=SIZE), seed=1, augment=False)


@pytest.fixture(scope="session")
def untrained() -> SpatialModel:
    """All four tasks on a tiny network."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpatialModel(
            NetworkSettings(size="tiny"),
            {"gap": {"uncertainty": True}, "adjacency": {}, "route": {}, "position": {}},
            TeacherSettings(),
            in_channels=1,
            views=3,
            view=SIZE,
            spacing=3.0,
        )


class Oracle(nn.Module):
    """Stands in for a trained model: knows the place of every view whose ``key`` it has seen, else says zero."""

    def __init__(self, key: Callable[[Tensor], bytes], known: dict[bytes, np.ndarray]) -> None:
        super().__init__()
        self.key, self.known = key, known
        self.tasks = {"gap": GapTask}
        self.cards: tuple[TaskCard, ...] = (GapTask.card,)

    def task(self, name: str) -> type[GapTask]:
        return self.tasks[name]

    def forward(
        self, images: Tensor, centres: Tensor, view_mm: float, address: Tensor, *, anatomy: Tensor
    ) -> ModelOutput:
        nothing = np.full(3, np.nan)
        places = np.array([[self.known.get(self.key(view), nothing) for view in sample] for sample in images])
        pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
        i, j = np.array(pairs).T
        rows = {
            "sample": np.repeat(np.arange(len(images), dtype=np.int32), len(pairs)),
            "view_i": np.tile(i.astype(np.int8), len(images)),
            "view_j": np.tile(j.astype(np.int8), len(images)),
            **vector_columns("true", (centres[:, j] - centres[:, i]).reshape(-1, 3).numpy()),
            **vector_columns("pred", np.nan_to_num((places[:, j] - places[:, i]).reshape(-1, 3).astype(np.float32))),
        }
        return ModelOutput(torch.zeros(()), Seen(lambda: Observation("gap", GapTask.measure(rows), rows)))


@pytest.fixture(scope="session")
def oracle(sampler: Sampler) -> Callable[[Callable[[Tensor], bytes]], Oracle]:
    """Makes an oracle that recognises the sampler's first 128 samples by ``key``."""
    seen = [crop(sampler.draw(number), sampler.store) for number in range(128)]

    def make(key: Callable[[Tensor], bytes]) -> Oracle:
        pairs = [(torch.from_numpy(v), c) for s in seen for v, c in zip(s.images, s.centres, strict=True)]
        return Oracle(key, {key(view): centre for view, centre in pairs})

    return make
