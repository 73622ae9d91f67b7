"""Compare the rows of observations."""

import numpy as np

from orienteer.records import Rows


def assert_same_rows(one: Rows, other: Rows, *, tolerance: float) -> None:
    """Assert equal columns, numbers to within ``tolerance`` and everything else exactly.

    Raises:
        AssertionError: naming the first column that differs.
    """
    assert one.keys() == other.keys(), f"columns {sorted(one)} against {sorted(other)}"
    for name, column in one.items():
        if column.dtype.kind == "f":
            np.testing.assert_allclose(column, other[name], rtol=0, atol=tolerance, err_msg=f"column {name}")
        else:
            np.testing.assert_array_equal(column, other[name], err_msg=f"column {name}")
