"""Boxes in the scan: each letter and each mm where a radiologist expects it."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from orienteer.records.evidence import ChunkPairs
from orienteer.report.draw.planes import pair_drawings, pictures, place_on
from orienteer.report.evaluated import Evaluated, Example, Plane

from ..example_files import CHUNK, VIEW

KIND = ChunkPairs(chunk=CHUNK / VIEW)


def _example(point: tuple[int, int, int], shape: tuple[int, int, int] = (20, 30, 40)) -> Example:
    """A scan that is black but for one bright voxel, which is also the centre of view 1."""
    volume = np.zeros(shape, dtype=np.uint8)
    volume[point] = 255
    planes = tuple(Plane(axis, point[axis] * 3.0, volume.take(point[axis], axis=axis)) for axis in range(3))
    centres = np.array([point, point], dtype=float) * 3.0 + np.array([[0, 0, 0], [9.0, 0.0, 0.0]])
    return Example(0, "scan", np.array(shape) * 3.0, 3.0, 12.0, centres, planes)


def _bright(address: str) -> tuple[int, int]:
    """Row and column of the bright pixel of a drawn picture."""
    image = np.array(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))
    row, column = np.unravel_index(image.argmax(), image.shape)
    return int(row), int(column)


@pytest.mark.parametrize("point", [(2, 3, 4), (17, 3, 36), (10, 28, 1)])
def test_pictures__box_surrounds_its_own_voxel_on_every_plane(point: tuple[int, int, int]) -> None:
    for picture in pictures(_example(point)):
        row, column = _bright(picture.image)
        view = picture.views[0]
        voxel = picture.width / (20 if picture.name != "Sagittal" else 30)
        assert view.x + view.size / 2 == pytest.approx((column + 0.5) * voxel, abs=0.02)
        assert view.y + view.size / 2 == pytest.approx((row + 0.5) * voxel, abs=0.02)
        assert view.size == pytest.approx(12 / 3 * voxel, abs=0.02)
        assert view.cut


def test_pictures__patients_right_is_on_the_left_and_front_and_head_are_up() -> None:
    axial, coronal, sagittal = pictures(_example((19, 29, 39)))  # far right, front, top
    assert (axial.name, coronal.name, sagittal.name) == ("Axial", "Coronal", "Sagittal")
    assert _bright(axial.image) == _bright(coronal.image) == _bright(sagittal.image) == (0, 0)
    assert axial.letters == ("R", "L", "A", "P")
    assert coronal.letters == ("R", "L", "S", "I")
    assert sagittal.letters == ("A", "P", "S", "I")


def test_pictures__share_one_scale() -> None:
    axial, coronal, sagittal = pictures(_example((1, 1, 1)))
    unit = 480 / (60 + 60 + 90)  # the scan is 60 x 90 x 120 mm
    assert (axial.width, axial.height) == pytest.approx((60 * unit, 90 * unit), abs=0.01)
    assert (coronal.width, coronal.height) == pytest.approx((60 * unit, 120 * unit), abs=0.01)
    assert (sagittal.width, sagittal.height) == pytest.approx((90 * unit, 120 * unit), abs=0.01)


def test_pictures__are_as_wide_on_a_small_scan_as_on_a_large_one__so_letters_fit_both() -> None:
    small, large = (pictures(_example((1, 1, 1), shape)) for shape in ((8, 10, 12), (80, 100, 120)))
    assert [round(picture.width) for picture in small] == [round(picture.width) for picture in large]
    assert sum(picture.width for picture in small) == pytest.approx(480, abs=0.05)


def test_pictures__an_example_whose_slices_were_lost_has_none() -> None:
    assert pictures(replace(_example((1, 1, 1)), planes=())) == []


def test_pictures__tell_boxes_the_plane_misses() -> None:
    example = _example((5, 5, 5))
    *_, sagittal = pictures(example)  # the second view is 9 mm to the right, its half edge 6 mm
    assert [box.cut for box in sagittal.views] == [True, False]


def test_place_on__voxel_zero_is_half_a_voxel_from_the_far_edge() -> None:
    plane = Plane(2, 0.0, np.zeros((20, 30), dtype=np.uint8))
    assert place_on(np.zeros(3), plane, 3.0) == (58.5, 88.5)


def test_pair_drawings__boxes_lie_inside_their_views_and_carry_the_numbers(lead: Evaluated) -> None:
    example = lead.examples[0]
    drawings = pair_drawings(KIND, lead.tables["adjacency"], example)
    assert [drawing.title for drawing in drawings] == ["1 and 2", "1 and 3", "2 and 3"]
    views = [picture.views for picture in pictures(example)]
    row = np.flatnonzero(lead.tables["adjacency"]["sample"] == example.sample)[0]
    first = drawings[0]
    assert first.adjacent_similarity == lead.tables["adjacency"]["adjacent_similarity"][row]
    for plane, boxes in enumerate(first.boxes):
        assert [kind for kind, _ in boxes] == ["distant", "distant", "adjacent", "adjacent"]
        for number, (_, box) in enumerate(boxes):
            view = views[plane][number % 2]
            assert view.x - 0.02 <= box.x and box.x + box.size <= view.x + view.size + 0.02
            assert view.y - 0.02 <= box.y and box.y + box.size <= view.y + view.size + 0.02


def test_pair_drawings__adjacent_chunks_are_nearer_than_distant_ones(lead: Evaluated) -> None:
    for drawing in pair_drawings(KIND, lead.tables["adjacency"], lead.examples[1]):
        for boxes in drawing.boxes:
            (_, far_i), (_, far_j), (_, near_i), (_, near_j) = boxes
            near = np.hypot(near_i.x - near_j.x, near_i.y - near_j.y)
            assert near <= np.hypot(far_i.x - far_j.x, far_i.y - far_j.y) + 1e-6


def test_pair_drawings__both_orders_of_a_pair_are_one_drawing(lead: Evaluated) -> None:
    table = lead.tables["adjacency"]
    turned = {name: np.concatenate([table[name], table[name]]) for name in table}
    turned["view_i"] = np.concatenate([table["view_i"], table["view_j"]])
    turned["view_j"] = np.concatenate([table["view_j"], table["view_i"]])
    assert len(pair_drawings(KIND, turned, lead.examples[0])) == 3


def test_pair_drawings__a_wrong_ranking_is_called_wrong(lead: Evaluated) -> None:
    table = dict(lead.tables["adjacency"])
    table["adjacent_similarity"] = np.full(len(table["sample"]), -0.5)
    table["distant_similarity"] = np.full(len(table["sample"]), 0.5)
    assert not any(drawing.right for drawing in pair_drawings(KIND, table, lead.examples[0]))
