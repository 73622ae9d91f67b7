from itertools import product

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orienteer.demo.template import Template
from orienteer.demo.warp import Warp, jacobian, random_warp, smooth_noise

FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = st.integers(0, 2**32 - 1)


def _draw(seed: int, template: Template) -> Warp:
    return random_warp(np.random.default_rng(seed), template)


def _inside(warp: Warp, template: Template, n: int = 5000) -> np.ndarray:
    low, high = warp.box(template)
    return np.random.default_rng(1).uniform(low, high, (n, 3))


@FEW
@given(seed=SEEDS)
def test_warp__never_folds_and_moves_by_millimetres_not_metres(seed: int, template: Template) -> None:
    warp = _draw(seed, template)
    volume = jacobian(warp, _inside(warp, template))
    assert volume.min() > 0.05
    assert volume.max() < 8
    length = np.linalg.norm(warp.displacement, axis=0)
    assert 1.0 < np.sqrt((length**2).mean()) < 15.0
    size = np.linalg.svd(np.linalg.inv(warp.linear), compute_uv=False)
    assert (size > 0.75).all()
    assert (size < 1.3).all()


def test_jacobian__finds_a_fold(template: Template) -> None:
    warp = _draw(0, template)
    # The same shape added to the position five times over, instead of followed as a flow.
    torn = Warp(warp.linear, warp.shift, warp.centre, 5 * warp.displacement, warp.origin)
    assert jacobian(torn, _inside(torn, template)).min() < 0


def test_jacobian__of_a_plain_scaling_is_its_volume(template: Template) -> None:
    still = np.zeros_like(_draw(0, template).displacement)
    half = Warp(np.diag([0.5, 1.0, 1.0]), np.zeros(3), template.centre, still, template.low)
    np.testing.assert_allclose(jacobian(half, _inside(half, template, 50)), 0.5, atol=1e-9)


def test_warp__box_holds_the_posed_brain(template: Template) -> None:
    warp = _draw(3, template)
    low, high = warp.box(template)
    rigid = Warp(warp.linear, warp.shift, warp.centre, np.zeros_like(warp.displacement), warp.origin)
    corners = np.array(list(product(*zip(low, high, strict=True))))
    reached = rigid(corners)
    # The box of the person contains the box of the template after the pose.
    assert (reached.min(axis=0) <= template.low + 1e-6).all()
    assert (reached.max(axis=0) >= template.high - 1e-6).all()


def test_smooth_noise__has_the_deviation_asked_for() -> None:
    noise = smooth_noise(np.random.default_rng(0), (20, 24, 22), 3.0, 1.7)
    assert abs(float(noise.std()) - 1.7) < 1e-3
    rough = np.abs(np.diff(noise, axis=0)).mean()
    assert rough < 0.5 * np.abs(noise).mean()
