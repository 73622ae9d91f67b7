"""Values of labels: what is rounded, what is refused, and what the finding names."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.scans.labels.values import IGNORED, check_values


def labels(*values: float, kind: str = "f4") -> NDArray:
    """``(1, 4, 5, 6)`` labels that hold the values somewhere."""
    array = np.zeros((1, 4, 5, 6), kind)
    array.flat[7 : 7 + len(values)] = values
    return array


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "u4", "f4"])
def test_values__whole_numbers_of_any_type_are_labels(kind: str) -> None:
    found = check_values(labels(1, 2, 250, kind=kind))
    assert found.findings == () and found.array.dtype == np.int16
    assert np.array_equal(found.array, labels(1, 2, 250, kind="i2"))


@pytest.mark.parametrize("value", [0, 1])
def test_values__labels_of_one_value_are_labels(value: int) -> None:
    """All zero is what healthy people have."""
    found = check_values(np.full((1, 4, 5, 6), value, np.uint8))
    assert found.findings == () and (found.array == value).all()


def test_values__nearly_whole_ones_are_rounded_and_the_worst_is_named() -> None:
    found = check_values(labels(1.0002, 2.0000458, 0.9991))
    assert found.array.ravel()[7:10].tolist() == [1, 2, 1]
    (told,) = found.findings
    assert (told.code, told.level) == ("labels-rounded", "info") and "0.9991 is taken as 1" in told.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.0, 0.9882), "the value 0.9882 is no whole number"),
        ((0.5, 1.0), "the value 0.5 is no whole number"),
        ((1.0, -1.0), "the value -1 is not from 0 to 32767"),
        ((1.0, 40000.0), "the value 40000 is not from 0 to 32767"),
        ((np.inf,), "the value inf is not from 0 to 32767"),
        ((-np.inf,), "the value -inf is not"),
        ((np.nan,) * 20, "17% of the voxels are NaN"),
    ],
)
def test_values__of_no_structure_are_named(values: tuple[float, ...], said: str) -> None:
    (told,) = check_values(labels(*values)).findings
    assert (told.code, told.level) == ("labels-not-whole", "error") and said in told.message


def test_values__nan_is_neither_background_nor_the_lowest_structure() -> None:
    array = labels(np.nan, 2)
    array[np.nan_to_num(array) == 0] = 1
    array.flat[7] = np.nan
    found = check_values(array)
    assert found.array.ravel()[7] == IGNORED and set(np.unique(found.array)) == {IGNORED, 1, 2}
    assert [told.code for told in found.findings] == ["labels-not-finite"]
