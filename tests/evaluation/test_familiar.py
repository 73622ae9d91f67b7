"""Phantoms beside phantoms: new subjects are familiar, another unit, size, contrast or anatomy is not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from orienteer.evaluation.familiar import Encoder, WholeScan, learned_from
from orienteer.geometry import Volume
from orienteer.ingest.prepare import scaled
from orienteer.networks.encoders import build_encoder
from orienteer.networks.settings import NetworkSettings
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import unfamiliar
from orienteer.store import Store
from orienteer.store.manifest import Parameters
from orienteer.testing.phantom import phantom, phantom_store

SIZE = 16
CPU = torch.device("cpu")
PARAMETERS = Parameters(spacing=3.0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(phantom_store(tmp_path_factory.mktemp("familiar"), people=8, labels=False))


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return build_encoder(NetworkSettings(size="tiny"), 1, SIZE).eval()


def learned(store: Store, encoder: Encoder, train: int | None = None, *, apart: bool = True) -> TrainedOn:
    scans, val = store.ids("train")[:train], store.ids("val") if apart else ()
    return learned_from(store, scans, val, encoder, size=SIZE, device=CPU, seed=0, step=1)


def codes(trained: TrainedOn, encoder: Encoder, volume: Volume) -> set[str]:
    scan = WholeScan.prepared(scaled(volume, PARAMETERS), volume.spacing, PARAMETERS)
    return {each.code for each in unfamiliar(trained, scan.frame, scan.content(encoder, size=SIZE, device=CPU))}


def test_whole_scan__is_the_same_out_of_a_file_and_out_of_a_store(cohort: Store) -> None:
    stored = WholeScan.stored(cohort, "person_000")
    volume, _ = phantom(0)
    read = WholeScan.prepared(scaled(volume, PARAMETERS), volume.spacing, PARAMETERS)
    assert stored.frame == read.frame and stored.frame.voxel_mm == (3.0, 3.0, 3.0)
    assert np.array_equal(stored.box, read.box) and np.array_equal(stored.body, read.body)


@pytest.mark.parametrize("train", [2, None])
def test_learned_from__new_subjects_are_familiar_and_others_are_not(
    train: int | None, cohort: Store, encoder: Encoder
) -> None:
    trained = learned(cohort, encoder, train)
    for person in range(20, 32):
        assert codes(trained, encoder, phantom(person)[0]) == set(), person
    volume, _ = phantom(20)
    array = volume.array.astype(np.float32)
    assert "unfamiliar-intensities" in codes(trained, encoder, replace(volume, array=array.max() - array))
    assert codes(trained, encoder, replace(volume, array=array * 1000)) == {"unfamiliar-intensities"}
    tenth = replace(volume, affine=volume.affine @ np.diag([0.3, 0.3, 0.3, 1.0]))
    assert "unfamiliar-extent" in codes(trained, encoder, tenth)
    thick = Volume(array[..., ::4], volume.affine @ np.diag([1.0, 1.0, 4.0, 1.0]))
    assert "unfamiliar-spacing" in codes(trained, encoder, thick)


def sees_texture(images: torch.Tensor) -> list[torch.Tensor]:
    """Blurred, and what is left of the image then: an encoder that tells smooth tissue from noisy."""
    blurred = avg_pool3d(images, 3, stride=1, padding=1)
    return [torch.cat([blurred, (images - blurred).abs()], dim=1)]


def test_learned_from__features_alone_tell_other_tissue(cohort: Store) -> None:
    trained, (volume, _) = learned(cohort, sees_texture), phantom(20)
    assert codes(trained, sees_texture, volume) == set()
    sorted_ = volume.array.copy()
    body = sorted_ > 150
    sorted_[body] = np.sort(sorted_[body])  # the same intensities in the same body, without its organs and noise
    assert codes(trained, sees_texture, replace(volume, array=sorted_)) == {"unfamiliar-features"}


def test_learned_from__names_nobody_and_is_the_same_again(cohort: Store, encoder: Encoder) -> None:
    first, second = learned(cohort, encoder), learned(cohort, encoder)
    assert first == second and (first.scans, first.measured) == (4, 4)
    assert "person" not in json.dumps(first.model_dump(mode="json"))


def test_learned_from__nobody_kept_apart_means_no_word_on_features(cohort: Store, encoder: Encoder) -> None:
    assert learned(cohort, encoder, 1, apart=False).features is None
    assert learned(cohort, encoder, 1).features is not None
    assert codes(learned(cohort, encoder, 1, apart=False), encoder, phantom(20)[0]) == set()
