"""Models Genesis: each distortion by hand, that it can be replayed, and what restoring is measured against."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import ConfigError
from orienteer.pretext.contract import Interface
from orienteer.pretext.genesis import (
    KEPT,
    KNOTS,
    PAINTED,
    GenesisSettings,
    GenesisTask,
    bezier_curve,
    boxes,
    distorted,
    draw,
    local_order,
    through,
)
from orienteer.testing.toy_views import chosen, toy_views

INTERFACE = Interface(embedding=8, dense_channels=12, views=3, view_mm=72.0, view_voxels=12)
SEEDS = st.integers(0, 2**32 - 1)


def task(**settings: object) -> GenesisTask:
    torch.manual_seed(0)
    return GenesisTask(GenesisSettings.model_validate(settings), INTERFACE)


def answering(grey: float, **settings: object) -> GenesisTask:
    """A task whose head answers every voxel with ``grey``."""
    told = task(**settings)
    torch.nn.init.zeros_(told.head.voxels.weight)
    torch.nn.init.constant_(told.head.voxels.bias, grey)
    return told


@given(SEEDS, st.booleans())
def test_bezier_curve__is_monotone_and_maps_the_window_onto_itself(seed: int, invert: bool) -> None:
    curve = bezier_curve(np.random.default_rng(seed), invert=invert)
    assert curve.shape == (KNOTS,)
    steps = np.diff(curve) * (-1 if invert else 1)
    assert (steps >= -1e-6).all()
    ends = (1, -1) if invert else (-1, 1)
    assert (curve[0], curve[-1]) == pytest.approx(ends, abs=1e-6)


def test_bezier_curve__by_hand() -> None:
    """Control points (a, b) and (c, d): the point at t = 1/2 is (3a + 3c + 1) / 8, (3b + 3d + 1) / 8."""

    class Fixed:
        def random(self, shape: tuple[int, int]) -> np.ndarray:
            return np.array([[0.1, 0.9], [0.3, 1.0]])

    curve = bezier_curve(Fixed(), invert=False)  # type: ignore[arg-type]
    x, y = (3 * 0.1 + 3 * 0.3 + 1) / 8, (3 * 0.9 + 3 * 1.0 + 1) / 8
    assert np.interp(2 * x - 1, np.linspace(-1, 1, KNOTS), curve) == pytest.approx(2 * y - 1, abs=1e-4)


def test_through__interpolates_the_table_and_goes_on_beyond_it() -> None:
    rising = torch.linspace(-1, 1, KNOTS)
    values = torch.tensor([[-1.5, -1.0, -0.3, 0.0, 0.77, 1.0, 1.25]])
    torch.testing.assert_close(through(values, rising), values)
    torch.testing.assert_close(through(values, -rising), -values)
    torch.testing.assert_close(through(torch.tensor([0.5]), rising**3), torch.tensor([0.125]), atol=1e-4, rtol=0)


@given(SEEDS, st.integers(8, 16), st.integers(2, 4))
def test_local_order__only_moves_voxels_within_their_block(seed: int, size: int, largest: int) -> None:
    order = local_order(np.random.default_rng(seed), size, largest)
    assert sorted(order) == list(range(size**3))  # every value is still there once
    moved = np.stack(np.unravel_index(order, (size,) * 3)) - np.indices((size,) * 3).reshape(3, -1)
    assert np.abs(moved).max() <= largest - 1


def test_local_order__keeps_the_multiset_of_every_block_and_moves_most_voxels() -> None:
    """The blocks are found again from the same draws: edges, then corner."""
    for seed in range(10):
        order = local_order(np.random.default_rng(seed), 12, 3).reshape(12, 12, 12)
        again = np.random.default_rng(seed)
        edges = again.integers(2, 4, size=3)
        corner = [int(again.integers(0, edge)) for edge in edges]
        plain = np.arange(12**3).reshape(12, 12, 12)
        inside = np.zeros((12, 12, 12), dtype=bool)
        for block in np.ndindex(*[(12 - low) // int(edge) for low, edge in zip(corner, edges, strict=True)]):
            place = tuple(
                slice(low + n * int(e), low + (n + 1) * int(e)) for low, n, e in zip(corner, block, edges, strict=True)
            )
            assert sorted(order[place].ravel()) == sorted(plain[place].ravel())
            inside[place] = True
        assert (order == plain)[~inside].all()
        assert (order != plain)[inside].mean() > 0.7


@given(SEEDS, st.sampled_from([12, 16, 24, 64]), st.sampled_from([KEPT, PAINTED]))
def test_boxes__keep_off_the_faces_and_within_their_sizes(seed: int, size: int, share: tuple[float, float]) -> None:
    mask = boxes(np.random.default_rng(seed), size, share)
    margin = max(1, round(size * 3 / 64))
    inner = (slice(margin, size - margin),) * 3
    assert mask.any() and mask.sum() == mask[inner].sum()
    assert round(share[0] * size) ** 3 <= mask.sum() <= 5 * round(share[1] * size) ** 3


@pytest.mark.parametrize(("share", "low", "high"), [(KEPT, 27, 37), (PAINTED, 11, 21)])
def test_boxes__at_64_voxels_are_as_published_within_a_voxel(
    share: tuple[float, float], low: int, high: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published are 28 to 37 voxels for boxes that are kept, 10 to 21 for painted ones."""
    monkeypatch.setattr("orienteer.pretext.genesis.ANOTHER", 0.0)
    edges = set()
    for seed in range(150):
        mask = boxes(np.random.default_rng(seed), 64, share)
        edges |= {int(mask.any(axes).sum()) for axes in ((1, 2), (0, 2), (0, 1))}
    assert (min(edges), max(edges)) == (low, high)


