"""What headers say of unit, voxel size and place, and what they leave unsaid."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from orienteer.scans.formats.registry import format_of
from orienteer.scans.formats.units import millimetres
from orienteer.scans.reading import inspect, read
from orienteer.scans.source import ScanInfo, Source
from tests.scans.files import AFFINE, nifti, patch, voxels

NRRD = "NRRD0005\ntype: short\ndimension: 3\nsizes: 4 5 6\nencoding: raw\nendian: little\n"
LPS = "space: left-posterior-superior\nspace directions: (4,0,0) (0,4,0) (0,0,5)\nspace origin: (1,2,3)\n"
META = "ObjectType = Image\nNDims = 3\nDimSize = 4 5 6\nElementType = MET_SHORT\n"
WHOLE = "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\nElementSpacing = 4 4 5\n"


def source(path: Path) -> Source:
    kind = format_of(path)
    assert kind is not None
    return Source((path,), kind.name, path.name, path.parent)


def text(path: Path, header: str) -> ScanInfo:
    """A scan of 4 x 5 x 6 voxels with that header."""
    end = "\n" if path.suffix == ".nrrd" else "ElementDataFile = LOCAL\n"
    path.write_bytes(f"{header}{end}".encode() + voxels((4, 5, 6)).tobytes())
    return inspect(source(path))


def codes(info: ScanInfo) -> list[str]:
    return [found.code for found in info.findings]


@pytest.mark.parametrize(("code", "mm"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 1e-3), (10, 1.0), (11, 1e-3)])
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_nifti__lengths_are_scaled_to_mm(code: int, mm: float, form: str, tmp_path: Path) -> None:
    """The code's higher bits are of time."""
    affine = np.diag([1 / mm, 1 / mm, 1 / mm, 1]) @ (AFFINE + np.pad([[5.0], [6], [7], [0]], ((0, 0), (3, 0))))
    path = patch(nifti(tmp_path / "a.nii", affine=affine), 123, "<b", code)
    patch(path, 252, "<2h", *((0, 1) if form == "sform" else (1, 0)))
    info = inspect(source(path))
    assert info.affine is not None and info.usable and info.spacing == pytest.approx((2, 2, 2.5))
    np.testing.assert_allclose(info.affine[:3, 3], (5, 6, 7), rtol=1e-6)
    assert codes(info) == ([] if mm == 1 else ["unit-scaled"])


def test_nifti__a_unit_that_makes_the_size_absurd_is_an_error_that_names_it(tmp_path: Path) -> None:
    info = inspect(source(patch(nifti(tmp_path / "a.nii"), 123, "<b", 1)))
    assert not info.usable and codes(info) == ["unit-scaled", "spacing-absurd"]


def test_analyze__has_a_unit_too(tmp_path: Path) -> None:
    image = nibabel.AnalyzeImage(voxels(), None)
    image.header.set_zooms((40, 40, 50))
    image.header["vox_units"] = b"um"
    nibabel.save(image, tmp_path / "a.hdr")
    info = inspect(source(tmp_path / "a.hdr"))
    assert info.spacing == pytest.approx((0.04, 0.04, 0.05)) and codes(info) == ["unit-scaled", "orientation-missing"]
    patch(tmp_path / "a.hdr", 80, "<3f", 0, 0, 0)
    assert "spacing-absurd" in codes(inspect(source(tmp_path / "a.hdr")))


@pytest.mark.parametrize(
    ("quaternion", "sform", "level"),
    [
        ((0, 1.0000001, 0), 1, None), ((0, 1.0000002, 0), 1, "warning"), ((0.8, 0.8, 0), 1, "warning"),
        ((0, 1.0000002, 0), 0, "info"), ((0, 1.000004, 0), 0, "info"), ((0, 1.00001, 0), 0, "error"),
        ((0.8, 0.8, 0), 0, "error"), ((np.nan, 0, 0), 1, "warning"),
    ],
)  # fmt: skip
def test_nifti__a_quaternion_that_is_too_long(
    quaternion: tuple[float, ...], sform: int, level: str | None, tmp_path: Path
) -> None:
    path = patch(patch(nifti(tmp_path / "a.nii"), 256, "<3f", *quaternion), 252, "<2h", 1, sform)
    info = inspect(source(path))
    assert [(found.code, found.level) for found in info.findings] == (
        [("orientation-unusable", level)] if level else []
    )
    if level != "error":
        np.testing.assert_allclose(read(source(path)).affine, AFFINE, atol=1e-6)


