"""Examples: slices and boxes with which the report shows samples without the store."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from orienteer.evaluation.examples import write_examples
from orienteer.sampling import Sampler
from orienteer.store import Store


def written(folder: Path) -> dict[int, tuple[dict, dict[str, np.ndarray]]]:
    return {
        (document := json.loads(path.read_text()))["sample"]: (document, load_file(path.with_suffix(".safetensors")))
        for path in sorted(folder.glob("*.json"))
    }


def test_write_examples__hold_what_the_report_reads(tmp_path: Path, sampler: Sampler, store: Store) -> None:
    recipes = tuple(sampler.draw(n) for n in range(8))
    write_examples(tmp_path, recipes, store, count=3)
    examples = written(tmp_path)
    assert len(examples) == 3
    assert len(list(tmp_path.iterdir())) == 6, "and nothing else"
    for number, (document, planes) in examples.items():
        recipe, shape = recipes[number], np.array(store.entry(recipes[number].scan).shape)
        assert document["scan"] == recipe.scan
        assert document["extent_mm"] == (shape * 3.0).tolist()
        assert (document["spacing_mm"], document["view_mm"]) == (3.0, 48.0)
        np.testing.assert_allclose(document["centres_mm"], recipe.centres)
        whole = store.normalise(recipe.scan, store.read(recipe.scan))[0]
        for axis, plane in enumerate(document["planes"]):
            assert plane == {"axis": axis, "at_mm": pytest.approx(recipe.centres.mean(0)[axis])}
            slab = whole.take(round(plane["at_mm"] / 3.0), axis=axis)
            assert planes[f"plane_{axis}"].dtype == np.uint8
            expected = np.clip((slab + 1) / 2, 0, 1) * 255
            np.testing.assert_allclose(planes[f"plane_{axis}"], expected, atol=1.0)
            assert np.ptp(planes[f"plane_{axis}"]) > 100, "shows something"
        coarse, cells = planes["coarse"], np.array(document["coarse_mm"])
        assert coarse.dtype == np.uint8 and max(coarse.shape) <= 48 and (cells >= 3.9).all(), "too coarse to read"
        np.testing.assert_allclose((np.array(coarse.shape) - 1) * cells, (shape - 1) * 3.0)
        middle = tuple(np.array(coarse.shape) // 2)
        body = np.clip((whole + 1) / 2, 0, 1) * 255
        assert abs(float(coarse[middle]) - body[tuple(slice(n // 2 - 2, n // 2 + 2) for n in shape)].mean()) < 60


def test_write_examples__are_of_different_scans_where_there_are(tmp_path: Path, sampler: Sampler, store: Store) -> None:
    recipes = tuple(sampler.draw(n) for n in range(24))
    write_examples(tmp_path, recipes, store, count=8)
    assert len({document["scan"] for document, _ in written(tmp_path).values()}) == 8


def test_write_examples__more_than_scans_take_other_samples(tmp_path: Path, store: Store, sampler: Sampler) -> None:
    few = Sampler(store, store.ids("test"), sampler.settings, seed=0, augment=False)
    write_examples(tmp_path, tuple(few.draw(n) for n in range(6)), store, count=5)
    assert len(written(tmp_path)) == 5


@pytest.mark.parametrize(("count", "samples", "files"), [(0, 4, 0), (9, 2, 2)])
def test_write_examples__no_more_than_asked_nor_than_there_are(
    tmp_path: Path, sampler: Sampler, store: Store, count: int, samples: int, files: int
) -> None:
    write_examples(tmp_path, tuple(sampler.draw(n) for n in range(samples)), store, count=count)
    assert len(written(tmp_path)) == files
