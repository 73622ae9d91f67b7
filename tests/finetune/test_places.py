"""An answer lies where its scan lies, whatever form the header has: for nibabel, for ITK and for this package."""

import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.predict import predict
from orienteer.geometry import Volume
from orienteer.scans.discover import discover
from orienteer.scans.formats.library_messages import without_messages
from orienteer.scans.formats.opening import open_scan, placement_of
from orienteer.scans.formats.registry import format_of
from orienteer.scans.placement import Placement
from orienteer.scans.reading import inspect
from orienteer.scans.source import Source
from orienteer.scans.write_labels import write_labels
from orienteer.testing.format_contract import OBLIQUE
from tests.finetune.standins import Levels, dice, ensemble, scan
from tests.scans.dicom_files import series
from tests.scans.files import patch
from tests.store.phantoms import turned

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


def oblique() -> NDArray:
    u, _, v = np.linalg.svd(OBLIQUE[:3, :3])
    affine = OBLIQUE.copy()
    affine[:3, :3] = u @ v * (1.5, 2.0, 2.5)
    return affine


@pytest.fixture
def quiet() -> Iterator[None]:
    """What nibabel and ITK say of odd headers is no result."""
    with without_messages():
        yield


def nifti(
    sform: NDArray = STRAIGHT, qform: NDArray | None = None, *, unit: int = 2, shape: tuple[int, ...] = SHAPE,
    order: str = "<", slope: float = 1, edits: tuple[tuple, ...] = (),
) -> Write:  # fmt: skip
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(np.dtype("i2").newbyteorder(order))
    header.set_data_shape(shape)
    header.set_qform(sform if qform is None else qform, 1, strip_shears=True)
    header.set_sform(sform, 1)
    header.set_slope_inter(slope, 3)
    header["xyzt_units"], header["cal_max"], header["toffset"] = unit, 7, 9
    header["descrip"], header["intent_name"], header["aux_file"] = b"NAME^PATIENT", b"NAME", b"NAME"
    header["vox_offset"] = 352
    voxels = np.arange(np.prod(shape)).astype(f"{order}i2").tobytes()

    def write(path: Path, sform_code: int, qform_code: int) -> Path:
        header["sform_code"], header["qform_code"] = sform_code, qform_code
        path.write_bytes(header.binaryblock + bytes(4) + voxels)
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
    "oblique": nifti(oblique()),
    "4D": nifti(shape=(*SHAPE, 2)),
    "trailing axis": nifti(shape=(*SHAPE, 1)),
    "big-endian": nifti(oblique(), order=">"),
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
    return np.asarray(nibabel.Nifti1Image.from_filename(path).affine)


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
    info = inspect(source, voxels=False)
    if not info.usable or info.affine is None:
        raise ScanError("refused", code=next(f.code for f in info.findings if f.level == "error"), cure="none")
    classes = np.zeros(info.shape, np.uint8)
    write_labels(answer, classes, placement_of(source, Volume(classes[None], info.affine)))
    return np.stack([info.affine, open_scan(one(answer)).header.affine])


def one(path: Path) -> Source:
    kind = format_of(path)
    assert kind is not None
    return Source((path,), kind.name, path.name, path.parent)


def forms() -> Iterator[tuple[str, int, int]]:
    """Each form with 12 of the 25 pairs of codes."""
    draw = random.Random(0)
    for name in FORMS:
        for codes in draw.sample(CODES, 12):
            yield name, *codes


def test_places__every_form_of_a_nifti_header(tmp_path: Path, quiet: None) -> None:
    used = 0
    for form in forms():
        name, sform, qform = form
        file, answer = FORMS[name](tmp_path / "scan.nii", sform, qform), tmp_path / "answer.nii"
        try:
            mine = answered(one(file), answer)
        except ScanError as error:
            assert error.code in ("orientation-unusable", "spacing-absurd", "affine-singular"), form
            continue
        used += 1
        assert apart(*mine) < 1e-4, form
        for how in (of_nibabel, of_itk):
            where, found = opened(how, file), opened(how, answer)
            if where is not None:
                assert found is not None and apart(where, found) < 1e-4, (form, how.__name__)
        assert opened(of_nibabel, answer) is not None
        assert b"NAME" not in answer.read_bytes()
    assert used >= 211, "with the 89 of other formats below, 300"