def test_draw__shares_are_as_published() -> None:
    settings = GenesisSettings()
    drawn = [draw(np.random.default_rng(seed), 12, settings) for seed in range(1000)]

    def share(of: list[bool]) -> float:
        return sum(of) / len(of)

    assert share([each.curve is not None for each in drawn]) == pytest.approx(0.9, abs=0.03)
    assert share([each.order is not None for each in drawn]) == pytest.approx(0.5, abs=0.05)
    painted = [each.painted for each in drawn if each.painted is not None]
    assert len(painted) / 1000 == pytest.approx(0.9, abs=0.03)
    corners = [bool(mask[0, 0, 0]) for mask in painted]  # a face is only ever painted from outside
    assert share(corners) == pytest.approx(0.8, abs=0.04)
    falling = [bool(each.curve[0] > each.curve[-1]) for each in drawn if each.curve is not None]
    assert share(falling) == pytest.approx(0.5, abs=0.05)


def test_draw__off_is_off() -> None:
    drawn = draw(np.random.default_rng(0), 12, GenesisSettings(intensity=0, shuffle=0, paint=0))
    assert all(part is None for part in vars(drawn).values())
    image = torch.randn(1, 12, 12, 12)
    assert torch.equal(distorted(image, drawn), image)


def test_distorted__shuffles_then_bends_then_paints() -> None:
    """Channels move together; noise is the last word where it is painted, the curve elsewhere."""
    random = np.random.default_rng(0)
    image = torch.linspace(-1, 1, 2 * 8**3).reshape(2, 8, 8, 8)
    drawn = draw(random, 8, GenesisSettings(intensity=1, shuffle=1, paint=1, outer=0))
    assert drawn.order is not None and drawn.curve is not None
    assert drawn.painted is not None and drawn.noise is not None
    done = distorted(image, drawn)
    painted = torch.from_numpy(drawn.painted).expand_as(done)
    assert torch.equal(done[painted], torch.from_numpy(drawn.noise).expand_as(done)[painted])
    expected = np.interp(image.flatten(1).numpy()[:, drawn.order], np.linspace(-1, 1, KNOTS), drawn.curve)
    np.testing.assert_allclose(done[~painted], expected.reshape(done.shape)[~painted.numpy()], atol=1e-5)


def test_genesis__is_replayed_from_the_address_in_any_batch() -> None:
    views, genesis = toy_views(INTERFACE, samples=3, seed=4), task()
    before = views.images.clone()
    shown = genesis.corrupt(views.images, views.address)
    assert torch.equal(views.images, before)  # the original is what must be restored
    turned = chosen(views, [2, 0, 1])
    assert torch.equal(shown[[2, 0, 1]], genesis.corrupt(turned.images, turned.address))
    assert torch.equal(shown[1:2, :1], task(views=1).corrupt(views.images[1:2], views.address[1:2]))
    same = views.images[:1, :1].expand(3, 3, -1, -1, -1, -1)
    different = genesis.corrupt(same, views.address).flatten(2).flatten(0, 1)
    assert len({each.numpy().tobytes() for each in different}) == 9


def test_genesis__loss_and_errors_by_hand() -> None:
    """The answer is 0.5 too bright: squared 0.25, a quarter of the window; the view as it came is the chance."""
    genesis = answering(0.75)
    views = toy_views(INTERFACE, samples=1, seed=0)
    views.images.fill_(0.25)
    views.images[..., 6:] = -1.0  # air: in the loss, not in the figure
    assert views.shown is views.images
    output = genesis(views)
    assert output.loss.item() == pytest.approx((0.25 + 1.75**2) / 2)
    assert output.observation.rows["error"].tolist() == pytest.approx([0.25] * 3)
    assert output.observation.rows["unrestored_error"].tolist() == [0.0] * 3
    assert output.observation.rows["mean_error"].tolist() == [0.0] * 3
    assert output.observation.rows["voxels"].tolist() == [12 * 12 * 6] * 3


def test_genesis__restores_what_was_there_before_intensities_were_varied() -> None:
    genesis = answering(0.75)
    views = toy_views(INTERFACE, samples=1, seed=0)
    views.images.fill_(0.25)
    output = genesis(dataclasses.replace(views, plain=torch.full_like(views.images, 0.75)))
    assert output.loss.item() == 0.0
    assert output.observation.rows["error"].tolist() == [0.0] * 3
    assert output.observation.rows["unrestored_error"].tolist() == pytest.approx([0.25] * 3)


def test_genesis__chance_is_the_view_as_it_was_shown() -> None:
    views = toy_views(INTERFACE, samples=1, seed=0)
    views.images.fill_(0.25)
    views.images[..., 6:] = 0.75
    output = task()(dataclasses.replace(views, shown=views.images - 0.4))
    assert output.observation.measures["restoration_error"].chance == pytest.approx(0.2)
    assert output.observation.measures["one_grey_error"].value == pytest.approx(0.125)  # 0.5 would be the mean


def test_genesis__refuses_more_views_than_there_are() -> None:
    with pytest.raises(ConfigError, match=r"tasks\.genesis\.views"):
        task(views=4)
