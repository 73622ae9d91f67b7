"""What lies outside the ranges of training is told, what lies a little beside them is not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import RunError
from orienteer.records.trained_on import FILE, Content, FeatureCloud, Frame, TrainedOn
from orienteer.records.unfamiliar import FREE_VOXELS, UNFAMILIAR, far_too_large, limit, slack, unfamiliar

BRAIN = Frame((1.0, 1.0, 1.0), (140.0, 175.0, 130.0), ((0.0, 1500.0),))
CLOUD = FeatureCloud.of(np.random.default_rng(0).normal(size=(60, 20)) * [10.0, *[1.0] * 19], 7)


def content(share: float = 0.5, levels: tuple[float, ...] = (-0.1, 0.2, 0.6, 0.9), shift: float = 0.0) -> Content:
    windows = np.random.default_rng(1).normal(size=(8, 20)) * [10.0, *[1.0] * 19]
    return Content(share, np.array([levels]), windows + shift)


def trained(*frames: Frame, features: FeatureCloud | None = None) -> TrainedOn:
    many = frames or (BRAIN, replace(BRAIN, extent_mm=(132.0, 165.0, 138.0)), BRAIN, BRAIN)
    known = (features or CLOUD).model_copy(update={"usual": 1.0, "limit": 1.5})
    return TrainedOn.of(many, [content(), content(0.45)], known, spacing_mm=1.0)


@pytest.mark.parametrize(
    ("frame", "shown", "code", "words"),
    [
        (replace(BRAIN, voxel_mm=(1.0, 1.0, 6.0)), content(), "spacing", "6 mm feet to head, in training 1 mm"),
        (replace(BRAIN, extent_mm=(140.0, 60.0, 130.0)), content(), "extent", "60 mm back to front, in training 165"),
        (BRAIN, content(1.0), "extent", "fills 100% of the box around it, in training 45% to 50%"),
        (replace(BRAIN, windows=((0.0, 1.5e6),)), content(), "intensities", "spans 1,500,000, in training 1,500"),
        (replace(BRAIN, windows=((-1000.0, 500.0),)), content(), "intensities", "begins at -1,000, in training 0"),
        (BRAIN, content(levels=(0.9, 1.0, 1.0, 1.0)), "intensities", "25% of the body is darker than 0.90"),
        (BRAIN, content(shift=5.0), "features", "times as far from training's"),
    ],
)  # fmt: skip
def test_unfamiliar__names_the_value_and_the_range(frame: Frame, shown: Content, code: str, words: str) -> None:
    (found,) = unfamiliar(trained(), frame, shown)
    assert (found.code, found.level) == (f"unfamiliar-{code}", "warning") and found.code in UNFAMILIAR
    assert words in found.message and found.cure


def test_unfamiliar__a_little_beside_is_no_alarm() -> None:
    near = Frame((0.5, 1.0, 1.2), (155.0, 150.0, 120.0), ((20.0, 250.0),))
    assert unfamiliar(trained(), near, content(0.6, (-0.25, 0.1, 0.7, 0.95), shift=0.3)) == ()
    # What is finer than the network's grid is gone on it.
    assert unfamiliar(trained(), replace(BRAIN, voxel_mm=(0.2, 0.2, 0.2)), content()) == ()
    assert unfamiliar(trained(replace(BRAIN, voxel_mm=None)), replace(BRAIN, voxel_mm=(9.0, 9.0, 9.0)), content()) == ()


def test_unfamiliar__few_training_scans_tolerate_more() -> None:
    larger = replace(BRAIN, extent_mm=(210.0, 175.0, 130.0))
    assert unfamiliar(trained(BRAIN), larger, content()) == ()
    assert [each.code for each in unfamiliar(trained(*[BRAIN] * 40), larger, content())] == ["unfamiliar-extent"]
    assert slack(1) == 3.0 and slack(10**6) == pytest.approx(1.002)


def test_unfamiliar__without_features_the_rest_is_still_told() -> None:
    blind = trained().model_copy(update={"features": None})
    assert unfamiliar(blind, BRAIN, content(shift=50.0)) == ()
    assert [each.code for each in unfamiliar(blind, replace(BRAIN, voxel_mm=(5.0, 5.0, 5.0)), content())] == [
        "unfamiliar-spacing"
    ]


def test_far_too_large__is_told_from_the_header() -> None:
    found = far_too_large([trained()], (180, 220, 180), (10.0, 10.0, 10.0))
    assert found is not None and (found.code, found.level) == ("too-large", "error")
    assert "voxels of 10 x 10 x 10 mm make it 1,800 x 2,200 x 1,800 mm large" in found.message
    assert "in training (140 x 175 x 138 mm)" in found.message and "voxel size" in found.cure
    # A body beside a brain, and small grids however small the training scans were, are left to the warnings.
    assert far_too_large([trained()], (500, 500, 500), (1.0, 1.0, 1.0)) is None
    tiny = trained(replace(BRAIN, extent_mm=(9.0, 9.0, 9.0)))
    assert far_too_large([tiny], (round(FREE_VOXELS ** (1 / 3)),) * 3, (1.0, 1.0, 1.0)) is None
    assert far_too_large([], (180, 220, 180), (10.0, 10.0, 10.0)) is None
    assert far_too_large([trained(), trained(replace(BRAIN, extent_mm=(900.0,) * 3))], (180,) * 3, (10.0,) * 3) is None


LENGTHS = st.tuples(*[st.floats(60, 180)] * 3)


@given(extents=st.lists(LENGTHS, min_size=1, max_size=30), wrong=st.sampled_from([0.1, 10.0]), which=st.integers(0, 29))
def test_unfamiliar__a_header_off_by_ten_always_warns(extents: list, wrong: float, which: int) -> None:
    frames = [replace(BRAIN, extent_mm=each) for each in extents]
    own = frames[which % len(frames)]
    assert unfamiliar(trained(*frames), own, content()) == ()
    right, anterior, superior = (mm * wrong for mm in own.extent_mm)
    off = replace(own, extent_mm=(right, anterior, superior), voxel_mm=(wrong, wrong, wrong))
    assert "unfamiliar-extent" in [each.code for each in unfamiliar(trained(*frames), off, content())]


def test_limit__a_stray_among_those_kept_apart_opens_no_door() -> None:
    assert limit([1.0, 1.1, 1.2, 0.9]) == pytest.approx(1.2 * 1.5)
    assert limit([1.0, 1.1, 1.2, 50.0]) == pytest.approx(2 * 1.15 * 1.5)
    assert limit([1.0]) == 2.0


def test_cloud__distance_is_near_one_for_its_own_kind() -> None:
    assert 0.7 < CLOUD.distance(content().features) < 1.2
    # 20 along the direction in which its windows spread by 10 is nothing, across it much.
    along = np.zeros((1, 20))
    along[0, 0] = 20
    assert CLOUD.distance(along) < 1 < 3 < CLOUD.distance(along[:, ::-1])
    assert FeatureCloud.of(np.ones((1, 20)), 0).distance(np.ones((1, 20))) == 0.0


def test_trained_on__is_read_back_and_damage_is_named(tmp_path: Path) -> None:
    assert TrainedOn.read(tmp_path) is None
    record = trained()
    record.write(tmp_path)
    assert TrainedOn.read(tmp_path) == record
    assert record.features is not None
    step = record.features.step
    assert TrainedOn.read(tmp_path, step=step) == record
    assert TrainedOn.read(tmp_path, step=step + 1) == record.model_copy(update={"features": None})
    path = tmp_path / FILE
    text = path.read_text()
    for changed, words in (
        (text.replace('"scans": 4', '"scans": 5'), "damaged"),
        ("[1]", "damaged"),
        (json.dumps({"v": 9}), "version 9"),
        (json.dumps({"v": 1, "scans": 1}), "damaged at"),
    ):
        path.write_text(changed)
        with pytest.raises(RunError, match=words):
            TrainedOn.read(tmp_path)
