"""Whole scans from windows: what a voxel-wise network says of the whole, the windows must say together."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from orienteer.finetune.infer import scan_answer, scan_probabilities
from orienteer.finetune.settings import InferenceSettings
from orienteer.geometry.boxes import covering
from orienteer.store.intensity import FLOOR

CPU = torch.device("cpu")


def scan(shape: tuple[int, int, int], channels: int = 1) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-0.9, 1, (channels, *shape)).astype(np.float32)


def voxelwise(images: Tensor) -> Tensor:
    """Three linear scores of every voxel."""
    weight = torch.tensor([1.0, -2.0, 0.5]).view(1, 3, 1, 1, 1)
    return images[:, :1] * weight + torch.tensor([0.0, 0.3, -0.2]).view(1, 3, 1, 1, 1)


@pytest.mark.parametrize("overlap", [0.0, 0.5])
@pytest.mark.parametrize("shape", [(16, 16, 16), (21, 34, 17), (9, 20, 12), (5, 6, 7)])
def test_probabilities__of_a_voxelwise_network_are_those_of_the_whole(
    shape: tuple[int, int, int], overlap: float
) -> None:
    image = scan(shape)
    said = scan_probabilities(
        voxelwise, image, patch=16, settings=InferenceSettings(overlap=overlap, batch=3), device=CPU
    )
    assert said.shape == (3, *shape)
    assert torch.allclose(said, voxelwise(torch.from_numpy(image)[None])[0].softmax(0), atol=1e-5)


def test_probabilities__windows_beyond_a_small_scan_see_background() -> None:
    seen: list[Tensor] = []

    def spy(images: Tensor) -> Tensor:
        seen.append(images)
        return voxelwise(images)

    image = scan((5, 6, 7))
    scan_probabilities(spy, image, patch=16, settings=InferenceSettings(), device=CPU)
    (only,) = seen
    assert only.shape == (1, 1, 16, 16, 16)
    assert int((only != FLOOR).sum()) == image.size


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3), patch=st.integers(1, 24), overlap=st.sampled_from((0.0, 0.3, 0.5, 0.9))
)
def test_covering__leaves_no_voxel_out(shape: tuple[int, int, int], patch: int, overlap: float) -> None:
    seen = np.zeros(shape, dtype=bool)
    for low in covering(shape, patch, overlap=overlap):
        first, stop = np.maximum(low, 0), np.minimum(np.array(low) + patch, shape)
        seen[tuple(slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))] = True
        # A window sticks out only where it is larger than the scan, and then on both sides alike.
        for start, length in zip(low, shape, strict=True):
            assert 0 <= start <= length - patch if length >= patch else start == (length - patch) // 2
    assert seen.all()


def test_covering__by_hand() -> None:
    assert covering((10, 8, 4), 4, overlap=0.5) == [(x, y, 0) for x in (0, 2, 4, 6) for y in (0, 2, 4)]
    assert covering((4, 3, 4), 4, overlap=0.0) == [(0, -1, 0)]


def mean_of_window(images: Tensor) -> Tensor:
    return torch.stack([images.mean(dim=(1, 2, 3, 4)), torch.ones(len(images))], dim=1)


def test_answer__is_the_average_of_windows_that_cover_the_scan() -> None:
    image = scan((20, 16, 16))
    said = scan_answer(mean_of_window, image, patch=16, settings=InferenceSettings(overlap=0.5, batch=2), device=CPU)
    halves = [image[:, :16].mean(), image[:, 4:].mean()]
    assert said == pytest.approx([np.mean(halves), 1.0], abs=1e-5)


def test_answer__empty_windows_are_ignored() -> None:
    image = np.full((1, 32, 16, 16), FLOOR, dtype=np.float32)
    image[:, 16:] = scan((16, 16, 16))
    said = scan_answer(mean_of_window, image, patch=16, settings=InferenceSettings(overlap=0.0), device=CPU)
    assert said[0] == pytest.approx(image[:, 16:].mean(), abs=1e-5)


@pytest.mark.parametrize("body", [0, 3])
def test_answer__there_is_one_even_of_next_to_nothing(body: int) -> None:
    image = np.full((1, 24, 16, 16), FLOOR, dtype=np.float32)
    image[:, :body, :body, :body] = 0.5
    said = scan_answer(mean_of_window, image, patch=16, settings=InferenceSettings(), device=CPU)
    assert np.isfinite(said).all()


def test_answer__a_scan_smaller_than_the_window() -> None:
    image = scan((6, 20, 9))
    said = scan_answer(mean_of_window, image, patch=24, settings=InferenceSettings(), device=CPU)
    inside = image.size / 24**3
    assert said[0] == pytest.approx(inside * image.mean() + (1 - inside) * FLOOR, abs=1e-4)
