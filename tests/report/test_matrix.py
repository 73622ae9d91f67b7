"""The gap matrix of one example."""

import numpy as np
import pytest

from orienteer.report.matrix import example_quantities, gap_matrices
from orienteer.report.read import EvaluationRecords
from orienteer.report.theme import ink_on


def test_gap_matrices__true_one_is_the_difference_of_the_centres(lead: EvaluationRecords) -> None:
    example = lead.examples[2]
    _, true = gap_matrices(lead.tables["gap"], example)
    expected = example.centres_mm[None] - example.centres_mm[:, None]
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(true[off], expected[off], atol=1e-6)
    assert np.isnan(true[~off]).all()


def test_example_quantities__show_the_numbers_that_were_predicted(lead: EvaluationRecords) -> None:
    example = lead.examples[0]
    pred, true = gap_matrices(lead.tables["gap"], example)
    distance, right, anterior, superior = example_quantities(lead.tables["gap"], example)
    assert distance.predicted[0][1].text == f"{np.linalg.norm(pred[0, 1]):.0f}"
    assert distance.true[2][1].text == f"{np.linalg.norm(true[2, 1]):.0f}"
    assert anterior.true[0][1].text == f"{true[0, 1, 1]:+.0f}".replace("-", "−")
    assert superior.predicted[1][1].text == "·"
    assert right.off_by_mm == pytest.approx(np.nanmean(np.abs(pred - true)[..., 0]))


def test_example_quantities__share_one_scale_between_predicted_and_true(lead: EvaluationRecords) -> None:
    for quantity in example_quantities(lead.tables["gap"], lead.examples[0]):
        cells = {(cell.text, cell.fill) for grid in (quantity.predicted, quantity.true) for row in grid for cell in row}
        largest = [fill for text, fill in cells if text.strip("+−") == quantity.high]
        assert largest and set(largest) <= {quantity.scale[0], quantity.scale[-1]}


def test_example_quantities__text_can_be_read_on_its_cell(lead: EvaluationRecords) -> None:
    for quantity in example_quantities(lead.tables["gap"], lead.examples[0]):
        assert all(cell.ink == ink_on(cell.fill) for row in quantity.true for cell in row if cell.text != "·")


def test_example_quantities__of_an_unrecorded_sample_are_empty(lead: EvaluationRecords) -> None:
    gap = {name: column[lead.tables["gap"]["sample"] > 3] for name, column in lead.tables["gap"].items()}
    assert example_quantities(gap, lead.examples[0]) == []
