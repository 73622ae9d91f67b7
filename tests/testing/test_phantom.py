"""Phantoms: the same for the same person, different between people, and a store in a second or two."""

import time
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import OrienteerError
from orienteer.store import Store
from orienteer.testing.phantom import ORGANS, phantom, phantom_store, store_of


def test_phantom__is_counted_by_person_and_seed() -> None:
    first, organs = phantom(3)
    again, organs_again = phantom(3)
    np.testing.assert_array_equal(first.array, again.array)
    np.testing.assert_array_equal(organs, organs_again)
    for other in (phantom(4), phantom(3, seed=1), phantom(3, visit=1)):
        assert (other[0].array != first.array).mean() > 0.3


def test_phantom__visits_share_the_body_and_people_do_not() -> None:
    organs = [phantom(3, visit=visit)[1] for visit in (0, 1)]
    np.testing.assert_array_equal(*organs)
    assert (phantom(4)[1] != organs[0]).sum() > 50


def test_phantom__people_are_alike_enough_to_learn_from() -> None:
    images = np.stack([phantom(person)[0].array.ravel() for person in range(6)]).astype(float)
    alike = np.corrcoef(images)[~np.eye(6, dtype=bool)]
    assert alike.min() > 0.8
    assert alike.max() < 0.995


def test_phantom__mirrored_bodies_are_less_alike_than_other_peoples() -> None:
    """Left and right can be told apart, as they can in people."""
    bodies = [phantom(person)[0].array[0].astype(float) for person in range(5)]

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        inside = (one > 0) & (other > 0)
        return float(np.corrcoef(one[inside], other[inside])[0, 1])

    mirrored = np.mean([alike(body, body[::-1]) for body in bodies])
    others = np.mean([alike(bodies[n], bodies[n - 1]) for n in range(5)])
    assert mirrored < others - 0.05


@pytest.mark.parametrize("shape", [(20, 20, 20), (28, 32, 30), (40, 36, 24)])
def test_phantom__every_person_has_every_organ_in_every_shape(shape: tuple[int, int, int]) -> None:
    for person in range(4):
        volume, organs = phantom(person, shape, 2.5)
        assert volume.shape == organs.shape == shape
        assert volume.array.dtype == np.int16
        assert volume.axes == "RAS"
        np.testing.assert_allclose(volume.spacing, 2.5)
        assert set(np.unique(organs)) == {0, *ORGANS}
        assert (volume.array[0][organs > 0] > 0).all(), "organs lie in the body"
        # Centred on the world's origin.
        np.testing.assert_allclose(volume.affine[:3, :3] @ (np.array(shape) - 1) / 2, -volume.affine[:3, 3])


def test_phantom_store__holds_what_phantom_makes(tmp_path: Path) -> None:
    began = time.perf_counter()
    store = Store.open(phantom_store(tmp_path, people=8, spacing=2.0, visits=2))
    assert time.perf_counter() - began < 10, "three seconds where nothing else runs"
    assert len(store.ids()) == 16
    for scan, person, visit in (("person_001", 1, 0), ("person_006_visit_1", 6, 1)):
        volume, organs = phantom(person, spacing=2.0, visit=visit)
        np.testing.assert_array_equal(store.read(scan), volume.array)
        np.testing.assert_array_equal(store.labels(scan), organs)
        assert store.entry(scan).spacing == 2.0
    assert 0.4 < np.mean([store.foreground(scan).mean() for scan in store.ids()]) < 0.8


def test_phantom_store__splits_by_person(tmp_path: Path) -> None:
    store = Store.open(phantom_store(tmp_path, people=8, visits=2, shape=(20, 20, 20), labels=False))
    people = {split: {store.entry(scan).person for scan in store.ids(split)} for split in ("train", "val", "test")}
    assert {split: len(names) for split, names in people.items()} == {"train": 4, "val": 2, "test": 2}
    assert sum(len(store.ids(split)) for split in people) == 16
    assert not store.entry("person_000").labelled


def test_store_of__without_a_table_everybody_is_a_person(tmp_path: Path) -> None:
    scans = {f"s{n}": phantom(n, (20, 20, 20))[0].array[0] for n in range(3)}
    store = Store.open(store_of(tmp_path, scans, 1.5))
    assert {store.entry(scan).person for scan in store.ids()} == set(scans)
    np.testing.assert_array_equal(store.read("s1")[0], scans["s1"])


def test_store_of__what_ingest_refuses_is_said_and_leaves_no_store(tmp_path: Path) -> None:
    with pytest.raises(OrienteerError):
        store_of(tmp_path, {"flat": np.full((20, 20, 20), 7, dtype=np.int16)})
    assert not (tmp_path / "store").exists()
