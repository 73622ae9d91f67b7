"""The header of one DICOM file, reduced to what a volume needs: no name or date is ever read, and no id is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from orienteer.errors import ScanError
from orienteer.scans.dicom.damage import damaged_tags, drop, mend_commas, tag_name
from orienteer.scans.dicom.file import open_dataset
from orienteer.scans.dicom.functional_groups import enhanced_frames, offset_frames
from orienteer.scans.dicom.padding import padding_of
from orienteer.scans.dicom.patient import PATIENT, patient_of
from orienteer.scans.dicom.scaling import SCALING_TAGS, Scaling, scaling_of
from orienteer.scans.dicom.stack import Slice, finite_numbers
from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import refusal

DISTINGUISHING = (
    "EchoNumbers", "TemporalPositionIdentifier", "AcquisitionNumber", "DiffusionBValue",
    "DiffusionGradientOrientation", "ImageType", "EchoTime", "InversionTime", "TriggerTime", "FrameReferenceTime",
    "NominalPercentageOfCardiacPhase", "KVP", "ConvolutionKernel",
)  # fmt: skip
"""Tags that may distinguish the volumes of one series; the first that does is used."""

PRIVATE_B_VALUES = (0x0019100C, 0x00431039, 0x20011003)
"""Siemens, GE and Philips, who kept the b-value to themselves before there was a tag for it."""

TAGS: list[str | int] = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "InstanceNumber",
    "Modality", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "PresentationLUTShape", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "GridFrameOffsetVector", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", *SCALING_TAGS, "PixelPaddingValue", "PixelPaddingRangeLimit",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", *DISTINGUISHING, *PRIVATE_B_VALUES,
]  # fmt: skip
"""All that is ever kept of a header besides the voxels: nothing that tells who or when."""

SPARE = {
    *DISTINGUISHING, *PRIVATE_B_VALUES, "FrameOfReferenceUID", "InstanceNumber", "RescaleType", "Units",
    "RealWorldValueMappingSequence", "PresentationLUTShape",
}  # fmt: skip
"""Tags that a volume can do without: a damaged one counts as missing."""

NOT_SCANS = frozenset(
    [
        "SEG",
        "RTSTRUCT",
        "RTDOSE",
        "RTPLAN",
        "SR",
        "PR",
        "KO",
        "REG",
        "DOC",
        "AU",
        "ECG",
        "FID",
        "M3D",
        "PLAN",
        "RTRECORD",
        "RWV",
    ]
)
NOT_SCAN_CLASSES = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.104", "1.3.12.2.1107.5.9.1")
"""How the classes of raw data, registrations and segmentations, of documents, and of Siemens' own data begin."""
SCOUTS = {"LOCALIZER", "LOCALISER", "SCOUT"}
CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
"""How the class of every secondary capture begins: a screenshot, a scanned page, a picture of a result."""
SCREENS = {"SCREEN SAVE", "SCREENSHOT"}


@dataclass(frozen=True)
class Frame:
    """One slice: a file of its own, or one frame of a multi-frame file.

    Attributes:
        path: its file.
        index: its number in the file, from 0.
        geometry: where it is.
        scaling: how its stored values become intensities.
        tags: values of the tags that may distinguish it from others at its position, by the tag's name.
        padding: lowest and highest stored value that is no measurement; None where there is none.
    """

    path: Path
    index: int
    geometry: Slice
    scaling: Scaling
    tags: Mapping[str, str] = field(default_factory=dict)
    padding: tuple[int, int] | None = None

    @property
    def key(self) -> tuple[Path, int]:
        """What no other frame has."""
        return self.path, self.index


@dataclass(frozen=True)
class FileHeader:
    """One file's header.

    Attributes:
        path: the file.
        study: the visit it is from; never shown.
        patient: see ``patient_of``.
        series: the series it belongs to; never shown.
        instance: the image's own id; never shown.
        reference: the frame of reference that its position is told in; never shown.
        number: of the image in its series; None where the header is silent.
        modality: as DICOM says it.
        image: whether it is a scan at all.
        localiser: whether the header calls it one.
        mosaic: whether it is many slices laid out in one image.
        capture: whether it is a screenshot: a secondary capture without a place in the body.
        palette: whether values are places in a table of colours.
        aligned: whether values begin at the lowest bit, as the standard demands.
        monochrome1: whether the lowest value is shown white.
        contradicted: whether it is shown black (MONOCHROME2), and another tag says that it is shown white.
        commas: names of the tags that are written with a decimal comma.
        samples: values per voxel.
        dtype: type on disk.
        frames: one or many; none where a file holds many without the place of each.
        announced: frames the header speaks of.
    """

    path: Path
    study: str
    patient: str = field(repr=False)
    series: str
    instance: str
    reference: str
    number: int | None
    modality: str
    image: bool
    localiser: bool
    mosaic: bool
    capture: bool
    palette: bool
    aligned: bool
    monochrome1: bool
    contradicted: bool
    commas: tuple[str, ...]
    samples: int
    dtype: str
    frames: tuple[Frame, ...]
    announced: int

    def with_frames(self, frames: tuple[Frame, ...]) -> Self:
        """The same header with only these frames."""
        return replace(self, frames=frames)


