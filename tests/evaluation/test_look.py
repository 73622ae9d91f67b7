"""Looking at views of one's choice: what evaluation measures, laid out by view."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import ConfigError, StoreError
from orienteer.evaluation.look import corruption, look, recipe_at
from orienteer.evaluation.measure import measure
from orienteer.evaluation.probes import PROBES
from orienteer.pretext.model import SpatialModel
from orienteer.sampling import Sampler
from orienteer.store import Store
from tests.evaluation.conftest import SIZE


def test_look__sees_what_evaluation_measures(untrained: SpatialModel, sampler: Sampler) -> None:
    measured = measure(untrained, sampler, 4, batch=1, device=torch.device("cpu"))
    untrained.eval()
    for number, recipe in enumerate(measured.recipes):
        seen = look(untrained, sampler.store, recipe_at(sampler.store, recipe.scan, recipe.centres, SIZE))
        assert set(seen.observations) == {"gap", "adjacency", "route", "position"}
        np.testing.assert_array_equal(seen.centres_mm, recipe.centres)
        for task, observation in seen.observations.items():
            rows = measured.observations[task].rows
            mine = rows["sample"] == number
            for name, column in observation.rows.items():
                if name == "sample":
                    continue
                np.testing.assert_array_equal(column, rows[name][mine], err_msg=f"{task} {name}")


def test_look__matrices_hold_the_rows(untrained: SpatialModel, sampler: Sampler) -> None:
    untrained.eval()
    recipe = sampler.draw(0)
    seen = look(untrained, sampler.store, recipe)
    rows = seen.observations["gap"].rows
    for row in range(6):
        i, j = rows["view_i"][row], rows["view_j"][row]
        for column in ("true", "pred", "scale"):
            matrix = seen.gap(column)
            assert matrix is not None
            assert matrix[i, j].tolist() == [float(rows[f"{column}_{axis}"][row]) for axis in "ras"]
    error = seen.gap_error_mm
    assert error is not None and np.isnan(np.diag(error)).all()
    assert np.nanmean(error) == pytest.approx(seen.observations["gap"].measures["gap_error_mm"].value)
    angles = seen.direction_error_deg()
    assert angles is not None
    assert np.nanmean(angles) == pytest.approx(seen.observations["route"].measures["direction_error_deg"].value)


def test_look__two_views_in_one_place_have_no_direction(untrained: SpatialModel, store: Store) -> None:
    untrained.eval()
    centre = [40.5, 46.5, 43.5]
    seen = look(untrained, store, recipe_at(store, store.ids()[0], [centre, centre], SIZE))
    angles = seen.direction_error_deg()
    assert angles is not None and np.isnan(angles).all()
    pair = seen.chunks(0, 1)
    np.testing.assert_array_equal(pair.adjacent_i, centre)


def test_look__one_view_has_nothing_to_be_seen_from(untrained: SpatialModel, store: Store) -> None:
    with pytest.raises(ConfigError, match="one view alone"):
        look(untrained, store, recipe_at(store, store.ids()[0], [[40.0, 40.0, 40.0]], SIZE))


@pytest.mark.parametrize("wrong", [[], [[1.0, 2.0]], [1.0, 2.0, 3.0], [[1.0, 2.0, float("nan")]], [[[1.0, 2.0, 3.0]]]])
def test_recipe_at__refuses_what_is_no_place(store: Store, wrong: list) -> None:
    with pytest.raises(ConfigError, match="three finite numbers"):
        recipe_at(store, store.ids()[0], wrong, SIZE)


def test_recipe_at__refuses_scans_that_are_not_there_or_too_small(store: Store) -> None:
    with pytest.raises(StoreError, match="no scan"):
        recipe_at(store, "nobody", [[1.0, 2.0, 3.0]], SIZE)
    with pytest.raises(ConfigError, match="a view 64"):
        recipe_at(store, store.ids()[0], [[1.0, 2.0, 3.0]], 64)


@given(place=st.tuples(*[st.floats(-1e5, 1e5)] * 3))
def test_recipe_at__stays_on_the_grid_and_in_the_scan(store: Store, place: tuple[float, float, float]) -> None:
    scan = store.ids()[0]
    entry = store.entry(scan)
    recipe = recipe_at(store, scan, [place], SIZE)
    assert recipe.is_grid_aligned
    low = recipe.centres[0] / entry.spacing - (SIZE - 1) / 2
    assert (low > -1e-6).all() and (low + SIZE < np.array(entry.shape) + 1e-6).all()
    assert recipe_at(store, scan, recipe.centres, SIZE) == recipe


def test_corruption__of_one_view_leaves_the_others_alone() -> None:
    images = torch.randn(1, 3, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    for name, probe in PROBES.items():
        one = corruption(name, 1, 3)
        assert one is not None
        changed = one(images, (0,))
        assert torch.equal(changed[:, [0, 2]], images[:, [0, 2]])
        all_changed = probe.corrupt(images, (0,))
        assert torch.equal(changed[:, 1], all_changed[:, 1]) and not torch.equal(changed[:, 1], images[:, 1])
        everything = corruption(name, None, 3)
        assert everything is not None and torch.equal(everything(images, (0,)), all_changed)
    assert corruption(None, None, 3) is None


def test_corruption__refuses_what_is_not_there() -> None:
    with pytest.raises(ConfigError, match="no probe 'all'"):
        corruption("all", None, 3)
    with pytest.raises(ConfigError, match="no view 3"):
        corruption("border", 3, 3)
