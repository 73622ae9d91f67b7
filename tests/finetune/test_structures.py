"""Label groups: what is refused before training, and how values become classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orienteer.errors import ConfigError
from orienteer.finetune.structures import Structures, structures_of
from orienteer.store import Store


def test_encode__by_hand() -> None:
    structures = Structures(("brain stem", "caudate"), ((35,), (36, 37)))
    labels = np.array([0, 35, 36, 37, 38, 500, -3], dtype=np.int16)
    assert structures.encode(labels).tolist() == [0, 1, 2, 2, 0, 0, 0]
    assert structures.classes == 3


@given(
    labels=arrays(np.int16, (3, 4, 2), elements=st.integers(0, 40)),
    groups=st.lists(st.integers(1, 60), min_size=1, max_size=12, unique=True),
)
def test_encode__agrees_with_the_groups_voxel_by_voxel(labels: np.ndarray, groups: list[int]) -> None:
    values = tuple(tuple(groups[start : start + 2]) for start in range(0, len(groups), 2))
    classes = Structures(tuple(map(str, values)), values).encode(labels)
    wanted = {value: number for number, group in enumerate(values, start=1) for value in group}
    assert classes.dtype == np.uint8
    assert classes.ravel().tolist() == [wanted.get(int(value), 0) for value in labels.ravel()]


def test_structures__counts_voxels_of_every_scan(store: Store) -> None:
    scans = store.ids("train")[:2]
    structures, counts = structures_of(store, scans, {"pair": [2, 3], "big": [1]})
    assert structures == Structures(("pair", "big"), ((2, 3), (1,)))
    for scan in scans:
        labels = store.labels(scan)
        pair, big = int(np.isin(labels, (2, 3)).sum()), int((labels == 1).sum())
        assert counts[scan].tolist() == [labels.size - pair - big, pair, big]


def test_structures__null_makes_one_of_every_value(store: Store) -> None:
    structures, _ = structures_of(store, store.ids("train"), None)
    assert structures.values == tuple((value,) for value in range(1, 7))
    assert structures.names[2] == "structure 3"


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"a": [1, 2], "b": [2, 3]}, "label value 2 is in structures a and b"),
        ({"a": [1, 1]}, "label value 1 is in structures a and a"),
        ({"a": [0]}, r"structures\.a has the label value 0; 0 is background"),
        ({"a": [-1]}, r"structures\.a has the label value -1"),
        ({"a": [32768]}, "32768; 0 is background and values end at 32767"),
        ({"a": []}, r"structures\.a lists no label value"),
        ({}, "no structure to learn"),
        ({"a": [1], "tumour": [77]}, "no training scan holds tumour; its 4 labelled scans hold the values 1, 2, 3"),
        ({str(n): [n] for n in range(1, 256)}, "255 structures are more than 254"),
    ],
)
def test_structures__impossible_groups_are_refused(groups: dict[str, list[int]], said: str, store: Store) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        structures_of(store, store.ids("train"), groups)
    assert caught.value.cure


def test_structures__rare_values_count_as_long_as_one_scan_has_them(store: Store) -> None:
    """A group is missing only when none of its values is anywhere."""
    structures, _ = structures_of(store, store.ids("train"), {"a": [1, 999]})
    assert structures.values == ((1, 999),)
