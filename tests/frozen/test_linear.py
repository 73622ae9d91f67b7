"""Read-outs against closed forms and SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import logsumexp

from orienteer.frozen.linear import LinearProbe, neighbours


def clouds(seed: int, classes: int = 3, count: int = 60, size: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """Overlapping clouds around one middle a class, on scales of their own."""
    random = torch.Generator().manual_seed(seed)
    middles = torch.randn(classes, size, generator=random)
    target = torch.arange(count) % classes
    features = middles[target] + torch.randn(count, size, generator=random)
    return features * torch.tensor([1.0, 100.0, 0.01, 7.0]) + 5.0, target


def reference(features: np.ndarray, target: np.ndarray, weight: np.ndarray, classes: int, decay: float) -> np.ndarray:
    """Scores of the multinomial logistic regression that SciPy finds on standardised features."""
    inputs = (features - features.mean(0)) / features.std(0, ddof=1)
    share, hot = weight / weight.sum(), np.eye(classes)[target]

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        matrix, bias = flat[:-classes].reshape(-1, classes), flat[-classes:]
        scores = inputs @ matrix + bias
        normal = logsumexp(scores, axis=1)
        value = (share * (normal - scores[np.arange(len(target)), target])).sum() + decay / 2 * (matrix**2).sum()
        slope = share[:, None] * (np.exp(scores - normal[:, None]) - hot)
        return value, np.concatenate([(inputs.T @ slope + decay * matrix).ravel(), slope.sum(0)])

    found = minimize(loss, np.zeros((inputs.shape[1] + 1) * classes), jac=True, tol=1e-12).x
    return np.asarray(inputs @ found[:-classes].reshape(-1, classes) + found[-classes:])


@pytest.mark.parametrize("classes", [2, 3])
def test_classify__finds_what_scipy_finds(classes: int) -> None:
    features, target = clouds(classes, classes)
    weight = torch.linspace(0.5, 3.0, len(target))
    probe = LinearProbe(features, decay=1e-2)
    probe.classify(features, target, classes, weight)
    mine = probe.scores(features).softmax(1).numpy()
    scores = reference(features.double().numpy(), target.numpy(), weight.double().numpy(), classes, 1e-2)
    theirs = np.exp(scores - logsumexp(scores, axis=1, keepdims=True))
    assert np.abs(mine - theirs).max() < 5e-3
    assert (mine.argmax(1) == target.numpy()).mean() > 0.6


def test_classify__a_weight_of_two_is_the_sample_twice() -> None:
    features, target = clouds(1)
    weight = torch.ones(60)
    weight[:20] = 2.0
    weighted, doubled = LinearProbe(features), LinearProbe(features)
    weighted.classify(features, target, 3, weight)
    rows = torch.cat([torch.arange(60), torch.arange(20)])
    doubled.classify(features[rows], target[rows], 3, torch.ones(80))
    assert torch.allclose(weighted.scores(features).softmax(1), doubled.scores(features).softmax(1), atol=2e-3)


def test_classify__without_information_answers_with_the_frequencies() -> None:
    features = torch.zeros(40, 3)
    target = (torch.arange(40) < 10).long()
    probe = LinearProbe(features)
    probe.classify(features, target, 2, torch.ones(40))
    assert probe.scores(features).softmax(1)[0].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), decay=st.sampled_from((1e-3, 0.1, 1.0)))
def test_regress__is_the_ridge_formula(seed: int, decay: float) -> None:
    """weight = argmin mean |x w - (y - mean y)|^2 + decay |w|^2, solved as a stacked least-squares problem."""
    features, _ = clouds(seed)
    target = torch.randn(60, 2, generator=torch.Generator().manual_seed(seed + 1))
    probe = LinearProbe(features, decay=decay)
    probe.regress(features, target)
    inputs = ((features - features.mean(0)) / features.std(0)).double().numpy()
    wanted = (target - target.mean(0)).double().numpy()
    stacked = np.vstack([inputs, np.sqrt(decay * 60) * np.eye(4)])
    weight = np.linalg.lstsq(stacked, np.vstack([wanted, np.zeros((4, 2))]), rcond=None)[0]
    assert np.allclose(probe.scores(features).numpy(), inputs @ weight + target.mean(0).numpy(), atol=1e-3)


def test_regress__recovers_a_line_whatever_the_units() -> None:
    features, _ = clouds(3)
    target = torch.stack([features[:, 1] * 0.3 - 2, features[:, 2] * 1000], dim=1)
    probe = LinearProbe(features, decay=1e-8)
    probe.regress(features, target)
    assert torch.allclose(probe.scores(features), target, rtol=1e-3, atol=1e-2)


def test_dense_scores__are_the_scores_of_every_voxel() -> None:
    features, target = clouds(2)
    probe = LinearProbe(features)
    probe.classify(features, target, 3, torch.ones(60))
    volume = torch.randn(2, 4, 3, 5, 2, generator=torch.Generator().manual_seed(0)) * 3
    dense = probe.dense_scores(volume)
    assert dense.shape == (2, 3, 3, 5, 2)
    flat = probe.scores(volume.movedim(1, -1).reshape(-1, 4)).reshape(2, 3, 5, 2, 3).movedim(-1, 1)
    assert torch.allclose(dense, flat, rtol=1e-3, atol=1e-2)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(1, 80))
def test_neighbours__weights_sum_to_one_and_fall(seed: int, count: int) -> None:
    train, _ = clouds(seed)
    places, weights = neighbours(train, clouds(seed + 1)[0], count=count)
    assert places.shape == weights.shape == (60, min(count, 60))
    assert torch.allclose(weights.sum(1), torch.ones(60), atol=1e-5)
    assert bool((weights[:, :-1] >= weights[:, 1:]).all())
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_neighbours__a_known_sample_is_its_own_nearest() -> None:
    train, _ = clouds(4)
    assert neighbours(train, train[7:9])[0][:, 0].tolist() == [7, 8]


def test_neighbours__weights_by_hand() -> None:
    """Cosines 1 and 0 at temperature 0.07; the mean of the training samples is the middle."""
    train = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    places, weights = neighbours(train, torch.tensor([[2.0, 0.0]]), count=2)
    assert places[0, 0] == 0
    assert weights[0, 0].item() == pytest.approx(1 / (1 + np.exp(-1 / 0.07)), abs=1e-6)


def test_neighbours__many_samples_are_looked_up_in_parts() -> None:
    train, _ = clouds(5)
    many = train.repeat(50, 1)
    assert neighbours(train, many, count=1)[0][:, 0].tolist() == list(range(60)) * 50


def test_dense_scores__keep_their_digits_where_half_precision_is_on() -> None:
    """Features far from zero: the bias takes away what the weights make of their mean."""
    features = 100 + torch.randn(400, 6, generator=torch.Generator().manual_seed(0))
    probe = LinearProbe(features)
    probe.classify(features, (features[:, 0] > 100).long(), 2, torch.ones(400))
    volume = features.T.reshape(1, 6, 4, 10, 10)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        dense = probe.dense_scores(volume)
    assert torch.allclose(dense[0].reshape(2, -1).T, probe.scores(features), atol=1e-2)
