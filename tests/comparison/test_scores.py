import math
import random
from typing import Any

import numpy as np
import pyarrow as pa

from orienteer.comparison.records import CASES
from orienteer.comparison.scores import Key, cells_of, item_means

from .results_folder import case_row

KEY = Key("oasis-segmentation", "finetuned", 1, "ours", "dice")


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=CASES.schema)


def test_scores__a_case_is_the_mean_over_its_items() -> None:
    rows = [case_row(item="a", value=0.2), case_row(item="b", value=0.8), case_row(item="a", value=0.4, seed=1)]
    cell = cells_of(_table(rows))[KEY]
    assert cell.cases.tolist() == ["scan-00", "scan-00"]
    assert cell.seeds.tolist() == [0, 1]
    np.testing.assert_allclose(cell.values, [0.5, 0.4])
    assert (cell.undefined, cell.numbers) == (0, 3)


def test_scores__undefined_items_are_left_out_and_counted() -> None:
    rows = [
        case_row(item="a", value=math.nan),
        case_row(item="b", value=0.8),
        case_row(item="c", value=math.inf),
        case_row(item="a", value=math.nan, case="scan-01", person="person-01"),
    ]
    cell = cells_of(_table(rows))[KEY]
    assert cell.cases.tolist() == ["scan-00"]  # the other case has no defined number at all
    assert cell.values.tolist() == [0.8]
    assert (cell.undefined, cell.numbers) == (3, 4)


def test_scores__do_not_depend_on_the_order_of_the_rows() -> None:
    generator = np.random.default_rng(0)
    rows = [
        case_row(item=f"item-{item}", seed=seed, case=f"scan-{case}", person=f"p{case}", value=generator.random())
        for item in range(7)
        for seed in range(3)
        for case in range(5)
    ]
    shuffled = random.Random(0).sample(rows, len(rows))
    one, other = cells_of(_table(rows))[KEY], cells_of(_table(shuffled))[KEY]
    assert one.values.tobytes() == other.values.tobytes()
    assert one.cases.tolist() == other.cases.tolist()


def test_scores__of_items_leave_unnamed_ones_out() -> None:
    rows = [
        case_row(item="a", value=0.2),
        case_row(item="a", value=0.4, seed=1),
        case_row(item="b", value=math.nan),
        case_row(item="", value=0.9),
        case_row(item="a", value=9.0, metric="hd95_mm"),
    ]
    found = item_means(_table(rows), "oasis-segmentation", "dice")
    assert list(found) == [("finetuned", 1, "ours", "a")]
    assert math.isclose(found["finetuned", 1, "ours", "a"], 0.3)
