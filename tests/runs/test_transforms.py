"""A MONAI transform gives what a store gives: from a file, and from an image that MONAI has loaded."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose, LoadImage, LoadImaged, RandFlipd

from orienteer.errors import OrienteerError, ScanError
from orienteer.ingest import IngestOptions, ingest
from orienteer.runs.run import Run
from orienteer.runs.transforms import PrepareScan, PrepareScand
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.finetune.cohort import untrained_run

SPACING = 3.0
# MONAI says of its DICOM reader that a library is not installed; nothing here reads DICOM with it.
pytestmark = pytest.mark.filterwarnings("ignore:NvImgCodecPydicomReader")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An oblique scan of 2 mm voxels whose first axis runs to the left."""
    folder = tmp_path_factory.mktemp("scan")
    volume, _ = phantom(person=1, shape=(42, 48, 45), spacing=2.0)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    affine = turn @ volume.affine @ np.diag([-1.0, 1, 1, 1])
    nibabel.save(nibabel.Nifti1Image(volume.array[0], affine), folder / "one.nii.gz")
    return folder / "one.nii.gz"


@pytest.fixture(scope="module")
def store(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("stored") / "store"
    ingest(scan.parent, folder, IngestOptions(spacing=SPACING, workers=1, keep_names=True, progress=False))
    return Store.open(folder)


def assert_stored(image: MetaTensor, store: Store) -> None:
    """To the bit what the store holds, where the store holds it."""
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image.numpy(), store.normalise("one", store.read("one")))
    np.testing.assert_allclose(image.affine.numpy(), store.entry("one").affine, atol=1e-9)


@pytest.mark.parametrize("prepare", [PrepareScan(SPACING), None], ids=["by spacing", "like the store"])
def test_prepare__a_file_becomes_what_the_store_holds(prepare: PrepareScan | None, scan: Path, store: Store) -> None:
    prepare = prepare or PrepareScan.like(store)
    assert_stored(prepare(scan), store)
    assert_stored(prepare(str(scan)), store)


def test_prepare__so_does_an_image_that_monai_has_loaded(scan: Path, store: Store) -> None:
    image = LoadImage(ensure_channel_first=True)(scan)
    assert image.shape == (1, 42, 48, 45)
    assert_stored(PrepareScan(SPACING)(image), store)


def test_prepare__channels_each_get_a_window_of_their_own(scan: Path) -> None:
    one = LoadImage(ensure_channel_first=True)(scan)
    two = MetaTensor(torch.cat([one.as_tensor(), one.as_tensor() * 3 + 7]), affine=one.affine)
    first, second = PrepareScan(SPACING, channels=2)(two)
    np.testing.assert_allclose(second.numpy(), first.numpy(), atol=5e-3)
    np.testing.assert_allclose(first.numpy(), PrepareScan(SPACING)(scan)[0].numpy(), atol=5e-3)


def test_prepare__is_what_a_run_reads(scan: Path, tmp_path: Path) -> None:
    run = Run.open(untrained_run(tmp_path / "run"))
    data = run.record.data
    image = PrepareScan(data.spacing_mm, channels=data.channels)(scan)
    np.testing.assert_array_equal(image.numpy(), run.read(scan).array)


def test_prepare__in_a_pipeline_and_a_loader(scan: Path, store: Store) -> None:
    items = [{"image": str(scan), "label": n} for n in range(2)]
    loaded = Compose([LoadImaged("image", ensure_channel_first=True), PrepareScand("image", spacing=SPACING)])
    for transform in (PrepareScand("image", spacing=SPACING), loaded):
        batch = next(iter(DataLoader(Dataset(items, transform), batch_size=2)))
        assert batch["label"].tolist() == [0, 1]
        np.testing.assert_array_equal(batch["image"][1].numpy(), store.normalise("one", store.read("one")))
    flipped = Compose([PrepareScand("image", spacing=SPACING), RandFlipd("image", prob=1.0, spatial_axis=0)])(items[0])
    np.testing.assert_array_equal(flipped["image"].numpy()[:, ::-1], store.normalise("one", store.read("one")))
    assert PrepareScand(["image", "other"], SPACING, allow_missing_keys=True)(items[0])["image"].ndim == 4
    assert items[0]["image"] == str(scan), "the item itself is not changed"


def test_prepare__what_is_no_scan_is_refused(scan: Path, tmp_path: Path) -> None:
    prepare = PrepareScan(SPACING)
    for image in (torch.zeros(1, 8, 8, 8), MetaTensor(torch.zeros(8, 8, 8))):
        with pytest.raises(OrienteerError, match="an image of shape") as caught:
            prepare(image)
        assert "ensure_channel_first" in caught.value.cure
    with pytest.raises(ScanError, match="2 channels, where 1 are expected"):
        prepare(MetaTensor(torch.zeros(2, 8, 8, 8)))
    broken = torch.rand(1, 8, 8, 8)
    broken[:, :4] = float("nan")
    with pytest.raises(ScanError):
        prepare(MetaTensor(broken))
    with pytest.raises(ScanError, match="the network reads 2 channels"):
        PrepareScan(SPACING, channels=2)(scan)
    with pytest.raises(OrienteerError, match="there is no"):
        prepare(tmp_path / "nowhere.nii")
