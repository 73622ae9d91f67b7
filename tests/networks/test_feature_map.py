"""Features of whole scans: each cell lies where its affine says, at any size, and windows change nothing inside."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError, RunError, StoreError
from orienteer.geometry import Volume
from orienteer.networks.backbone import Backbone
from orienteer.networks.feature_map import feature_map
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from tests.finetune.cohort import SPACING, untrained_run
from tests.finetune.conftest import folder, run, store

__all__ = ["folder", "run", "store"]

VIEW = 16
OBLIQUE = np.array([[1.8, -0.9, 0.1, -30.0], [0.8, 1.7, 0.4, 12.0], [-0.2, -0.3, 2.0, 5.0], [0, 0, 0, 1.0]])


class Pooled(nn.Module):
    """Maps of strides 1, 4 and 8 that hold the brightest voxel of each cell."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.anything = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> list[Tensor]:
        return [images, functional.max_pool3d(images, 4), functional.max_pool3d(images, 8)]


def pooled() -> Backbone:
    settings = NetworkSettings(name=f"{__name__}:Pooled", embedding=8)
    return Backbone(settings, in_channels=1, view=VIEW, dense=False).eval()


def learned(*, dense: bool = True) -> Backbone:
    torch.manual_seed(0)
    settings = NetworkSettings(size="tiny")
    return Backbone(settings, in_channels=1, view=VIEW, dense=dense).eval()


