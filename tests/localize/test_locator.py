"""Where a crop belongs: an oracle is right to the grid, a blind model is lost, and the map says what was said."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.errors import ConfigError
from orienteer.localize import locator as locating
from orienteer.localize.locator import MOST_CELLS, MOST_VIEWS, Locator
from orienteer.networks.backbone import Features
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.contract import PredictsDisplacements
from orienteer.pretext.gap import GapTask
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.sampling import crop
from orienteer.store import Store
from orienteer.testing.phantom import phantom, store_of
from tests.pretext.outside_task import DistanceTask

SIZE, SPACING = 16, 3.0


class Steps(nn.Module):
    """Stands in for a pair head: z_j - z_i, wrong by ``bias`` whichever way it is asked."""

    def __init__(self, scale: float, bias: float = 0.0) -> None:
        super().__init__()
        self.scale, self.bias = scale, bias

    def forward(self, z: Tensor) -> Tensor:
        return (z[:, None, :, :] - z[:, :, None, :]) * self.scale + self.bias


def _model(tasks: dict, channels: int = 1) -> SpatialModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpatialModel(
            NetworkSettings(size="tiny"),
            tasks,
            TeacherSettings(),
            in_channels=channels,
            views=3,
            view=SIZE,
            spacing=SPACING,
        ).eval()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One phantom, and the same body again, shifted by (2, -1, 1) voxels."""
    volume, organs = phantom(shape=(28, 32, 30))
    scans = {"here": volume.array[0], "there": np.roll(volume.array[0], (2, -1, 1), (0, 1, 2))}
    labels = {"here": organs, "there": np.roll(organs, (2, -1, 1), (0, 1, 2))}
    return Store.open(store_of(tmp_path_factory.mktemp("where"), scans, labels=labels))


class _Lookup(nn.Module):
    """Finds a crop in the scans by its voxels; the place is told in the frame of ``here``."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))  # tells the device
        self.known: dict[bytes, list[float]] = {}
        for scan, shift in (("here", (0, 0, 0)), ("there", (2, -1, 1))):
            voxels = store.normalise(scan, store.read(scan))[0]
            for r in range(voxels.shape[0] - SIZE + 1):
                for a in range(voxels.shape[1] - SIZE + 1):
                    for s in range(voxels.shape[2] - SIZE + 1):
                        key = voxels[r : r + SIZE, a : a + SIZE, s : s + SIZE].tobytes()
                        place = np.array([r, a, s]) - shift + (SIZE - 1) / 2
                        self.known.setdefault(key, (place * SPACING).tolist())

    def forward(self, images: Tensor) -> Features:
        places = [self.known[image[0].numpy().tobytes()] for image in images]
        return Features(embedding=torch.tensor(places), dense=None)


def _oracle(store: Store, bias: float = 0.0) -> SpatialModel:
    """A model whose embedding of a view is its place in the body, and whose step is the difference of two."""
    model = _model({"gap": {}})
    gap = model.task("gap")
    assert isinstance(gap, GapTask)
    gap.head = Steps(1 / gap.settings.length_mm, bias)  # type: ignore[assignment]
    model.backbone = _Lookup(store)  # type: ignore[assignment]
    return model


@pytest.fixture(scope="module")
def oracle(store: Store) -> SpatialModel:
    return _oracle(store)


CENTRE = np.array([40.5, 49.5, 37.5])


def locator(model: SpatialModel, store: Store, size: int = SIZE) -> Locator:
    return Locator(model, store, size=size, min_foreground=0.15)


def test_locate__an_oracle_finds_the_place_in_another_scan(store: Store, oracle: SpatialModel) -> None:
    found = locator(oracle, store).locate("here", CENTRE, "there")
    assert found.centre_mm.tolist() == CENTRE.tolist()
    # Every view of the target has its own place in the body, which lies 2, -1, 1 voxels further in this scan.
    shift = np.array([2, -1, 1]) * SPACING
    np.testing.assert_allclose(found.votes_mm, np.broadcast_to(CENTRE + shift, found.votes_mm.shape), atol=1e-3)
    np.testing.assert_allclose(found.peak_mm, CENTRE + shift, atol=1e-3)
    np.testing.assert_allclose(found.true_mm, CENTRE + shift, atol=1e-6)
    assert found.error_mm == pytest.approx(0, abs=1e-2) and "6 structures" in str(found.from_labels)
    assert found.chance_mm is not None and found.chance_mm > 1


def test_locate__the_hottest_cell_holds_the_answer(store: Store, oracle: SpatialModel) -> None:
    without_labels = Locator(oracle, store, size=SIZE, min_foreground=0.15, targets=store)
    found = without_labels.locate("here", CENTRE, "there")
    hottest = np.array(np.unravel_index(found.heat.argmax(), found.heat.shape))
    assert found.heat.max() == 1.0
    assert np.abs(found.origin_mm + hottest * found.grid_mm - found.peak_mm).max() <= found.grid_mm / 2 + 1e-6
    assert found.true_mm is None and found.error_mm is None and found.chance_mm is None and found.from_labels is None
    # The cells cover the scan, in its own frame.
    last = found.origin_mm + (np.array(found.heat.shape) - 0.5) * found.grid_mm
    extent = np.array(store.entry("there").shape) * SPACING
    assert (last <= extent).all() and (extent - last < 2 * found.grid_mm).all() and max(found.heat.shape) <= MOST_CELLS


def test_locate__an_error_that_goes_one_way_cancels_with_the_way_back(store: Store) -> None:
    biased = _oracle(store, bias=0.4)  # 20 mm, added to every step whatever its direction
    found = locator(biased, store).locate("here", CENTRE, "here")
    np.testing.assert_allclose(found.peak_mm, CENTRE, atol=1e-3)
    assert found.from_labels == "it was cut out of this very scan" and found.error_mm == pytest.approx(0, abs=1e-3)


def test_locate__an_untrained_model_is_lost(store: Store) -> None:
    found = locator(_model({"gap": {"uncertainty": True}}), store).locate("here", CENTRE, "there")
    spread = np.linalg.norm(found.votes_mm - found.votes_mm.mean(0), axis=1).mean()
    assert spread > 10  # its views disagree: each believes that the crop is near itself
    assert np.isfinite(found.heat).all() and np.isfinite(found.peak_mm).all()


class StepsTask(DistanceTask, PredictsDisplacements):
    """A task of somebody else's that can say where a view lies as seen from another: embeddings are positions."""

    card = DistanceTask.card.model_copy(update={"name": "steps"})

    def displacements(self, embedding: Tensor) -> NDArray[np.float64]:
        mm = embedding[..., :3].double().numpy()
        return np.asarray(mm[:, None] - mm[:, :, None])


