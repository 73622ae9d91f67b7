"""The matrix of displacements of one example."""

import numpy as np
import pytest

from orienteer.records.evidence import Displacements
from orienteer.records.observation import Rows
from orienteer.report.draw.matrix import Quantity, matrices
from orienteer.report.evaluated import Evaluated, Example
from orienteer.report.theme import ink_on

KIND = Displacements()


def quantities(rows: Rows, example: Example) -> tuple[Quantity, ...]:
    found = matrices(KIND, rows, example)
    assert found is not None
    return tuple(found.quantities)


def predicted(rows: Rows, example: Example) -> np.ndarray:
    own = {name: column[rows["sample"] == example.sample] for name, column in rows.items()}
    return KIND.matrix(own, "pred", len(example.centres_mm))


def test_matrices__true_one_is_the_difference_of_the_centres(lead: Evaluated, gap: Rows) -> None:
    example = lead.examples[2]
    expected = example.centres_mm[None] - example.centres_mm[:, None]
    shown = quantities(gap, example)[2].true
    assert shown[0][1].text == f"{expected[0, 1, 1]:+.0f}".replace("-", "−")
    assert [row[n].text for n, row in enumerate(shown)] == ["·"] * 3


def test_matrices__show_the_numbers_that_were_predicted(lead: Evaluated, gap: Rows) -> None:
    example = lead.examples[0]
    pred, true = predicted(gap, example), example.centres_mm[None] - example.centres_mm[:, None]
    distance, right, anterior, superior = quantities(gap, example)
    assert distance.predicted[0][1].text == f"{np.linalg.norm(pred[0, 1]):.0f}"
    assert distance.true[2][1].text == f"{np.linalg.norm(true[2, 1]):.0f}"
    assert anterior.true[0][1].text == f"{true[0, 1, 1]:+.0f}".replace("-", "−")
    assert superior.predicted[1][1].text == "·"
    assert right.off_by_mm == pytest.approx(np.nanmean(np.abs(pred - true)[..., 0]))


def test_matrices__share_one_scale_between_predicted_and_true(lead: Evaluated, gap: Rows) -> None:
    for quantity in quantities(gap, lead.examples[0]):
        cells = {(cell.text, cell.fill) for grid in (quantity.predicted, quantity.true) for row in grid for cell in row}
        largest = [fill for text, fill in cells if text.strip("+−") == quantity.high]
        assert largest and set(largest) <= {quantity.scale[0], quantity.scale[-1]}


def test_matrices__text_can_be_read_on_its_cell(lead: Evaluated, gap: Rows) -> None:
    for quantity in quantities(gap, lead.examples[0]):
        assert all(cell.ink == ink_on(cell.fill) for row in quantity.true for cell in row if cell.text != "·")


def test_matrices__of_an_unrecorded_sample_are_none(lead: Evaluated, gap: Rows) -> None:
    rows = {name: column[gap["sample"] > 3] for name, column in gap.items()}
    assert matrices(KIND, rows, lead.examples[0]) is None
