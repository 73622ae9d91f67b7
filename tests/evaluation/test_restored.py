"""Slices of restored views: they are what the model was shown, made of it, and should have made of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from orienteer.evaluation.restored import write_restored
from orienteer.networks.settings import NetworkSettings
from orienteer.pretext.masked import block_mask
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.records import Observation
from orienteer.sampling import Sampler, crop

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def restoring() -> SpatialModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpatialModel(
            NetworkSettings(size="tiny"), {"gap": {}, "masked": {"views": 2}, "genesis": {}}, TeacherSettings(),
            in_channels=1, views=3, view=16, spacing=3.0,
        )  # fmt: skip


def written(folder: Path, model: SpatialModel, sampler: Sampler, numbers: list[int]) -> tuple[list[dict], dict]:
    write_restored(folder, model, sampler, numbers, device=CPU)
    document = json.loads((folder / "restored.json").read_text())
    assert document["v"] == 1
    return document["pictures"], load_file(folder / "restored.safetensors")


def grey(slab: np.ndarray) -> np.ndarray:
    return np.rint(np.clip((slab + 1) / 2, 0, 1) * 255).astype(np.uint8)


def test_write_restored__slices_are_the_middle_of_the_first_view(
    restoring: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    pictures, slices = written(tmp_path, restoring, sampler, [3, 0])
    assert [(p["task"], p["sample"]) for p in pictures] == [
        ("masked", 3), ("masked", 0), ("genesis", 3), ("genesis", 0),
    ]  # fmt: skip
    assert set(slices) == {f"{p['key']}_{kind}" for p in pictures for kind in ("shown", "restored", "true")}
    recipe = sampler.draw(3)
    true = crop(recipe, sampler.store).images[0, 0, :, :, 8]
    np.testing.assert_array_equal(slices["masked_003_true"], grey(true))
    hidden = block_mask(torch.tensor([[recipe.seed, 3]]), 1, size=16, block=4, ratio=0.75)[0, 0, 0, :, :, 8].numpy()
    shown, restored = slices["masked_003_shown"], slices["masked_003_restored"]
    assert (shown[hidden] == 128).all() and hidden.any()
    np.testing.assert_array_equal(shown[~hidden], grey(true)[~hidden])
    np.testing.assert_array_equal(restored[~hidden], grey(true)[~hidden])
    assert (restored[hidden] != 128).any()
    assert pictures[0]["scan"] == recipe.scan and pictures[0]["centre_mm"] == recipe.centres[0].tolist()
    assert (pictures[0]["axis"], pictures[0]["spacing_mm"]) == (2, 3.0)
    # Slice 8 of 16 is half a voxel above the centre, which lies between slices 7 and 8.
    assert pictures[0]["at_mm"] == pytest.approx(recipe.centres[0][2] + 1.5)


def test_write_restored__says_how_well_each_view_was_restored(
    restoring: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    """The figure of one view, from the same rows as the evaluation's."""
    pictures, _ = written(tmp_path, restoring, sampler, [1])
    sample = crop(sampler.draw(1), sampler.store)
    images, centres = torch.from_numpy(sample.images)[None], torch.from_numpy(sample.centres)[None]
    with torch.no_grad():
        seen: dict[str, Observation] = {
            o.task: o for o in restoring.eval()(images, centres, 48.0, torch.tensor([[1, 1]])).observations
        }
    for picture, chance in zip(pictures, ("mean_error", "unrestored_error"), strict=True):
        rows = seen[picture["task"]].rows
        assert picture["unit"] == "fraction"
        assert picture["value"] == pytest.approx(float(rows["error"][0]), rel=1e-4)
        assert picture["chance"] == pytest.approx(float(rows[chance][0]), rel=1e-4)


def test_write_restored__leaves_the_model_as_it_was(restoring: SpatialModel, sampler: Sampler, tmp_path: Path) -> None:
    restoring.train()
    written(tmp_path, restoring, sampler, [0])
    assert restoring.training


def test_write_restored__nothing_to_restore_writes_nothing(
    untrained: SpatialModel, restoring: SpatialModel, sampler: Sampler, tmp_path: Path
) -> None:
    write_restored(tmp_path, untrained, sampler, [0], device=CPU)
    write_restored(tmp_path, restoring, sampler, [], device=CPU)
    assert list(tmp_path.iterdir()) == []