SPACES = ("left-posterior-superior", "RAS", "left-anterior-superior", "3D-right-handed")
DIRECTIONS = {
    "straight": np.diag([4.0, 4, 5]),
    "mirrored": np.diag([4.0, -4, 5]),
    "oblique": oblique()[:3, :3],
    "turned": np.array([[0.0, 0, 5], [-4, 0, 0], [0, 4, 0]]),
    "leaning": leaning(0.004)[:3, :3],
}
UNITS = {"": 1.0, '"mm" "mm" "mm"': 1.0, '"um" "um" "um"': 1e-3, '"cm" "cm" "cm"': 10.0}


def nrrd(path: Path, space: str, directions: NDArray, units: str) -> Path:
    vectors = " ".join("({},{},{})".format(*column) for column in directions.T)
    unit = f"space units: {units}\n" if units else ""
    header = f"type: short\ndimension: 3\nsizes: 4 5 6\nspace: {space}\n{unit}space directions: {vectors}\n"
    place = "space origin: (12.25,-31,7.125)\nendian: little\nencoding: raw\n\n"
    path.write_bytes(f"NRRD0005\n{header}{place}".encode() + bytes(np.arange(120, dtype="<i2")))
    return path


def metaimage(path: Path, directions: NDArray, *, unit: str = "") -> Path:
    spacing = np.linalg.norm(directions, axis=0)
    lines = {
        "ObjectType": "Image", "NDims": "3", "DimSize": "4 5 6", "ElementType": "MET_SHORT",
        "TransformMatrix": " ".join(map(repr, (directions / spacing).T.ravel().tolist())), "Offset": "12.25 -31 7.125",
        "ElementSpacing": " ".join(map(repr, spacing.tolist())), "DistanceUnits": unit or "mm",
        "ElementDataFile": "LOCAL",
    }  # fmt: skip
    text = "".join(f"{key} = {value}\n" for key, value in lines.items())
    path.write_bytes(text.encode() + bytes(np.arange(120, dtype="<i2")))
    return path


@pytest.mark.parametrize("units", UNITS)
def test_places__nrrd(units: str, tmp_path: Path, quiet: None) -> None:
    """ITK knows no unit: it finds both at the file's own numbers; this package knows mm."""
    for space, (name, directions) in itertools.product(SPACES, DIRECTIONS.items()):
        scan, answer = nrrd(tmp_path / "a.nrrd", space, directions / UNITS[units], units), tmp_path / "a.nii"
        mine = answered(one(scan), answer)[0]
        found = opened(of_itk, answer)
        assert found is not None and apart(of_itk(scan), found) < 1e-3, (space, name)
        assert np.allclose(np.linalg.norm(mine[:3, :3], axis=0), np.linalg.norm(directions, axis=0))
        assert apart(mine, np.diag([UNITS[units]] * 3 + [1]) @ of_nibabel(answer)) < 1e-4, (space, name)


def test_places__metaimage(tmp_path: Path, quiet: None) -> None:
    for name, directions in DIRECTIONS.items():
        scan, answer = metaimage(tmp_path / "a.mha", directions), tmp_path / "a.nii"
        mine = answered(one(scan), answer)
        found = opened(of_itk, answer)
        assert found is not None and apart(of_itk(scan), found) < 1e-3, name
        assert apart(*mine) < 1e-4 and apart(mine[0], of_nibabel(answer)) < 1e-4, name
    scan = metaimage(tmp_path / "u.mha", np.diag([50.0, 60, 70]), unit="um")
    assert np.allclose(answered(one(scan), tmp_path / "u.nii")[0][:3, :3], np.diag([-0.05, -0.06, 0.07]))
    assert apart(of_itk(scan), of_itk(tmp_path / "u.nii")) < 1e-4


