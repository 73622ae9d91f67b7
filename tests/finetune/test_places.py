"""An answer lies where its scan lies, whatever form the header has: for nibabel, for ITK and for this package."""

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.finetune.native import write_labels
from orienteer.scans import Source, read
from orienteer.scans.formats.opening import open_scan, placement_of
from orienteer.scans.formats.registry import format_of
from orienteer.testing.format_contract import OBLIQUE
from tests.scans.files import patch

SHAPE = (4, 5, 6)
STRAIGHT = np.array([[-4.0, 0, 0, 80], [0, 4, 0, -80], [0, 0, 5, -70], [0, 0, 0, 1]])
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NAN = float("nan")
CODES = tuple(itertools.product(range(5), range(5)))
"""Of sform and qform."""

Write = Callable[[Path, int, int], Path]


def leaning(degrees: float) -> NDArray:
    affine = STRAIGHT.copy()
    affine[:2, 1] = 4 * np.sin(np.radians(degrees)), 4 * np.cos(np.radians(degrees))
    return affine


def moved(affine: NDArray = STRAIGHT) -> NDArray:
    return affine + np.pad([[17.0], [-9.0], [4.0], [0.0]], ((0, 0), (3, 0)))


def turned() -> NDArray:
    u, _, v = np.linalg.svd(OBLIQUE[:3, :3])
    affine = OBLIQUE.copy()
    affine[:3, :3] = u @ v * (1.5, 2.0, 2.5)
    return affine


def nifti(
    sform: NDArray = STRAIGHT, qform: NDArray | None = None, *, unit: int = 2, shape: tuple[int, ...] = SHAPE,
    kind: type = nibabel.Nifti1Image, order: str = "<", edits: tuple[tuple, ...] = (), slope: float | None = None,
) -> Write:  # fmt: skip
    def write(path: Path, sform_code: int, qform_code: int) -> Path:
        header = kind.header_class(endianness=order)
        header.set_data_dtype(np.dtype("i2").newbyteorder(order))
        image = kind(np.arange(np.prod(shape)).reshape(shape).astype(f"{order}i2"), None, header)
        image.set_qform(sform if qform is None else qform, 1, strip_shears=True)
        image.set_sform(sform, 1)
        image.header["sform_code"], image.header["qform_code"] = sform_code, qform_code
        image.header["xyzt_units"] = unit
        image.header["descrip"], image.header["cal_max"], image.header["intent_name"] = b"NAME^PATIENT", 7, b"NAME"
        if slope:
            image.header.set_slope_inter(slope, 3)
        nibabel.save(image, path)
        for offset, layout, *values in edits:
            patch(path, offset, layout, *values)
        return path

    return write


FORMS: dict[str, Write] = {
    "straight": nifti(),
    "no unit": nifti(unit=0),
    "seconds too": nifti(unit=10),
    "micron": nifti(np.diag([1e3, 1e3, 1e3, 1]) @ STRAIGHT, unit=3),
    "metre": nifti(np.diag([1e-3, 1e-3, 1e-3, 1]) @ STRAIGHT, unit=1),
    "forms disagree": nifti(qform=moved()),
    "a mirrored qform": nifti(qform=moved(np.diag([-1.0, 1, 1, 1]) @ STRAIGHT)),
    "leaning a little": nifti(leaning(0.05)),
    "leaning": nifti(leaning(0.5)),
    "oblique": nifti(turned()),
    "4D": nifti(shape=(*SHAPE, 2)),
    "trailing axis": nifti(shape=(*SHAPE, 1)),
    "big-endian": nifti(turned(), order=">"),
    "scaled": nifti(slope=0.5),
    "zeros beside": nifti(qform=moved(), edits=((280, "<12f", *[0] * 12),)),
    "NaN beside": nifti(qform=moved(), edits=((280, "<f", NAN),)),
    "a long quaternion": nifti(edits=((256, "<3f", 0, 1.000002, 0),)),
    "a far too long quaternion": nifti(edits=((256, "<3f", 0.8, 0.8, 0),)),
    "a quaternion of NaN": nifti(edits=((256, "<f", NAN),)),
    "no handedness": nifti(edits=((76, "<f", 0),)),
    "other voxel size": nifti(edits=((80, "<3f", 1, 2, 3),)),
    "negative voxel size": nifti(edits=((80, "<f", -4),)),
}


def of_nibabel(path: Path) -> NDArray:
    return np.asarray(nibabel.load(path).affine)


def of_itk(path: Path) -> NDArray:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    n, affine = reader.GetDimension(), np.eye(4)
    direction = np.array(reader.GetDirection()).reshape(n, n)[:3, :3]
    affine[:3, :3], affine[:3, 3] = direction * reader.GetSpacing()[:3], reader.GetOrigin()[:3]
    return LPS @ affine


def opened(how: Callable[[Path], NDArray], path: Path) -> NDArray | None:
    """Where a reader finds the file; None where it does not open it, or finds it nowhere."""
    try:
        affine = how(path)
    except (ValueError, RuntimeError, nibabel.filebasedimages.ImageFileError):
        return None
    return affine if np.isfinite(affine).all() and abs(np.linalg.det(affine)) > 0 else None


def apart(one: NDArray, other: NDArray) -> float:
    """mm, or the file's unit in voxels of it, at the worst corner."""
    corners = np.array([[*np.multiply(pick, SHAPE), 1] for pick in np.ndindex(2, 2, 2)]).T
    return float(np.abs((one - other) @ corners).max() / np.linalg.norm(one[:3, :3], axis=0).min())


def answered(source: Source, answer: Path) -> NDArray:
    """Write an answer as ``predict`` does; returns where the package reads the scan and the answer, RAS mm."""
    volume = read(source)
    classes = (np.arange(volume.array[0].size) % 3).reshape(volume.shape).astype(np.uint8)
    write_labels(answer, classes, placement_of(source, volume))
    said = open_scan(one(answer))
    np.testing.assert_array_equal(said.voxels()[0], classes)
    return np.stack([volume.affine, said.header.affine])


def one(path: Path) -> Source:
    kind = format_of(path)
    assert kind is not None
    return Source((path,), kind.name, path.name, path.parent)


def forms() -> Iterator[tuple[str, int, int]]:
    """Each form with 14 of the 25 pairs of codes."""
    draw = random.Random(0)
    for name in FORMS:
        for codes in draw.sample(CODES, 14):
            yield name, *codes


def test_places__every_form_of_a_nifti_header(tmp_path: Path, quiet: None) -> None:
    used = 0
    for form in forms():
        name, sform, qform = form
        scan, answer = FORMS[name](tmp_path / "scan.nii", sform, qform), tmp_path / "answer.nii"
        try:
            mine = answered(one(scan), answer)
        except ScanError as error:
            assert error.code in ("orientation-unusable", "spacing-absurd", "affine-singular"), form
            continue
        used += 1
        assert apart(*mine) < 1e-4, form
        for how in (of_nibabel, of_itk):
            where, found = opened(how, scan), opened(how, answer)
            if where is not None:
                assert found is not None and apart(where, found) < 1e-4, (form, how.__name__)
        assert opened(of_nibabel, answer) is not None
        assert b"NAME" not in answer.read_bytes()
    assert used >= 290
