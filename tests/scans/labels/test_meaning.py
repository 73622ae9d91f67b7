"""What ``dataset.json`` says of label values, in every version, and what it means for the voxels."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.geometry.resample import Grid
from orienteer.scans.labels.find import find_scans
from orienteer.scans.labels.meaning import Meaning, meaning_of
from orienteer.scans.labels.read import inspect_with_labels, read_labels
from orienteer.scans.layouts.lay_out import lay_out
from tests.scans.files import AFFINE, nifti, voxels
from tests.scans.layouts.trees import SHAPE, describe, nnunet


@pytest.mark.parametrize(
    ("labels", "structures", "ignored"),
    [
        ({"background": 0, "a": 1, "b": 2, "ignore": 3}, {"a": (1,), "b": (2,)}, (3,)),
        ({"background": 0, "whole": [1, 2], "core": [2]}, {"whole": (1, 2), "core": (2,)}, ()),
        ({"0": "background", "1": "left lung", "2": "Ignore"}, {"left lung": (1,)}, (2,)),
        ({"background": "0", "liver": "1"}, {"liver": (1,)}, ()),
        ({"a": 1.0, "zero": 0, "minus": -1, "beyond": 40000}, {"a": (1,)}, ()),
        ({"a\n\x1b": 1, "": 2}, {"a": (1,), "unnamed": (2,)}, ()),
        ({"1": "same", "2": "same"}, {"same": (1,), "same 2": (2,)}, ()),
        ({"a": 1.5}, {}, ()),
        ({"a": None}, {}, ()),
        ({"a": {"b": 1}}, {}, ()),
        ({"a": 1e400}, {}, ()),
        ([1, 2], {}, ()),
    ],
)
def test_meaning__of_any_description(labels: object, structures: dict, ignored: tuple) -> None:
    found = meaning_of({"labels": labels})
    assert (dict(found.structures), found.ignored) == (structures, ignored)


def test_meaning__regions_and_what_is_ignored_are_told() -> None:
    regions = Meaning((("whole", (1, 2)), ("core", (2,)), ("other", (3,))), (4,))
    assert regions.overlapping == ("whole", "core")
    ignored, shared = regions.notes()
    assert "label value 4 is 'ignore'" in ignored and "(whole, core)" in shared


def test_read__what_is_ignored_is_marked_and_what_nobody_names_is_told(tmp_path: Path) -> None:
    nnunet(tmp_path, {"a": (0,)}, names=("CT",))
    labels = np.zeros(SHAPE, np.uint8)
    labels.flat[:4] = (1, 2, 3, 3)
    nifti(tmp_path / "labelsTr" / "a.nii.gz", labels)
    describe(tmp_path / "dataset.json", channel_names={"0": "CT"}, labels={"background": 0, "a": 1, "ignore": 3})
    (source,) = lay_out(tmp_path).sources
    assert source.labels is not None
    volume, (told,) = read_labels(source.labels, Grid(SHAPE, AFFINE))
    assert volume is not None and volume.array.ravel()[:5].tolist() == [1, 2, -1, -1, 0]
    assert told.code == "labels-undeclared" and told.message.endswith("dataset.json does not name the value 2")
    assert find_scans(tmp_path).notes[0].startswith("label value 3 is 'ignore'")


def test_find__a_folder_of_labels_is_read_as_the_description_beside_it_says(tmp_path: Path) -> None:
    nifti(tmp_path / "scans" / "a.nii.gz", voxels(SHAPE))
    nifti(tmp_path / "set" / "labelsTr" / "a.nii.gz", np.ones(SHAPE, np.uint8))
    describe(tmp_path / "set" / "dataset.json", labels={"background": 0, "lung": 1, "ignore": 2})
    (source,) = find_scans(tmp_path / "scans", tmp_path / "set" / "labelsTr").sources
    assert source.labels is not None
    assert (source.labels.structures, source.labels.ignored) == ((("lung", (1,)),), (2,))


@pytest.mark.parametrize(("values", "told"), [((1, 2, 255), True), ((255,), False), ((1, 254), False)])
def test_read__255_beside_other_values_is_told(tmp_path: Path, values: tuple[int, ...], told: bool) -> None:
    labels = np.zeros(SHAPE, np.uint8)
    labels.flat[: len(values)] = values
    nifti(tmp_path / "a.nii.gz", voxels(SHAPE))
    nifti(tmp_path / "a_seg.nii.gz", labels)
    (info,) = map(inspect_with_labels, find_scans(tmp_path, tmp_path).sources)
    assert [found.code for found in info.findings] == ["labels-255"] * told and info.labelled
