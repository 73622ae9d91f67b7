"""A perfect field knows how a scan is held in each pose, tilted, of another spacing; a blind one does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from orienteer.geometry import Volume
from orienteer.geometry.pose import MIRROR, POSES, UPRIGHT, Pose
from orienteer.localize.held import Windows, fit_in, fitted, tilted
from orienteer.localize.oriented import Held, Oriented, Verdict, Yardstick, decided
from orienteer.localize.orienting import TRUST, hold
from orienteer.store.intensity import FLOOR

VIEW, STRIDE, MM = 12, 2, 3.0
STICK = Yardstick(6.0, np.ones(3), VIEW * MM)
SHAPE = (26, 34, 22)


def place(images: torch.Tensor) -> torch.Tensor:
    """A field that reads positions off three channels."""
    return avg_pool3d(images, STRIDE) * 100


@pytest.fixture(scope="module")
def scan() -> tuple[Volume, np.ndarray]:
    """Three channels that hold the position of each voxel, /100 mm, in an egg; air around."""
    places = np.stack(np.meshgrid(*(np.arange(n) * MM for n in SHAPE), indexing="ij")) / 100
    middle = (np.array(SHAPE) - 1) / 2
    off = (np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1) - middle) / (np.array(SHAPE) / 2)
    body = (off**2).sum(-1) < 1
    return Volume(np.where(body, places, FLOOR).astype(np.float32), np.diag([MM, MM, MM, 1.0])), body


def posed(scan: tuple[Volume, np.ndarray], pose: Pose) -> tuple[Volume, np.ndarray]:
    return Volume(np.ascontiguousarray(pose.show(scan[0].array)), scan[0].affine), pose.show(scan[1])


@pytest.mark.parametrize("pose", [POSES[n] for n in (0, 4, 7, 13, 22, 29, 38, 47)])
def test_hold__undoes_a_pose_exactly(scan: tuple[Volume, np.ndarray], pose: Pose) -> None:
    found = hold(place, *posed(scan, pose), view=VIEW, stride=STRIDE, unit_mm=3.0)
    assert found is not None and found.probability > 0.99
    undone = MIRROR @ found.turn if found.mirrored > 0.5 else found.turn
    assert undone == pose.inverse and abs(found.mirrored - pose.mirrored) < 0.05
    np.testing.assert_allclose(found.scale, 1, atol=0.05)


def test_hold__levels_a_tilted_head(scan: tuple[Volume, np.ndarray]) -> None:
    from scipy.spatial.transform import Rotation

    turned = tilted(*scan, Rotation.from_rotvec([0, 0, 18], degrees=True).as_matrix())
    found = hold(place, *turned, view=VIEW, stride=STRIDE, unit_mm=3.0)
    assert found is not None and found.turn == UPRIGHT and found.tilt_deg >= 12


def test_hold__a_witness_counts(scan: tuple[Volume, np.ndarray]) -> None:
    def found(*witnesses: float) -> float:
        said = [lambda turn, angles, odds=odds: odds for odds in witnesses]
        answer = hold(place, *scan, view=VIEW, stride=STRIDE, unit_mm=3.0, witnesses=said)
        assert answer is not None
        return float(np.log(answer.mirrored / (1 - answer.mirrored)))

    assert found(2.0, 1.0) - found() == pytest.approx(3.0 * TRUST)


def test_hold__too_little_of_a_body_is_not_asked(scan: tuple[Volume, np.ndarray]) -> None:
    little = np.zeros(SHAPE, dtype=bool)
    assert hold(place, scan[0], little, view=VIEW, stride=STRIDE, unit_mm=3.0) is None
    little[10:13, 10:13, 10:13] = True
    assert hold(place, scan[0], little, view=VIEW, stride=STRIDE, unit_mm=3.0) is None


def test_fitted__scale_and_error_of_most_cells() -> None:
    places = np.random.default_rng(0).normal(size=(500, 3)) * 40
    predicted = places * (1.2, 1.0, 0.8) + (5, -9, 100)
    predicted[::10] += 300  # lost cells
    fit = fitted(places, predicted)
    np.testing.assert_allclose(fit.scale, (1.2, 1.0, 0.8), atol=0.02)
    assert np.median(fit.errors_mm) < 2 and len(fit.errors_mm) == 500


def test_windows__a_mirrored_scan_is_cut_alike(scan: tuple[Volume, np.ndarray]) -> None:
    one = Windows.cut(*scan, view=VIEW, stride=STRIDE, most=3)
    other = Windows.cut(*posed(scan, MIRROR), view=VIEW, stride=STRIDE, most=3)
    assert len(one.cubes) == 27 and one.body.sum() == other.body.sum()
    assert fit_in(place, one, UPRIGHT).error_mm == pytest.approx(fit_in(place, other, MIRROR).error_mm, rel=0.05)


@pytest.mark.parametrize(("pose", "factor", "verdict"), [
    (UPRIGHT, 1.0, Verdict.RIGHT),
    (MIRROR, 1.0, Verdict.MIRRORED),
    (POSES[7].inverse, 1.0, Verdict.TURNED),
    (UPRIGHT, 1.25, Verdict.SPACING),
])  # fmt: skip
def test_decided__says_what_is_wrong(
    scan: tuple[Volume, np.ndarray], pose: Pose, factor: float, verdict: Verdict
) -> None:
    volume, body = posed(scan, pose)
    found = hold(place, volume, body, view=VIEW, stride=STRIDE, unit_mm=3.0)
    assert found is not None
    if factor != 1.0:  # the field takes the first axis for that much longer than its header says
        found = type(found)(**{**vars(found), "scale": found.scale * (factor, 1, 1)})
    one = decided("a", volume.affine, volume.shape, found, STICK)
    assert one.verdict is verdict and 0.9 < one.confidence <= 1, one
    assert one.factors == pytest.approx((factor if verdict is Verdict.SPACING else 1, 1, 1), abs=0.05)
    assert one.fixable is (verdict in (Verdict.MIRRORED, Verdict.TURNED)) and one.fine is (verdict is Verdict.RIGHT)
    np.testing.assert_allclose(np.abs(one.affine[:3, :3]).max(0), MM)


def test_decided__what_is_not_known_is_never_fine(scan: tuple[Volume, np.ndarray]) -> None:
    def blind(images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 3, VIEW // 2, VIEW // 2, VIEW // 2)

    found = hold(blind, *scan, view=VIEW, stride=STRIDE, unit_mm=3.0)
    assert decided("a", scan[0].affine, SHAPE, found, STICK).verdict in (Verdict.OTHER, Verdict.UNSURE)
    assert decided("a", scan[0].affine, SHAPE, None, STICK).verdict is Verdict.UNSURE
    known = hold(place, *scan, view=VIEW, stride=STRIDE, unit_mm=3.0)
    assert decided("a", scan[0].affine, SHAPE, known, STICK, strange="unlike").verdict is Verdict.UNSURE
    assert known is not None
    unsided = type(known)(**{**vars(known), "mirrored": 0.4})
    one = decided("a", scan[0].affine, SHAPE, unsided, STICK)
    assert one.verdict is Verdict.RIGHT and not one.side_told and one.axes_found == "?AS" and "not told" in one.why


def test_decided__turn_and_side_are_sure_together_before_a_copy_is_corrected(scan: tuple[Volume, np.ndarray]) -> None:
    def said(probability: float, mirrored: float) -> Oriented:
        held = Held(POSES[7], probability, mirrored, np.ones(3), 3.0, 40.0, 0.0)
        return decided("a", scan[0].affine, SHAPE, held, STICK)

    assert said(0.99, 0.97).fixable and said(0.99, 0.97).confidence == pytest.approx(0.99 * 0.97, rel=1e-3)
    both = said(0.91, 0.96)
    assert both.side_told and both.verdict is Verdict.TURNED and not both.fixable
    assert both.to_json()["confidence"] == pytest.approx(0.874, abs=0.001)


def test_decided__hardly_likely_is_not_fine(scan: tuple[Volume, np.ndarray]) -> None:
    held = Held(UPRIGHT, 0.95, 0.5, np.ones(3), 2.27 * STICK.error_mm, 60.0, 0.0)
    one = decided("a", scan[0].affine, SHAPE, held, STICK)
    assert one.verdict is Verdict.UNSURE and one.confidence == 0 and "only at" in one.why, one
    likely = decided("a", scan[0].affine, SHAPE, replace(held, error_mm=STICK.error_mm), STICK)
    assert likely.verdict is Verdict.RIGHT and likely.confidence > 0.6
    alike = decided("a", scan[0].affine, SHAPE, replace(held, probability=0.3, error_mm=STICK.error_mm), STICK)
    assert alike.verdict is Verdict.UNSURE and f"errs by {STICK.error_mm:.1f} mm in validation" in alike.why


def test_decided__a_spacing_in_doubt_is_named_and_the_axes_are_told(scan: tuple[Volume, np.ndarray]) -> None:
    held = Held(UPRIGHT, 0.99, 0.5, np.array((1.0, 1.0, 1.1)), 3.0, 40.0, 0.0)
    one = decided("a", scan[0].affine, SHAPE, held, STICK)
    assert one.verdict is Verdict.RIGHT and one.confidence > 0.9 and one.doubted and "perhaps wrong" in one.why, one
    leaning = replace(held, scale=np.array((1.0, 1.0, 1.3)), tilt_deg=20.0)
    one = decided("a", scan[0].affine, SHAPE, leaning, STICK)
    assert one.verdict is Verdict.RIGHT and one.factors == (1, 1, 1) and "leans by 20 degrees" in one.why, one
    part = decided("a", scan[0].affine, SHAPE, replace(held, scale=np.array((1.0, 1.0, 1.3))), STICK, whole=False)
    assert part.verdict is Verdict.RIGHT and part.factors == (1, 1, 1) and "part of the body" in part.why, part
