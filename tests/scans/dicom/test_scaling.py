"""Stored values become intensities as the header says, by a slope or a table, and never as a screen shows them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from orienteer.scans.discover import discover
from orienteer.scans.findings import Finding
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series
from tests.scans.enhanced_files import enhanced, frame_group

NO_SLOPE = ("RescaleSlope", "RescaleIntercept")


def item(**values: object) -> Items:
    one = Dataset()
    for name, value in values.items():
        setattr(one, name, value)
    return Items([one])


def words(entries: Sequence[int], order: str = "<") -> bytes:
    return np.array(entries, f"{order}u2").tobytes()


def table(entries: Sequence[int], first: int = 0, kind: str = "US", bits: int = 16) -> Items:
    """A Modality LUT."""
    return item(LUTDescriptor=[len(entries), first, bits], ModalityLUTType=kind, LUTData=words(entries))


def squares(offset: int = 0) -> Items:
    return table([offset + n * n for n in range(100)], first=50)


def errors(folder: Path) -> list[tuple[str, str]]:
    (source,) = discover(folder)
    return [(f.code, f.message) for f in inspect(source).findings if f.level == "error"]


def told(folder: Path) -> list[Finding]:
    (source,) = discover(folder)
    return list(inspect(source).findings)


STORED = np.arange(16 * 12).reshape(16, 12)
SQUARED = (np.clip(STORED - 50, 0, 99) ** 2).astype(int)


@pytest.mark.parametrize("written", ["explicit", "implicit", "big endian", "US", "signed", "8 bits", "beside 1 and 0"])
def test_read__values_go_through_a_modality_lut(tmp_path: Path, written: str) -> None:
    drop = [] if written == "beside 1 and 0" else NO_SLOPE
    for index, path in enumerate(
        series(tmp_path / "s", modality="MR", drop=drop, intercept=0, field=lambda places: STORED[..., None])
    ):
        data = pydicom.dcmread(path)
        data.ModalityLUTSequence = squares(index)
        if written == "8 bits":
            data.ModalityLUTSequence = table([index + n // 10 for n in range(100)], first=50, bits=8)
        lut = data.ModalityLUTSequence[0]
        if written == "signed":
            data.PixelRepresentation = 1
            lut.add_new("LUTDescriptor", "SS", [100, -50, 16])
            data.PixelData = (STORED - 100).astype("<i2").tobytes()
        if written == "US":
            lut.add_new("LUTData", "US", np.frombuffer(lut.LUTData, "<u2").tolist())
        how = {"implicit": (True, True), "big endian": (False, False)}.get(written, (False, True))
        if written in ("implicit", "big endian"):
            data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if how[0] else ExplicitVRBigEndian
        if written == "big endian":
            data["PixelData"].VR, data.PixelData = "OW", STORED.astype(">u2").tobytes()
            lut.LUTData = words(np.frombuffer(lut.LUTData, "<u2"), ">")
        pydicom.dcmwrite(path, data, implicit_vr=how[0], little_endian=how[1], force_encoding=True)
    (source,) = discover(tmp_path)
    array = read(source).array[0]
    one = np.clip(STORED - 50, 0, 99) // 10 if written == "8 bits" else SQUARED
    np.testing.assert_array_equal(array, np.stack([one + n for n in range(6)]).T)
    assert told(tmp_path) == []


def test_read__all_frames_of_an_enhanced_file_go_through_its_modality_lut(tmp_path: Path) -> None:
    stored = np.stack([STORED] * 3)
    groups = [frame_group([0, 0, 2.0 * n]) for n in range(3)]
    enhanced(tmp_path / "s" / "a.dcm", groups, stored, tags={"ModalityLUTSequence": squares()})
    (source,) = discover(tmp_path)
    np.testing.assert_array_equal(read(source).array[0], np.stack([SQUARED] * 3).T)


@pytest.mark.parametrize(
    ("lut", "options", "code", "message"),
    [
        (squares(), {"slope": 2.0}, "dicom-scaling", "a Modality LUT beside RescaleSlope and RescaleIntercept"),
        (item(LUTDescriptor=[9, 0, 16], LUTData=words([1, 2])), {"drop": NO_SLOPE}, "dicom-scaling", "LUT is damaged"),
        (item(LUTDescriptor=[9, 0, 16]), {"drop": NO_SLOPE}, "dicom-scaling", "LUT is damaged"),
    ],
)
def test_inspect__a_modality_lut_that_cannot_be_followed_is_refused(
    tmp_path: Path, lut: Items, options: dict, code: str, message: str
) -> None:
    series(tmp_path / "s", modality="MR", tags=[{"ModalityLUTSequence": lut}] * 6, **options)
    ((found, said),) = errors(tmp_path)
    assert found == code and message in said


def test_inspect__a_modality_lut_in_some_slices_is_refused(tmp_path: Path) -> None:
    tags = [{"ModalityLUTSequence": squares()}] * 4 + [{}] * 2
    series(tmp_path / "s", modality="MR", tags=tags, drop=NO_SLOPE)
    assert errors(tmp_path) == [("dicom-mixed", "2 of 6 slices have no Modality LUT")]


@pytest.mark.parametrize(("modality", "slope", "refused"), [("CT", 1.0, True), ("MR", 2.0, True), ("MR", 1.0, False)])
def test_inspect__a_slice_without_the_rescale_of_the_others_is_refused(
    tmp_path: Path, modality: str, slope: float, refused: bool
) -> None:
    path = series(tmp_path / "s", modality=modality, slope=slope, intercept=0)[3]
    data = pydicom.dcmread(path)
    del data.RescaleSlope, data.RescaleIntercept
    data.save_as(path)
    told = ("dicom-mixed", "1 of 6 slices have no RescaleSlope or RescaleIntercept")
    assert errors(tmp_path) == [told] * refused


@pytest.mark.parametrize(("slopes", "refused"), [((1.0, 1.0), False), ((1.0, 2.0), True)])
@pytest.mark.parametrize("many", [False, True])
def test_inspect__slices_that_only_real_world_values_scale_differently_are_refused(
    tmp_path: Path, slopes: tuple[float, float], refused: bool, many: bool
) -> None:
    mapped = [item(RealWorldValueSlope=slopes[n // 3], RealWorldValueIntercept=0.0) for n in range(6)]
    if many:
        groups = [frame_group([0, 0, 2.0 * n]) for n in range(6)]
        for group, one in zip(groups, mapped, strict=True):
            group.RealWorldValueMappingSequence = one
        enhanced(tmp_path / "s" / "a.dcm", groups, np.stack([STORED] * 6))
    else:
        tags = [{"RealWorldValueMappingSequence": one} for one in mapped]
        series(tmp_path / "s", modality="MR", drop=NO_SLOPE, tags=tags)
    assert [code for code, _ in errors(tmp_path)] == ["dicom-scaling"] * refused


@pytest.mark.parametrize(("unit", "warned"), [("HU", False), ("MGML", True), ("US", True)])
@pytest.mark.parametrize("by", ["slope", "table"])
def test_inspect__ct_in_another_unit_is_told(tmp_path: Path, unit: str, warned: bool, by: str) -> None:
    tags = {"RescaleType": unit} if by == "slope" else {"ModalityLUTSequence": table(range(2000), kind=unit)}
    series(tmp_path / "s", tags=[tags] * 6, drop=() if by == "slope" else NO_SLOPE)
    message = "CT in another unit than HU (RescaleType): values are used as they are"
    assert [(f.code, f.message) for f in told(tmp_path)] == [("dicom-no-rescale", message)] * warned


@pytest.mark.parametrize(
    ("modality", "tag", "units"), [("PT", "Units", ("BQML", "CNTS")), ("CT", "RescaleType", ("HU", "US"))]
)
def test_inspect__slices_of_two_units_are_refused(
    tmp_path: Path, modality: str, tag: str, units: tuple[str, str]
) -> None:
    series(tmp_path / "one", modality=modality, tags=[{tag: units[0]}] * 6)
    series(tmp_path / "two", modality=modality, tags=[{tag: unit} for unit in units] * 3)
    one, two = ([(f.code, f.level, f.message) for f in inspect(source).findings] for source in discover(tmp_path))
    assert one == []
    assert two == [("dicom-mixed", "error", "the slices have 2 units of intensity (Units, RescaleType)")]


def test_read__what_a_screen_shows_changes_no_value(tmp_path: Path) -> None:
    shown = {
        "VOILUTSequence": item(LUTDescriptor=[4, 0, 8], LUTData=words([9, 9, 9, 9])),
        "WindowCenter": 40,
        "WindowWidth": 80,
        "VOILUTFunction": "SIGMOID",
        "PresentationLUTShape": "INVERSE",
    }
    series(tmp_path / "plain")
    series(tmp_path / "shown", tags=[shown] * 6)
    plain, other = (read(source).array for source in discover(tmp_path))
    np.testing.assert_array_equal(plain, other)


def test_inspect__values_that_do_not_begin_at_the_lowest_bit_are_refused(tmp_path: Path) -> None:
    series(tmp_path / "s", tags=[{"BitsStored": 12, "HighBit": 15}] * 6)
    assert errors(tmp_path) == [("dicom-scaling", "HighBit and BitsStored disagree on the bits that hold the values")]


VALUES = np.random.default_rng(0).integers(-400, 1500, (6, 16, 12))


@pytest.mark.parametrize(
    ("tags", "stored"),
    [
        ({}, (VALUES + 400) | 0x8000),
        ({"PixelRepresentation": 1}, VALUES & 0x0FFF),
        ({"PixelRepresentation": 1}, VALUES),
    ],
    ids=["stray bits", "signed in 12 bits", "signed in 16 bits"],
)
@pytest.mark.parametrize("many", [False, True])
def test_read__bits_above_those_stored_are_no_part_of_a_value(
    tmp_path: Path, tags: dict, stored: NDArray, many: bool
) -> None:
    said, planes = {"BitsStored": 12, "HighBit": 11} | tags, (stored & 0xFFFF).astype("<u2")
    if many:
        enhanced(tmp_path / "s" / "a.dcm", [frame_group([0, 0, 2.0 * n]) for n in range(6)], planes, tags=said)
    else:
        for path, plane in zip(
            series(tmp_path / "s", modality="MR", intercept=0, tags=[said] * 6), planes, strict=True
        ):
            data = pydicom.dcmread(path)
            data.PixelData = plane.tobytes()
            data.save_as(path)
    (source,) = discover(tmp_path)
    np.testing.assert_array_equal(read(source).array[0].T, VALUES if tags else VALUES + 400)
    assert told(tmp_path) == []


def test_read__each_slice_is_rescaled_by_its_own_slope_and_lies_where_its_position_says(tmp_path: Path) -> None:
    """As in PET; whatever the number of its instance and the nominal spacing are."""
    tags = [{"InstanceNumber": 9 - n, "SpacingBetweenSlices": 2.5, "SliceThickness": 2.5} for n in range(6)]
    expected = []
    for n, path in enumerate(series(tmp_path / "s", modality="PT", intercept=0, tags=tags)):
        data = pydicom.dcmread(path)
        data.RescaleSlope = 1 + n / 4
        expected.append(data.pixel_array.T * (1 + n / 4))
        data.save_as(path)
    (source,) = discover(tmp_path)
    volume = read(source)
    np.testing.assert_array_equal(volume.array[0], np.stack(expected, axis=-1))
    assert volume.affine[2].tolist() == [0, 0, 2, 0] and told(tmp_path) == []


def test_read__unsigned_values_of_32_bits_stay_what_they_are(tmp_path: Path) -> None:
    for path in series(tmp_path / "s", modality="MR", intercept=0):
        data = pydicom.dcmread(path)
        data.BitsAllocated, data.BitsStored, data.HighBit = 32, 32, 31
        data.PixelData = (STORED.astype("<u4") * (1 << 24)).tobytes()
        data.save_as(path)
    (source,) = discover(tmp_path)
    assert read(source).array.max() == STORED.max() * (1 << 24)


def test_inspect__slices_of_two_modalities_kernels_or_frames_of_reference_are_told(tmp_path: Path) -> None:
    tags = [{"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}] * 3
    series(tmp_path / "kernels", tags=tags)
    series(tmp_path / "references", tags=[{"FrameOfReferenceUID": f"1.{n // 3}"} for n in range(6)])
    series(tmp_path / "modalities", tags=[{}] * 3 + [{"Modality": "PT"}] * 3)
    found = [[(f.code, f.level, f.message) for f in inspect(source).findings] for source in discover(tmp_path)]
    message = "the slices name 2 frames of reference, between which positions cannot be compared"
    assert found == [
        [("dicom-mixed", "warning", "the slices have 2 convolution kernels")],
        [("dicom-mixed", "error", "the slices differ in modality")],
        [("dicom-mixed", "warning", message)],
    ]