@pytest.mark.parametrize("rows", [[0.0] * 12, [np.nan] * 12, [0, *AFFINE[:3].ravel()[1:]], [1.0] * 12])
def test_nifti__a_damaged_sform_beside_a_good_qform(rows: list[float], tmp_path: Path) -> None:
    path = patch(nifti(tmp_path / "a.nii"), 280, "<12f", *rows)
    info = inspect(source(path))
    assert info.usable and codes(info) == ["orientation-unusable"]
    np.testing.assert_allclose(read(source(path)).affine, AFFINE, atol=1e-6)
    assert not inspect(source(patch(path, 252, "<2h", 0, 1))).usable
    assert not inspect(source(patch(patch(path, 252, "<2h", 1, 1), 256, "<3f", 0.8, 0.8, 0))).usable


@pytest.mark.parametrize(
    ("scaling", "factors"),
    [
        ((np.nan, np.nan), (1, 0)),
        ((0, 5), (1, 0)),
        ((2, np.nan), (2, 0)),
        ((np.inf, 3), (1, 0)),
        ((-1, 600), (-1, 600)),
    ],
)
@pytest.mark.parametrize("name", ["a.nii", "a.hdr"])
def test_nifti__slope_and_intercept_that_are_no_numbers(
    scaling: tuple[float, float], factors: tuple[float, float], name: str, tmp_path: Path
) -> None:
    image = nibabel.Nifti1Pair(voxels(), AFFINE) if name == "a.hdr" else nibabel.Nifti1Image(voxels(), AFFINE)
    nibabel.save(image, tmp_path / name)
    patch(tmp_path / name, 112, "<2f", *scaling)
    np.testing.assert_array_equal(read(source(tmp_path / name)).array[0], voxels() * factors[0] + factors[1])


@pytest.mark.parametrize("shape", [(6, 5), (6,)])
def test_nifti__an_image_with_both_forms_is_an_image(shape: tuple[int, ...], tmp_path: Path) -> None:
    assert codes(inspect(source(nifti(tmp_path / "a.nii", voxels(shape))))) == ["two-dimensional"]


SILENT: dict[str, tuple[str, list[str]]] = {
    "all": (LPS, []),
    "nothing": ("", ["orientation-missing", "spacing-missing", "origin-missing"]),
    "spacings": ("spacings: 4 4 5\n", ["orientation-missing", "origin-missing"]),
    "NaN": ("spacings: 4 nan 3\naxis mins: 0 0 0\n", ["orientation-missing", "spacing-missing"]),
    "no body": (LPS.replace("left-posterior-superior", "3D-left-handed"), ["orientation-missing"]),
    "a dimension": (LPS.replace("space: left-posterior-superior", "space dimension: 3"), ["orientation-missing"]),
    "no origin": (LPS.replace("space origin: (1,2,3)\n", ""), ["origin-missing"]),
    "pixels": (LPS.replace("space d", 'space units: "px" "px" "px"\nspace d'), ["unit-unknown"]),
    "mm": (LPS.replace("space d", 'space units: "mm" "mm" "mm"\nspace d'), []),
}


@pytest.mark.parametrize("name", SILENT)
def test_nrrd__what_is_not_said_is_told(name: str, tmp_path: Path) -> None:
    fields, expected = SILENT[name]
    assert codes(text(tmp_path / "a.nrrd", NRRD + fields)) == expected


def test_nrrd__a_space_without_directions_is_refused_with_the_line_it_wants(tmp_path: Path) -> None:
    """NRRD forbids it beside a voxel size, and ITK gives up on it; with that line written, the scan is read."""
    fields = f"{NRRD}space: right-anterior-superior\n"
    (found,) = text(tmp_path / "a.nrrd", f"{fields}spacings: 3 3 4.5\n").findings
    assert (found.code, found.level) == ("orientation-missing", "error")
    line = found.cure.split("`")[1]
    assert line == "space directions: (3,0,0) (0,3,0) (0,0,4.5)"
    info = text(tmp_path / "b.nrrd", f"{fields}{line}\n")
    assert info.spacing == (3, 3, 4.5) and codes(info) == ["origin-missing"]