@pytest.mark.parametrize("ours", [{}, {"masked": {"views": 1}}])
def test_locate__a_task_outside_the_package_is_asked_as_ours_are(store: Store, ours: dict) -> None:
    model = _model({**ours, "steps": {"class": f"{__name__}:StepsTask"}})
    model.backbone = _Lookup(store)  # type: ignore[assignment]
    found = locator(model, store).locate("here", CENTRE, "there")
    np.testing.assert_allclose(found.peak_mm, CENTRE + np.array([2, -1, 1]) * SPACING, atol=1e-3)


@pytest.mark.parametrize(
    ("tasks", "able"),
    [
        ({"route": {}}, True),
        ({"rpr": {}}, True),
        ({"adjacency": {}}, False),
        ({"distance": {"class": "tests.pretext.outside_task:DistanceTask"}}, False),
    ],
)
def test_locate__any_head_that_tells_steps_will_do(store: Store, tasks: dict, able: bool) -> None:
    asked = locator(_model(tasks), store)
    assert asked.able is able
    if able:
        assert asked.locate("here", CENTRE, "there").peak_mm.shape == (3,)
    else:
        with pytest.raises(ConfigError, match="cannot say where"):
            asked.locate("here", CENTRE, "there")


def test_locate__a_target_is_encoded_once_and_answers_never_depend_on_earlier_ones(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, cut = _model({"gap": {}}), []
    monkeypatch.setattr(locating, "crop", lambda recipe, store: (cut.append(recipe.scan), crop(recipe, store))[1])
    asked = locator(model, store)
    first = asked.locate("here", CENTRE, "there")
    encoded = cut.count("there")
    again = [asked.locate("here", CENTRE + n, "there") for n in (9.0, 0.0)][1]
    assert cut.count("there") == encoded > 0
    fresh = locator(model, store).locate("here", CENTRE, "there")
    for other in (again, fresh):
        assert np.array_equal(first.votes_mm, other.votes_mm) and np.array_equal(first.heat, other.heat)


def test_voters__cover_the_body_with_few_views(store: Store, oracle: SpatialModel) -> None:
    voters = locator(oracle, store).voters("there")
    entry = store.entry("there")
    assert 8 <= len(voters.centres_mm) <= MOST_VIEWS == 128
    corner = voters.centres_mm / SPACING - (SIZE - 1) / 2
    np.testing.assert_allclose(corner, np.rint(corner), atol=1e-9)
    assert (corner >= 0).all() and (corner + SIZE <= np.array(entry.shape)).all()
    for axis in range(3):
        line = np.unique(corner[:, axis])
        assert line[0] == 0 and line[-1] == entry.shape[axis] - SIZE and np.diff(line).max() <= SIZE / 2


def test_voters__of_a_large_scan_are_no_more(tmp_path: Path) -> None:
    volume, _ = phantom(shape=(80, 84, 76))
    large = Store.open(store_of(tmp_path, {"large": volume.array[0]}))
    voters = locator(_model({"gap": {}}), large).voters("large")
    assert 40 <= len(voters.centres_mm) <= MOST_VIEWS


def test_locate__refuses_a_scan_that_holds_no_view(store: Store, oracle: SpatialModel) -> None:
    with pytest.raises(ConfigError, match="a view 64 along each side"):
        locator(oracle, store, size=64).locate("here", CENTRE, "there")
