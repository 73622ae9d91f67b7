"""Planted faults: each changes exactly what it says, the same way every time."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from orienteer.testing.plants import (
    LeakingStore,
    MisplacedStore,
    PlantedStore,
    ShadedStore,
    ShuffledStore,
    ThinlyPlantedStore,
)

LOW, SIZE = (3, 4, 2), 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return phantom_store(tmp_path_factory.mktemp("plants"), people=4, visits=2)


@pytest.mark.parametrize("kind", [ShuffledStore, PlantedStore, ThinlyPlantedStore, ShadedStore, MisplacedStore])
def test_plant__gives_other_voxels_and_always_the_same(kind: type[Store], folder: Path) -> None:
    honest, planted = Store.open(folder), kind.open(folder)
    scan = honest.ids()[0]
    box = planted.read(scan, LOW, SIZE)
    assert box.shape == honest.read(scan, LOW, SIZE).shape and box.dtype == np.int16
    assert not np.array_equal(box, honest.read(scan, LOW, SIZE))
    np.testing.assert_array_equal(box, kind.open(folder).read(scan, LOW, SIZE))


@pytest.mark.parametrize(("kind", "shell"), [(PlantedStore, 2), (ThinlyPlantedStore, 1)])
def test_planted__the_inside_is_as_it_was_and_the_shell_is_one_grey_a_face(
    kind: type[Store], shell: int, folder: Path
) -> None:
    scan = Store.open(folder).ids()[0]
    box, honest = kind.open(folder).read(scan, LOW, SIZE), Store.open(folder).read(scan, LOW, SIZE)
    inside = (slice(None), *[slice(shell, -shell)] * 3)
    np.testing.assert_array_equal(box[inside], honest[inside])
    assert np.ptp(box[:, :, :, :shell]) == 0, "the last axis was written last"
    assert np.ptp(box[:, shell:-shell, shell:-shell, shell : shell + 1]) > 0


def test_shaded__brightness_tells_one_axis_and_nothing_else(folder: Path) -> None:
    store = ShadedStore.open(folder)
    grey = store.normalise(store.ids()[0], store.read(store.ids()[0]))[0]
    across = [np.ptp(grey.mean(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3)]
    assert across[1] > 1.4 and across[0] < 0.1 and across[2] < 0.1


def test_misplaced__anatomy_of_the_scan_from_elsewhere(folder: Path) -> None:
    store, honest = MisplacedStore.open(folder), Store.open(folder)
    scan = honest.ids()[0]
    whole, box = honest.read(scan), store.read(scan, LOW, SIZE)
    windows = np.lib.stride_tricks.sliding_window_view(whole[0], (SIZE,) * 3)
    found = np.argwhere((windows == box[0]).all(axis=(3, 4, 5)))
    assert len(found) == 1 and tuple(found[0]) != LOW
    np.testing.assert_array_equal(store.read(scan), whole)


def test_leaking__one_visit_is_learned_from_and_the_other_kept_apart_under_another_name(folder: Path) -> None:
    store, honest = LeakingStore.open(folder), Store.open(folder)
    learned, apart = store.ids("train"), store.ids("val")
    person = {scan: honest.entry(scan).person for scan in honest.ids()}
    assert len(apart) == 4 and {person[scan] for scan in apart} <= {person[scan] for scan in learned}
    assert len(set(store.column("person", store.ids()))) == 8
    assert dict(zip(apart, store.column("split", apart), strict=True)) == dict.fromkeys(apart, "val")
    assert set(store.column("split", learned)) == {"train"} and not set(learned) & set(apart)
