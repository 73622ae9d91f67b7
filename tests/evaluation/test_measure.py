"""Measuring in batches is measuring at once: nothing is lost, mixed up or weighed twice."""

import numpy as np
import pytest
import torch

from orienteer.evaluation.measure import Measured, measure
from orienteer.pretext.model import SpatialModel
from orienteer.sampling import Sampler, crop

SAMPLES = 11
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def at_once(untrained: SpatialModel, sampler: Sampler) -> Measured:
    return measure(untrained, sampler, SAMPLES, batch=SAMPLES, device=CPU)


@pytest.mark.parametrize("batch", [4, 10])
def test_measure__batches_with_a_partial_last_one_equal_one_big_batch(
    untrained: SpatialModel, sampler: Sampler, at_once: Measured, batch: int
) -> None:
    parts = measure(untrained, sampler, SAMPLES, batch=batch, device=CPU)
    assert parts.recipes == at_once.recipes
    assert list(parts.observations) == ["gap", "adjacency", "route", "position"]
    for task, observation in parts.observations.items():
        expected = at_once.observations[task]
        assert observation.rows.keys() == expected.rows.keys()
        for name, column in observation.rows.items():
            if column.dtype.kind == "f":
                np.testing.assert_allclose(column, expected.rows[name], atol=1e-3, err_msg=f"{task} {name}")
            else:
                assert column.tolist() == expected.rows[name].tolist(), f"{task} {name}"
        assert list(observation.measures) == list(expected.measures), "headline first, in any batching"
        for name, figure in observation.measures.items():
            if name == "embedding_rank":  # of a batch's own embeddings, so a mean over batches
                continue
            assert figure.value == pytest.approx(expected.measures[name].value, rel=1e-3, abs=1e-4, nan_ok=True)
            assert figure.chance == pytest.approx(expected.measures[name].chance, nan_ok=True)


def test_measure__figures_that_rows_cannot_give_are_averaged_by_samples(
    untrained: SpatialModel, sampler: Sampler
) -> None:
    def rank(samples: int, start: int = 0) -> float:
        images, centres = zip(*[(s.images, s.centres) for s in map(crops, range(start, start + samples))], strict=True)
        with torch.no_grad():
            output = untrained.eval()(
                torch.from_numpy(np.stack(images)),
                torch.from_numpy(np.stack(centres)),
                48.0,
                torch.tensor([[0, n] for n in range(samples)]),
            )
        return next(o for o in output.observations if o.task == "adjacency").measures["embedding_rank"].value

    def crops(number: int) -> object:
        return crop(sampler.draw(number), sampler.store)

    measured = measure(untrained, sampler, 5, batch=4, device=CPU)
    figure = measured.observations["adjacency"].measures["embedding_rank"]
    assert figure.value == pytest.approx((4 * rank(4) + rank(1, 4)) / 5, rel=1e-3)
    assert (figure.unit, figure.better) == ("rank", "higher")


def test_measure__rows_carry_the_scan_they_came_from(at_once: Measured) -> None:
    for observation in at_once.observations.values():
        rows = observation.rows
        assert set(rows["sample"].tolist()) == set(range(SAMPLES))
        for sample, scan in zip(rows["sample"], rows["scan"], strict=True):
            assert scan == at_once.recipes[sample].scan
    # Eight scans in turn, then again from the first.
    assert at_once.recipes[8].scan == at_once.recipes[0].scan
    assert len({recipe.scan for recipe in at_once.recipes}) == 8


def test_measure__true_gaps_are_those_of_the_recipes(at_once: Measured) -> None:
    rows = at_once.observations["gap"].rows
    for n in range(len(rows["sample"])):
        centres = at_once.recipes[rows["sample"][n]].centres
        gap = centres[rows["view_j"][n]] - centres[rows["view_i"][n]]
        np.testing.assert_allclose([rows[f"true_{axis}"][n] for axis in "ras"], gap, atol=1e-3)


def test_measure__places_are_fractions_of_the_foreground_box(at_once: Measured, sampler: Sampler) -> None:
    for task in ("gap", "adjacency"):
        rows = at_once.observations[task].rows
        places = np.stack([rows[f"place_{axis}"] for axis in "ras"], axis=1)
        # A view's centre lies at least half a view inside the scan, so inside the body of a phantom.
        assert places.min() > 0
        assert places.max() < 1
        for n in (0, len(places) - 1):
            recipe = at_once.recipes[rows["sample"][n]]
            entry = sampler.store.entry(recipe.scan)
            low, last = np.array(entry.foreground_low), np.array(entry.foreground_high) - 1
            voxel = recipe.centres[rows["view_i"][n]] / 3.0
            np.testing.assert_allclose(places[n], (voxel - low) / (last - low), atol=1e-5)
    assert "place_r" not in at_once.observations["route"].rows, "a route has no single place"


def test_measure__tells_how_far_it_is(untrained: SpatialModel, sampler: Sampler) -> None:
    told: list[int] = []
    measure(untrained, sampler, 7, batch=3, device=CPU, on_batch=told.append)
    assert told == [3, 6, 7]


def test_measure__gives_every_sample_its_number_and_uses_the_corrupted_images(
    untrained: SpatialModel, sampler: Sampler, at_once: Measured
) -> None:
    numbers: list[int] = []

    def blank(images: torch.Tensor, which: tuple[int, ...]) -> torch.Tensor:
        assert images.shape[0] == len(which)
        numbers.extend(which)
        return torch.zeros_like(images)

    measured = measure(untrained, sampler, 5, batch=2, device=CPU, corrupt=blank)
    assert numbers == [0, 1, 2, 3, 4]
    rows = measured.observations["gap"].rows
    predicted = np.stack([rows[f"pred_{axis}"] for axis in "ras"], axis=1).reshape(5, 6, 3)
    # Equal images, equal embeddings, equal predictions for every pair; the truth stays what it was.
    np.testing.assert_allclose(predicted, np.broadcast_to(predicted[0, 0], predicted.shape), atol=1e-3)
    np.testing.assert_array_equal(rows["true_r"], at_once.observations["gap"].rows["true_r"][:30])
    # Nor do the places change that the position field is asked about: body cells are those of the real views.
    untouched = measure(untrained, sampler, 5, batch=2, device=CPU).observations["position"]
    asked = measured.observations["position"]
    for name in ("sample", "true_r", "true_a", "true_s"):
        np.testing.assert_array_equal(asked.rows[name], untouched.rows[name])
    assert asked.measures["position_error_mm"].chance == untouched.measures["position_error_mm"].chance


@pytest.mark.parametrize("training", [True, False])
def test_measure__gives_the_model_back_as_it_was(untrained: SpatialModel, sampler: Sampler, training: bool) -> None:
    untrained.train(training)
    before = {name: value.clone() for name, value in untrained.state_dict().items()}
    modes: list[bool] = []
    handle = untrained.register_forward_pre_hook(lambda module, _: modes.append(module.training))
    measure(untrained, sampler, 2, batch=2, device=CPU)
    handle.remove()
    assert modes == [False]
    assert untrained.training is training
    assert all(torch.equal(value, before[name]) for name, value in untrained.state_dict().items())
    assert all(parameter.grad is None for parameter in untrained.parameters())
