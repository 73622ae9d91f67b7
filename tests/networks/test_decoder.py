"""Decoders above maps of any strides."""

from pathlib import Path

import pytest
import torch

from orienteer.networks.backbone import Backbone
from orienteer.networks.decoder import Decoder, DecoderKind
from orienteer.runs.folder import RunFolder

KINDS: tuple[DecoderKind, ...] = ("pyramid", "residual", "plain")


def maps(strides: tuple[int, ...], channels: tuple[int, ...], edge: int = 16) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, width, *[edge // stride] * 3) for stride, width in zip(strides, channels, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strides", [(1, 2, 4, 8), (2, 8), (1, 4, 8)])
def test_decoder__reaches_its_stride_and_hears_every_map(kind: DecoderKind, strides: tuple[int, ...]) -> None:
    """Maps finer than the dense one are not used; strides without a map are passed."""
    channels = (6, 8, 12, 20)[: len(strides)]
    given = [each.requires_grad_() for each in maps(strides, channels)]
    decoder = Decoder(channels, strides, dense_stride=2, dense_channels=10, kind=kind)
    dense = decoder(given)
    assert dense.shape == (2, 10, 8, 8, 8) and decoder.stride == 2
    dense.square().sum().backward()
    for each, stride in zip(given, strides, strict=True):
        assert (each.grad is not None and bool(each.grad.abs().sum() > 0)) == (stride >= 2)


def test_decoder__a_pyramid_by_hand() -> None:
    """One level, block switched off: the coarse projection, each cell copied eight times, plus the finer one."""
    coarse, fine = torch.arange(8.0).reshape(1, 1, 2, 2, 2), torch.ones(1, 1, 4, 4, 4)
    decoder = Decoder((1, 1), (1, 2), dense_stride=1, dense_channels=2)
    with torch.no_grad():
        for layer, weight, bias in (
            (decoder.ups[0][0], 2.0, 0.5),
            (decoder.sides[0], 3.0, 0.0),
            (decoder.last, 0.5, 0.0),
        ):
            layer.weight.fill_(weight)
            layer.bias.fill_(bias)
        decoder.blocks[0].unit.widen.weight.zero_()
        decoder.blocks[0].unit.widen.bias.zero_()
    dense = decoder([fine, coarse])
    expected = 2 * coarse.repeat_interleave(2, 2).repeat_interleave(2, 3).repeat_interleave(2, 4) + 0.5 + 3
    torch.testing.assert_close(dense, expected.expand_as(dense))


def test_decoder__a_pyramid_is_as_wide_as_its_dense_map() -> None:
    def weights(kind: DecoderKind) -> int:
        decoder = Decoder((16, 32, 64, 128), (1, 2, 4, 8), dense_stride=2, dense_channels=32, kind=kind)
        return sum(weight.numel() for weight in decoder.parameters())

    assert 4 * weights("pyramid") < weights("residual")


def test_settings__of_a_run_from_before_the_choice_say_residual(tmp_path: Path) -> None:
    """Its weights fit no other decoder; a run that says what it has is left alone."""
    network = "network: {name: resunet, size: tiny, dense_channels: 8}\n"
    for written, decoder in ((network, "residual"), (network.replace("8}", "8, decoder: pyramid}"), "pyramid")):
        (tmp_path / "settings.yaml").write_text(written + "tasks: {position: {}}\n")
        settings = RunFolder(tmp_path).settings()
        assert settings.network.decoder == decoder
        backbone = Backbone(settings.network, in_channels=1, view=16, dense=True)
        assert bool(backbone.decoder is not None and backbone.decoder.sides) == (decoder == "pyramid")