def test_places__axes_off_the_right_angle_are_told(tmp_path: Path, quiet: None) -> None:
    """ITK opens no NIfTI file of such axes: its answer lies as near as right angles can, and that is said."""
    scan, answer = metaimage(tmp_path / "a.mha", leaning(0.9)[:3, :3]), tmp_path / "a.nii"
    mine = answered(one(scan), answer)
    found = opened(of_itk, answer)
    assert apart(*mine) < 1e-4 and found is not None and apart(of_itk(scan), found) < 0.03
    long = Placement.of(leaning(0.9), (200, 200, 40))
    assert [each.code for each in long.findings] == ["answer-leans"]
    assert "up to 4.4 mm" in long.findings[0].message
    assert not Placement.of(leaning(0.01), (200, 200, 40)).findings


@pytest.mark.parametrize("tilt", [0.0, 12.0, 0.03])
def test_places__dicom(tilt: float, tmp_path: Path, quiet: None) -> None:
    """A tilt of 0.03 degrees is rounding in ITK's eyes too; 12 degrees are resampled to right angles."""
    files = series(tmp_path / "s", tilt=tilt)
    (source,) = discover(tmp_path / "s")
    mine = answered(source, tmp_path / "a.nii")
    assert apart(*mine) < 1e-4 and apart(mine[0], of_nibabel(tmp_path / "a.nii")) < 1e-4
    found = opened(of_itk, tmp_path / "a.nii")
    assert found is not None
    if tilt < 1:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames([str(path) for path in files])
        image = reader.Execute()
        affine = np.eye(4)
        affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
        affine[:3, 3] = image.GetOrigin()
        assert apart(LPS @ affine, found) < 0.01


def test_places__predict_writes_each_answer_there(
    stand_in: Callable[[Ensemble], None], tmp_path: Path, quiet: None
) -> None:
    """From the folder to the files: the bright structure in every answer, in the place of its scan."""
    truth = scan(tmp_path, "mm.nii", turned("LAS", spacing=3.0))
    image = nibabel.load(tmp_path / "mm.nii")
    voxels, folder = np.asarray(image.dataobj), tmp_path / "in"
    folder.mkdir()
    for name, sform_code, qform_code, unit in (("none", 0, 0, 2), ("two", 4, 2, 2), ("micron", 1, 1, 3)):
        affine = image.affine * (1000 if unit == 3 else 1)
        affine[3, 3] = 1
        odd = nibabel.Nifti1Image(voxels, affine)
        odd.set_qform(moved(affine), qform_code)
        odd.set_sform(affine, sform_code)
        odd.header["xyzt_units"] = unit
        nibabel.save(odd, folder / f"{name}.nii")
    upright = sitk.GetImageFromArray(voxels.T)
    upright.SetSpacing((3.0, 3.0, 3.0))
    for name in ("a.nrrd", "b.mha"):
        sitk.WriteImage(upright, str(folder / name))
    stand_in(ensemble(Levels()))
    result = predict("net", folder, tmp_path / "out", progress=False)
    assert not result.failed and len(result.predicted) == 5
    told = {name: [each.code for each in found] for name, found in result.warnings.items()}
    assert told == {  # the phantom is of few values
        "none": ["orientation-missing", "looks-like-labels"], "two": ["orientation-disagrees", "looks-like-labels"],
        **{name: ["looks-like-labels"] for name in ("micron", "a", "b")},
    }  # fmt: skip
    assert predict("net", folder, tmp_path / "out", progress=False).warnings == result.warnings  # kept with the answer
    for path in folder.iterdir():
        answer = tmp_path / "out" / f"{path.stem}.nii.gz"
        assert dice(np.asarray(nibabel.load(answer).dataobj), truth) > 0.9, path.name
        assert apart(of_itk(path), of_itk(answer)) < 1e-4, path.name
        if path.suffix == ".nii":
            assert np.array_equal(of_nibabel(path), nibabel.load(answer).affine)
