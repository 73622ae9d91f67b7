import socket
import sys
from typing import Any, NoReturn

import numpy as np
import pytest

from orienteer.demo.template import MAPS, Template, load_template
from orienteer.errors import OrienteerError


@pytest.fixture(scope="module")
def sharp() -> Template:
    """The template on its own grid, read without a network."""

    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("the template asked for the network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", refuse)
        patch.setattr(socket.socket, "connect", refuse)
        return load_template(1.0)


def test_template__needs_no_network(sharp: Template) -> None:
    assert sharp.maps.shape[0] == len(MAPS)


def test_template__says_how_to_get_nilearn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(OrienteerError, match="nilearn") as caught:
        load_template(3.0)
    assert caught.value.cure == "pip install 'orienteer[demo]'"


def test_template__tissues_fill_the_brain(template: Template) -> None:
    tissues, mask = template.maps[:3].sum(axis=0), template.maps[MAPS.index("mask")]
    assert np.abs(tissues - mask).mean() < 0.01
    assert template.maps[:3].min() >= 0


def test_template__is_a_head_in_mm(template: Template) -> None:
    width, length, height = template.high - template.low
    assert 130 < width < 160
    assert 160 < length < 200
    assert 140 < height < 180
    # The brain is symmetric about the midline, so a wrong affine would show here first.
    assert abs(template.centre[0]) < 1.0


def test_template__the_trim_keeps_every_voxel_in_place(sharp: Template) -> None:
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=1)
    mask = sharp.maps[MAPS.index("mask")] > 0
    there = np.argwhere(mask) @ sharp.affine[:3, :3].T + sharp.affine[:3, 3]
    original = np.argwhere(image.get_fdata() > 0) @ image.affine[:3, :3].T + image.affine[:3, 3]
    np.testing.assert_allclose(there, original)