def image(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (1, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(37, 42, 29), (16, 16, 16), (9, 50, 5)], ids=["odd", "one view", "small"])
@pytest.mark.parametrize(("level", "stride"), [(0, 1), (1, 4), (-1, 8), (None, 8)])
def test_feature_map__a_cell_lies_where_its_affine_says(shape: tuple[int, ...], level: int | None, stride: int) -> None:
    """A bright voxel lights one cell, and lies within half of it from its centre, along each of the scan's axes."""
    random = np.random.default_rng(3)
    for _ in range(6):
        array, blob = np.full((1, *shape), -1.0, dtype=np.float32), [int(random.integers(n)) for n in shape]
        array[0, *blob] = 1.0
        found = feature_map(pooled(), Volume(array, OBLIQUE), view=VIEW, level=level)
        assert found.stride == stride and found.array.shape == (1, *(-(-n // stride) for n in shape))
        assert found.array.dtype == np.float32 and found.spacing_mm == pytest.approx(1.98 * stride, abs=0.01)
        lit = np.argwhere(found.array[0] > 0)
        assert len(lit) == 1
        world = found.affine @ [*lit[0], 1.0]
        true = OBLIQUE @ [*blob, 1.0]
        away = np.linalg.solve(OBLIQUE[:3, :3], (true - world)[:3])
        assert np.abs(away).max() <= (stride - 1) / 2 + 1e-6


def test_feature_map__of_a_real_network_answers_where_the_change_was() -> None:
    """The features that change with a blob are centred on it, through decoder and encoder."""
    plain = image((40, 36, 44))
    changed = plain.copy()
    changed[0, 18:22, 14:18, 24:28] += 3.0
    for backbone, level in ((learned(), None), (learned(), 0), (learned(), 1)):
        maps = [
            feature_map(backbone, Volume(a, np.diag([3.0, 3, 3, 1])), view=VIEW, level=level) for a in (plain, changed)
        ]
        size = np.square(maps[1].array - maps[0].array).sum(0)
        size[size < 0.3 * size.max()] = 0  # normalisation spreads a little of it over the whole window
        middle = (np.argwhere(size > 0) * size[size > 0][:, None]).sum(0) / size.sum()
        world = maps[0].affine @ [*middle, 1.0]
        assert np.abs(world[:3] - np.array([19.5, 15.5, 25.5]) * 3).max() < 3.0


def test_feature_map__moves_with_the_scan() -> None:
    """Moved by half a window, away from the edges everything is computed in the same windows."""
    backbone, array = learned(), image((40, 40, 40))
    moved = np.full((1, 48, 48, 48), -1.0, dtype=np.float32)
    moved[:, 8:, 8:, 8:] = array
    affine = np.diag([3.0, 3, 3, 1])
    there = affine @ np.array([[1, 0, 0, -8], [0, 1, 0, -8], [0, 0, 1, -8], [0, 0, 0, 1.0]])
    first, second = (feature_map(backbone, Volume(a, at), view=VIEW) for a, at in ((array, affine), (moved, there)))
    cells = 8 // first.stride
    assert np.allclose(first.affine @ [0, 0, 0, 1], second.affine @ [cells, cells, cells, 1])
    inner = slice(cells, None)  # before it the moved scan is seen in one window more
    own = second.array[:, cells:, cells:, cells:]
    assert np.allclose(first.array[:, inner, inner, inner], own[:, inner, inner, inner], atol=1e-5)


def test_feature_map__of_one_view_is_the_networks_own() -> None:
    backbone, array = learned(), image((16, 16, 16))
    with torch.no_grad():
        own = backbone(torch.from_numpy(array)[None]).dense
    assert own is not None
    found = feature_map(backbone, Volume(array, np.eye(4)), view=VIEW)
    assert np.allclose(found.array, own[0].numpy(), atol=1e-5)


def test_feature_map__what_cannot_be_placed_is_refused() -> None:
    with pytest.raises(ConfigError, match="no map 4"):
        feature_map(learned(), Volume(image((20, 20, 20)), np.eye(4)), view=VIEW, level=4)
    torch.manual_seed(0)
    uneven = Backbone(NetworkSettings(size="tiny"), in_channels=1, view=20, dense=False).eval()  # 20, 10, 5, 2 cells
    with pytest.raises(ConfigError, match="do not fill views of 20 voxels evenly"):
        feature_map(uneven, Volume(image((30, 30, 30)), np.eye(4)), view=20)


def test_features__of_a_file_are_those_of_the_store(run: Path, folder: Path, store: Store) -> None:
    opened = Run.open(run)
    maps = [opened.features(folder / "scans" / "person_01.nii"), opened.features("person_01", store)]
    assert np.array_equal(maps[0].array, maps[1].array) and np.allclose(maps[0].affine, maps[1].affine)
    assert maps[0].array.shape == (32, *(-(-n // 2) for n in store.entry("person_01").shape))
    assert maps[0].spacing_mm == 2 * SPACING
    assert opened.features("person_01", store, level=0).array.shape[1:] == store.entry("person_01").shape


def test_features__are_in_the_world_whatever_way_the_file_lies(run: Path, folder: Path, tmp_path: Path) -> None:
    nifti = nibabel.load(folder / "scans" / "person_00.nii")
    affine = np.diag([-SPACING, SPACING, SPACING, 1.0])
    affine[0, 3] = (nifti.shape[0] - 1) * SPACING
    turned = nibabel.Nifti1Image(np.ascontiguousarray(np.asarray(nifti.dataobj)[::-1]), affine)
    nibabel.save(turned, tmp_path / "turned.nii.gz")
    opened = Run.open(run)
    straight, other = (opened.features(f) for f in (folder / "scans" / "person_00.nii", tmp_path / "turned.nii.gz"))
    assert np.array_equal(straight.array, other.array) and np.allclose(straight.affine, other.affine)


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_features__of_encoders_that_take_one_size(name: str, folder: Path, tmp_path: Path) -> None:
    opened = Run.open(untrained_run(tmp_path / "run", dense=False, network={"name": name}))
    found = opened.features(folder / "scans" / "person_00.nii")
    assert found.stride == opened.backbone().encoder.strides[-1] and np.isfinite(found.array).all()


def test_features__need_a_scan_that_is_there_in_a_store_that_fits(run: Path, store: Store, tmp_path: Path) -> None:
    opened = Run.open(run)
    with pytest.raises(StoreError, match="nobody"):
        opened.features("nobody", store)
    coarse = Store.open(phantom_store(tmp_path, people=4, spacing=4.0))
    with pytest.raises(RunError, match="learned at 3 mm"):
        opened.features(coarse.ids()[0], coarse)
