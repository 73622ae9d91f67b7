"""What each honesty probe takes away, and what it leaves."""

import numpy as np
import pytest
import torch

from orienteer.errors import ConfigError
from orienteer.evaluation.probes import BORDER, PROBES, border, constant, interior, probe_of, shuffled
from orienteer.store.intensity import FLOOR

NUMBERS = (4, 9)


@pytest.fixture
def images() -> torch.Tensor:
    """``(B, K, C, S, S, S)``; no two voxels are equal."""
    values = torch.linspace(-1.5, 1.5, 2 * 3 * 2 * 9**3)
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(values)))
    return values[order].reshape(2, 3, 2, 9, 9, 9)


def shell() -> torch.Tensor:
    mask = torch.ones(9, 9, 9, dtype=torch.bool)
    mask[2:7, 2:7, 2:7] = False
    return mask


@pytest.mark.parametrize("name", PROBES)
def test_probe__keeps_form_and_leaves_its_input_alone(name: str, images: torch.Tensor) -> None:
    before = images.clone()
    corrupt = PROBES[name].corrupt
    result = corrupt(images, NUMBERS)
    assert result.shape == images.shape
    assert result.dtype == images.dtype
    assert result.is_contiguous()
    assert torch.equal(images, before)
    assert not torch.equal(result, images), "it does something"
    assert torch.equal(result, corrupt(images, NUMBERS)), "and always the same"


def test_probes__say_what_they_are_and_what_they_leave() -> None:
    """The verdict's rule is about what is left of a view: each of its three cases has a probe."""
    assert {name: probe.card.leaves for name, probe in PROBES.items()} == {
        "constant": "no anatomy",
        "shuffled": "no anatomy",
        "border": "the border",
        "interior": "the inside",
    }
    for name, (card, _) in PROBES.items():
        assert card.name == name and card.title and card.look
        assert "every view" in card.meaning


def test_probe_of__refuses_what_is_not_there() -> None:
    assert probe_of("border") is PROBES["border"]
    with pytest.raises(ConfigError, match="no probe 'blank'") as caught:
        probe_of("blank")
    assert "constant, shuffled, border, interior" in caught.value.cure


def test_constant__keeps_the_mean_of_each_channel_and_removes_all_variance(images: torch.Tensor) -> None:
    result = constant(images, NUMBERS)
    torch.testing.assert_close(result.mean((-3, -2, -1)), images.mean((-3, -2, -1)))
    assert result.std((-3, -2, -1)).max() < 1e-6
    # Views keep their own brightness: that is what the probe asks about.
    assert len(result[..., 0, 0, 0].unique()) == 12


def test_shuffled__keeps_the_histogram_of_each_channel(images: torch.Tensor) -> None:
    result = shuffled(images, NUMBERS)
    assert torch.equal(result.flatten(-3).sort().values, images.flatten(-3).sort().values)
    moved = (result != images).float().mean()
    assert moved > 0.99
    for sample in range(2):
        for view in range(3):
            pair = torch.stack([images[sample, view, 0].flatten(), result[sample, view, 0].flatten()])
            assert abs(torch.corrcoef(pair)[0, 1]) < 0.15


def test_shuffled__moves_the_channels_of_a_voxel_together(images: torch.Tensor) -> None:
    images[:, :, 1] = images[:, :, 0] / 2
    result = shuffled(images, NUMBERS)
    assert torch.equal(result[:, :, 1], result[:, :, 0] / 2)


def test_shuffled__is_counted_by_sample_number_and_view(images: torch.Tensor) -> None:
    whole = shuffled(images, NUMBERS)
    # In another batch, at another place, the same sample is shuffled in the same way.
    assert torch.equal(shuffled(images[1:], NUMBERS[1:])[0], whole[1])
    assert not torch.equal(shuffled(images[1:], (5,))[0], whole[1])
    same = images[:1, :1].expand(2, 3, 2, 9, 9, 9)
    orders = shuffled(same, NUMBERS).flatten(0, 1)
    assert len({tuple(view.flatten().tolist()) for view in orders}) == 6, "every view in its own way"


def test_border__keeps_the_shell_and_paints_the_inside(images: torch.Tensor) -> None:
    result = border(images, NUMBERS)
    assert (BORDER, FLOOR) == (2, -1.0)
    assert torch.equal(result[..., shell()], images[..., shell()])
    assert (result[..., ~shell()] == -1.0).all()


def test_interior__keeps_the_inside_and_repeats_it_outwards(images: torch.Tensor) -> None:
    result = interior(images, NUMBERS)
    assert torch.equal(result[..., ~shell()], images[..., ~shell()])
    nearest = np.clip(np.arange(9), 2, 6)
    expected = images[..., nearest, :, :][..., nearest, :][..., nearest]
    assert torch.equal(result, expected)


def test_border_and_interior__each_voxel_survives_in_exactly_one(images: torch.Tensor) -> None:
    kept = [(probe(images, NUMBERS) == images) for probe in (border, interior)]
    assert (kept[0] ^ kept[1]).all()


def test_interior__holds_nothing_that_was_in_the_shell(images: torch.Tensor) -> None:
    coded = images.clone()
    coded[..., shell()] = 7.0
    assert torch.equal(interior(coded, NUMBERS), interior(images, NUMBERS))


def test_border__holds_nothing_that_was_inside(images: torch.Tensor) -> None:
    coded = images.clone()
    coded[..., ~shell()] = 7.0
    assert torch.equal(border(coded, NUMBERS), border(images, NUMBERS))