def read_header(path: Path) -> FileHeader:
    """Read one file's header, without voxels.

    Raises:
        ScanError: the file is not DICOM or its header is damaged.
    """
    guard_fetched(path)
    try:
        data = open_dataset(path, [*TAGS, PATIENT])
        commas = mend_commas(data)
        for tag in damaged_tags(data, TAGS):
            if tag not in SPARE:
                raise refusal("unreadable", f"{path.name}: damaged DICOM header ({tag_name(tag)} cannot be read)")
            drop(data, tag)
        return _header(path, data, tuple(sorted(commas)))
    except InvalidDicomError:
        raise refusal("not-a-scan", f"{path.name}: no DICOM file") from None
    except ScanError:
        raise
    except Exception as error:  # pydicom lets struct, zlib, recursion and many more through
        raise refusal("unreadable", f"{path.name}: damaged DICOM header ({type(error).__name__})") from None


def _header(path: Path, data: Dataset, commas: tuple[str, ...]) -> FileHeader:
    modality, kind = str(data.get("Modality") or ""), str(data.get("SOPClassUID") or "")
    image = modality not in NOT_SCANS and not kind.startswith(NOT_SCAN_CLASSES)
    rows, columns = int(data.get("Rows") or 0), int(data.get("Columns") or 0)
    if image and not (rows and columns):
        raise refusal("unreadable", f"{path.name}: a DICOM header without an image")
    bits, signed = int(data.get("BitsAllocated") or 16), bool(data.get("PixelRepresentation") or 0)
    kinds = {str(part).strip().upper() for part in data.get("ImageType") or ()}
    samples, many = int(data.get("SamplesPerPixel") or 1), int(data.get("NumberOfFrames") or 1)
    shown = photometric(data)
    frames = _frames(path, data, rows, columns) if image else ()
    second_hand = kind.startswith(CAPTURES) or bool(kinds & SCREENS)
    return FileHeader(
        path=path,
        study=str(data.get("StudyInstanceUID") or ""),
        patient=patient_of(data),
        series=str(data.get("SeriesInstanceUID") or ""),
        instance=str(data.get("SOPInstanceUID") or ""),
        reference=str(data.get("FrameOfReferenceUID") or ""),
        number=None if data.get("InstanceNumber") in (None, "") else int(data.InstanceNumber),
        modality=modality,
        image=image,
        localiser=bool(kinds & SCOUTS),
        mosaic="MOSAIC" in kinds,
        capture=second_hand and (many == 1 or samples > 1) and not any(frame.geometry.position for frame in frames),
        palette=shown == "PALETTE COLOR",
        aligned=int(data.get("HighBit") or 0) in (0, int(data.get("BitsStored") or 0) - 1),
        monochrome1=shown == "MONOCHROME1",
        contradicted=shown == "MONOCHROME2" and str(data.get("PresentationLUTShape")).strip().upper() == "INVERSE",
        commas=commas,
        samples=samples,
        dtype=f"{'int' if signed else 'uint'}{bits}",
        frames=frames,
        announced=many,
    )


def photometric(data: Dataset) -> str:
    """How values are shown, as the standard writes it; grey from black to white where nothing is said."""
    samples = int(data.get("SamplesPerPixel") or 1)
    return str(data.get("PhotometricInterpretation") or ("RGB" if samples > 1 else "MONOCHROME2")).strip().upper()


def _frames(path: Path, data: Dataset, rows: int, columns: int) -> tuple[Frame, ...]:
    place = Slice(
        rows=rows,
        columns=columns,
        spacing=finite_numbers(data.get("PixelSpacing"), 2),
        position=finite_numbers(data.get("ImagePositionPatient"), 3),
        direction=finite_numbers(data.get("ImageOrientationPatient"), 6),
    )
    tags, padding = _distinguishing_values(data), padding_of(data)
    if data.get("PerFrameFunctionalGroupsSequence"):
        described = enhanced_frames(path, data, place)
        return tuple(
            Frame(path, index, one.geometry, one.scaling, tags | one.tags, padding)
            for index, one in enumerate(described)
        )
    scaling = scaling_of(data)
    if int(data.get("NumberOfFrames") or 1) > 1:
        return tuple(
            Frame(path, index, geometry, scaling, tags, padding)
            for index, geometry in enumerate(offset_frames(data, place))
        )
    return (Frame(path, 0, place, scaling, tags, padding),)


def _distinguishing_values(data: Dataset) -> dict[str, str]:
    """Values of the distinguishing tags; compared, and never shown."""
    told = {name: str(data.get(name)) for name in DISTINGUISHING if data.get(name) not in (None, "")}
    for tag in PRIVATE_B_VALUES:
        if "DiffusionBValue" not in told and tag in data:
            value = data[tag].value
            first = value[0] if isinstance(value, (list, pydicom.multival.MultiValue)) and value else value
            told["DiffusionBValue"] = str(first)
    return told


def is_number(text: str) -> bool:
    """Whether ``text`` is one finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
