"""The same place in another person, as far as labels can tell."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.ingest import IngestOptions, ingest
from orienteer.localize.landmarks import FEWEST_SHARED, landmarks, warp
from orienteer.store import Store
from orienteer.testing.phantom import phantom, store_of


def _cloud(count: int = 40, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(0, 150, size=(count, 3))


def test_landmarks__are_centres_of_structures_in_mm(tmp_path: Path) -> None:
    labels = np.zeros((28, 32, 30), np.uint8)
    labels[4:8, 10:14, 20:24] = 3
    labels[20:24, 5:9, 6:11] = 7
    labels[0, 0, :5] = 9  # too small to have a centre worth the name
    volume, _ = phantom()
    store = Store.open(store_of(tmp_path, {"one": volume.array[0]}, labels={"one": labels}))
    found = landmarks(store, "one")
    assert set(found) == {3, 7}
    np.testing.assert_allclose(found[3], np.array([5.5, 11.5, 21.5]) * 3.0)
    np.testing.assert_allclose(found[7], np.array([21.5, 6.5, 8.0]) * 3.0)


def test_landmarks__are_none_without_labels(tmp_path: Path) -> None:
    store = Store.open(store_of(tmp_path, {"one": phantom()[0].array[0]}))
    assert landmarks(store, "one") == {}


def test_warp__of_an_affine_change_is_that_change() -> None:
    cloud = _cloud()
    linear, shift = np.array([[1.1, 0.05, 0], [0, 0.9, -0.1], [0.02, 0, 1.0]]), np.array([5.0, -12.0, 30.0])
    moved = warp(dict(enumerate(cloud)), dict(enumerate(cloud @ linear.T + shift)))
    assert moved is not None and moved.structures == len(cloud)
    assert moved.left_out_mm < 1e-6
    for place in _cloud(5, seed=1):
        np.testing.assert_allclose(moved(place), linear @ place + shift, atol=1e-6)


def test_warp__says_how_far_it_can_be_trusted() -> None:
    cloud = _cloud()
    trust = []
    for noise in (1.0, 5.0):
        there = cloud + np.random.default_rng(2).normal(0, noise, size=cloud.shape)
        moved = warp(dict(enumerate(cloud)), dict(enumerate(there)))
        assert moved is not None
        trust.append(moved.left_out_mm)
    # A structure left out misses by at least its own noise, 1.6 standard deviations in three dimensions.
    assert 1.0 < trust[0] < 3.0 and 5.0 < trust[1] < 15.0


def test_warp__rests_on_shared_structures_only() -> None:
    cloud = _cloud(20)
    here = dict(enumerate(cloud))
    there = {number: place + 7.0 for number, place in here.items() if number % 2} | {99: np.zeros(3)}
    moved = warp(here, there)
    assert moved is not None and moved.structures == 10
    np.testing.assert_allclose(moved(cloud[0]), cloud[0] + 7.0, atol=1e-6)


@pytest.mark.parametrize("count", [0, 1, FEWEST_SHARED - 1])
def test_warp__needs_enough_structures(count: int) -> None:
    cloud = dict(enumerate(_cloud(count)))
    assert warp(cloud, cloud) is None


def test_warp__of_structures_in_one_plane_is_none() -> None:
    flat = _cloud(8)
    flat[:, 2] = 40.0
    assert warp(dict(enumerate(flat)), dict(enumerate(flat))) is None


def test_warp__places_structures_of_real_brains_to_within_millimetres(real_data: Path, tmp_path: Path) -> None:
    people = ("1007", "1104")
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
        for person in people:
            name = f"{person}.nii.gz"
            (tmp_path / kind / name).symlink_to(real_data / "oasis" / kind / name)
    ingest(
        tmp_path / "images", tmp_path / "store", IngestOptions(spacing=3.0, labels=tmp_path / "labels",
        workers=1, keep_names=True, progress=False),
    )  # fmt: skip
    store = Store.open(tmp_path / "store")
    here, there = (landmarks(store, person) for person in people)
    moved = warp(here, there)
    assert moved is not None and moved.structures > 100
    unmoved = np.median([np.linalg.norm(here[n] - there[n]) for n in here.keys() & there.keys()])
    assert moved.left_out_mm < 5.0 and moved.left_out_mm < unmoved, (moved.left_out_mm, unmoved)
