from pathlib import Path

import nibabel.orientations as orientations
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.demo.files import FORMATS, reorient, write_scan
from orienteer.geometry import Volume, canonical
from orienteer.scans.discover import discover
from orienteer.scans.reading import read


def _volume() -> Volume:
    array = np.arange(9 * 10 * 11, dtype=np.int16).reshape(1, 9, 10, 11)
    affine = np.array([[2.0, 0, 0, -7.5], [0, 3.0, 0, 11.0], [0, 0, 1.5, -40.0], [0, 0, 0, 1]])
    return Volume(array=array, affine=affine)


def _axes() -> list[str]:
    return ["".join(orientations.ornt2axcodes(o)) for o in _orientations()]


def _orientations() -> list[np.ndarray]:
    from itertools import permutations, product

    return [
        np.array(list(zip(order, flips, strict=True)))
        for order in permutations(range(3))
        for flips in product((1, -1), repeat=3)
    ]


@given(axes=st.sampled_from(_axes()))
def test_reorient__keeps_every_voxel_where_it_is(axes: str) -> None:
    turned = reorient(_volume(), axes)
    assert turned.axes == axes
    back = canonical(turned)
    np.testing.assert_array_equal(back.array, _volume().array)
    np.testing.assert_allclose(back.affine, _volume().affine)


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR"])
@pytest.mark.parametrize("form", FORMATS)
def test_write_scan__reads_back_in_place(tmp_path: Path, form: str, axes: str) -> None:
    write_scan(tmp_path / f"one.{form}", reorient(_volume(), axes))
    (source,) = discover(tmp_path)
    back = canonical(read(source))
    np.testing.assert_array_equal(back.array, _volume().array)
    np.testing.assert_allclose(back.affine, _volume().affine, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == [f"one.{form}"]


def test_write_scan__refuses_another_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one\.png"):
        write_scan(tmp_path / "one.png", _volume())
