"""Position and side of views: where they are said to be, and that read-outs learn it from features that know it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.frozen.position import SIDE_MM, SampledViews, position_scores, sampled_views
from orienteer.sampling import Sampler, ViewSettings
from orienteer.store import Store

CPU = torch.device("cpu")


class Mean(nn.Module):
    """A stand-in for frozen features: a view's mean intensity."""

    view = 16

    def views(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3, 4))


def test_sampled__positions_are_mm_from_the_middle_of_the_body(store: Store) -> None:
    scans = store.ids("train")[:2]
    views = sampled_views(Mean(), store, scans, per_scan=6, seed=2, device=CPU)
    sampler = Sampler(store, scans, ViewSettings(count=2, size=16), 2, augment=False)
    recipes = [sampler.draw(number) for number in range(6)]
    assert views.scan == tuple(recipe.scan for recipe in recipes for _ in range(2))
    assert sorted(views.scan) == sorted(scans * 6)
    for place, centre, scan in zip(
        views.position, np.concatenate([recipe.centres for recipe in recipes]), views.scan, strict=True
    ):
        entry = store.entry(scan)
        body = store.read(scan)[0] > 0
        # The box as whole voxels: from the first voxel of the body to the last.
        ends = [np.flatnonzero(body.any(axis=tuple({0, 1, 2} - {axis})))[[0, -1]] for axis in range(3)]
        middle = np.mean(ends, axis=1) * entry.spacing
        assert np.allclose(place, centre - middle, atol=entry.spacing)


def test_sampled__features_belong_to_their_view(store: Store) -> None:
    views = sampled_views(Mean(), store, store.ids("train")[:1], per_scan=4, seed=0, device=CPU)
    scan = views.scan[0]
    entry = store.entry(scan)
    image = store.normalise(scan, store.read(scan))[0]
    middle = (np.array(entry.foreground_low) + np.array(entry.foreground_high) - 1) / 2
    for feature, place in zip(views.features, views.position.double().numpy(), strict=True):
        low = np.rint(place / entry.spacing + middle - 7.5).astype(int)
        box = tuple(slice(n, n + 16) for n in low)
        assert float(feature) == pytest.approx(float(image[box].mean()), abs=1e-5)


class Smaller(Mean):
    """One that learned with views of another size."""

    def __init__(self, view: int) -> None:
        super().__init__()
        self.view = view


@pytest.mark.parametrize("view", [16, 12, 9])
def test_sampled__networks_of_several_sizes_are_asked_about_the_same_places(store: Store, view: int) -> None:
    scans = store.ids("train")[:1]
    large = sampled_views(Mean(), store, scans, per_scan=4, seed=0, device=CPU, edge=16)
    small = sampled_views(Smaller(view), store, scans, per_scan=4, seed=0, device=CPU, edge=16)
    assert float((large.position - small.position).abs().max()) <= store.manifest.spacing / 2
    image, entry = store.normalise(scans[0], store.read(scans[0]))[0], store.entry(scans[0])
    middle = (np.array(entry.foreground_low) + np.array(entry.foreground_high) - 1) / 2
    for feature, place in zip(small.features, small.position.double().numpy(), strict=True):
        # Exactly there is what the network was shown, whether the margin is even or odd.
        low = place / entry.spacing + middle - (view - 1) / 2
        assert np.allclose(low, np.rint(low), atol=1e-3)
        box = tuple(slice(n, n + view) for n in np.rint(low).astype(int))
        assert float(feature) == pytest.approx(float(image[box].mean()), abs=1e-5)


def test_sampled__the_same_views_whoever_looks(store: Store) -> None:
    first = sampled_views(Mean(), store, store.ids("test"), per_scan=4, seed=1, device=CPU)
    again = sampled_views(Mean(), store, store.ids("test"), per_scan=4, seed=1, device=CPU)
    other = sampled_views(Mean(), store, store.ids("test"), per_scan=4, seed=2, device=CPU)
    assert torch.equal(first.position, again.position) and torch.equal(first.features, again.features)
    assert not torch.equal(first.position, other.position)


def made_up(store: Store, split: str, seed: int, *, told: bool) -> SampledViews:
    """SampledViews whose features are their place, or noise."""
    random = torch.Generator().manual_seed(seed)
    scans = tuple(scan for scan in store.ids(split) for _ in range(150))
    place = torch.randn(len(scans), 3, generator=random) * 40
    noise = torch.randn(len(scans), 5, generator=random)
    return SampledViews(torch.cat([place * 0.1, noise[:, :2]], dim=1) if told else noise, place, scans)


def means(store: Store, *, told: bool) -> dict[str, float]:
    rows = position_scores(made_up(store, "train", 0, told=told), made_up(store, "test", 1, told=told), store)
    assert [(row.case, row.item) for row in rows if row.metric == "side_knn"] == [(s, "") for s in store.ids("test")]
    assert all(row.person == store.entry(row.case).person for row in rows)
    return {
        metric: float(np.mean([r.value for r in rows if r.metric == metric])) for metric in {r.metric for r in rows}
    }


def test_rows__features_that_know_the_place(store: Store) -> None:
    found = means(store, told=True)
    assert set(found) == {"position_linear_mm", "position_knn_mm", "side_linear", "side_knn"}
    assert found["position_linear_mm"] < 0.5
    assert found["position_knn_mm"] < 35
    assert found["side_linear"] > 0.97 and found["side_knn"] > 0.8


def test_rows__noise_is_chance(store: Store) -> None:
    """The mean length of three normal numbers of 40 mm is 40 sqrt(8 / pi) = 63.8 mm."""
    found = means(store, told=False)
    assert found["position_linear_mm"] == pytest.approx(63.8, abs=6)
    assert found["position_knn_mm"] > 55
    assert abs(found["side_linear"] - 0.5) < 0.12 and abs(found["side_knn"] - 0.5) < 0.12


def test_rows__views_near_the_middle_have_no_side(store: Store) -> None:
    """They are wrong about the side, and it does not count; a scan with only such views has no figure."""
    train = made_up(store, "train", 0, told=True)
    test = made_up(store, "test", 1, told=True)
    near = test.position[:, 0].abs() < SIDE_MM
    assert 0.1 < near.float().mean() < 0.4
    lying = test.features.clone()
    lying[near, 0] *= -50
    rows = position_scores(train, test._replace(features=lying), store)
    assert min(row.value for row in rows if row.metric == "side_linear") > 0.97
    middle = test._replace(position=test.position * torch.tensor([0.0, 1.0, 1.0]))
    rows = position_scores(train, middle, store)
    assert all(np.isnan(row.value) for row in rows if row.metric.startswith("side"))