@pytest.mark.parametrize("unit", ["um", "µm", "μm", "micron", "Micrometers"])
def test_nrrd__lengths_are_scaled_to_mm(unit: str, tmp_path: Path) -> None:
    fields = f'space: RAS\nspace units: "{unit}" "{unit}" "mm"\nspace directions: (40,0,0) (0,40,0) (0,0,0.05)\n'
    info = text(tmp_path / "a.nrrd", f"{NRRD}{fields}space origin: (1000,2000,3)\n")
    assert info.affine is not None and codes(info) == ["unit-scaled"]
    np.testing.assert_allclose(info.affine, [[0.04, 0, 0, 1], [0, 0.04, 0, 2], [0, 0, 0.05, 3], [0, 0, 0, 1]])
    info = text(tmp_path / "b.nrrd", f'{NRRD}spacings: 40 40 50\nunits: "{unit}" "{unit}" "{unit}"\n')
    assert info.spacing == pytest.approx((0.04, 0.04, 0.05))


SAID: dict[str, tuple[str, list[str]]] = {
    "all": (WHOLE, []),
    "colons": (WHOLE.replace(" =", ":"), []),
    "synonyms": ("Orientation = 1 0 0 0 1 0 0 0 1\nPosition = 1 2 3\nElementSpacing = 4 4 5\n", []),
    "nothing": ("", ["spacing-missing", "orientation-missing", "origin-missing"]),
    "size": (WHOLE.replace("ElementSpacing", "ElementSize"), ["spacing-missing"]),
    "both": (f"{WHOLE}ElementSize = 4 4 5\n", []),
    "they differ": (f"{WHOLE}ElementSize = 4 4 3\n", ["spacing-disagrees"]),
    "lower case": (WHOLE.replace("ElementSpacing", "elementspacing"), ["spacing-missing"]),
    "microns": (f"{WHOLE.replace('4 4 5', '400 400 500')}DistanceUnits = um\n", ["unit-scaled"]),
    "inches": (f"{WHOLE.replace('4 4 5', '.1 .1 .2')}DistanceUnits = inch\n", ["unit-scaled"]),
    "furlongs": (f"{WHOLE}DistanceUnits = furlong\n", ["unit-unknown"]),
}


@pytest.mark.parametrize("name", SAID)
def test_metaimage__what_is_not_said_is_told(name: str, tmp_path: Path) -> None:
    fields, expected = SAID[name]
    assert codes(text(tmp_path / "a.mha", META + fields)) == expected


@pytest.mark.parametrize(
    ("slope", "offset", "factors", "found"),
    [
        ("2.5", "-1024", (2.5, -1024), ["scaling-applied"]),
        ("-1", "1500", (-1, 1500), ["scaling-applied"]),
        ("1", "0.0", (1, 0), []),
        ("0", "7", (1, 0), ["scaling-damaged"]),
        ("nan", "0", (1, 0), ["scaling-damaged"]),
        ("1", "inf", (1, 0), ["scaling-damaged"]),
        ("1,5", "0", (1, 0), ["scaling-damaged"]),
    ],
)
def test_metaimage__slope_and_offset_are_applied(
    slope: str, offset: str, factors: tuple[float, float], found: list[str], tmp_path: Path
) -> None:
    scaling = f"ElementToIntensityFunctionSlope = {slope}\nElementToIntensityFunctionOffset = {offset}\n"
    assert codes(text(tmp_path / "a.mha", f"{META}{WHOLE}{scaling}")) == found
    said = voxels((4, 5, 6)) * factors[0] + factors[1]
    np.testing.assert_allclose(read(source(tmp_path / "a.mha")).array.ravel(order="F"), said.ravel())


@pytest.mark.parametrize(("line", "found"), [("old min: -1024\noldmax: 3071", True), ("old max: nan", False)])
def test_nrrd__quantised_values_are_told_and_left(line: str, found: bool, tmp_path: Path) -> None:
    assert codes(text(tmp_path / "a.nrrd", f"{NRRD}{LPS}{line}\n")) == ["scaling-ignored"] * found
    np.testing.assert_array_equal(read(source(tmp_path / "a.nrrd")).array.ravel(order="F"), voxels((4, 5, 6)).ravel())


def test_units__names() -> None:
    assert [millimetres(name) for name in ("", "mm", "Millimetres", "cm", "m", "metre", "nm")] == [
        1, 1, 1, 10, 1000, 1000, 1e-6,
    ]  # fmt: skip
    assert millimetres("px") is None and millimetres("s") is None
