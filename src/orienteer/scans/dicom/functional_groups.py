"""Where each frame of a multi-frame DICOM file is, as its functional groups or its offsets say."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from orienteer.scans.dicom.scaling import Scaling, scaling_of
from orienteer.scans.dicom.stack import Slice, finite_numbers
from orienteer.scans.findings import refusal

MOST_FRAMES = 1 << 16

DISTINGUISHING_GROUPS = {
    "TemporalPositionIdentifier": (("FrameContentSequence", "TemporalPositionIndex"),),
    "AcquisitionNumber": (("FrameContentSequence", "FrameAcquisitionNumber"),),
    "StackID": (("FrameContentSequence", "StackID"),),
    "EchoTime": (("MREchoSequence", "EffectiveEchoTime"),),
    "DiffusionBValue": (("MRDiffusionSequence", "DiffusionBValue"),),
    "DiffusionGradientOrientation": (
        ("MRDiffusionSequence", "DiffusionGradientDirectionSequence", "DiffusionGradientOrientation"),
    ),
    "ImageType": (
        ("MRImageFrameTypeSequence", "FrameType"),
        ("CTImageFrameTypeSequence", "FrameType"),
        ("PETFrameTypeSequence", "FrameType"),
    ),
    "InversionTime": (("MRModifierSequence", "InversionTimes"),),
    "TriggerTime": (("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),),
    "KVP": (("CTXRayDetailsSequence", "KVP"),),
    "ConvolutionKernel": (("CTReconstructionSequence", "ConvolutionKernel"),),
}
"""Attributes that may distinguish volumes, by the name of the tag in a file of one slice."""


@dataclass(frozen=True)
class FrameDescription:
    """One frame: its position, how its values are scaled, its distinguishing tags."""

    geometry: Slice
    scaling: Scaling
    tags: dict[str, str]


def enhanced_frames(path: Path, data: Dataset, whole: Slice) -> list[FrameDescription]:
    """The frames of an enhanced file, each by its own group, else by the one all share.

    Args:
        path: the file, for the message.
        data: its header.
        whole: size of the frames, and the place where no group gives one.

    Raises:
        ScanError: the groups are not as many as the frames.
    """
    own = data.PerFrameFunctionalGroupsSequence
    frames = int(data.get("NumberOfFrames") or 1)
    if len(own) != frames or frames > MOST_FRAMES:
        raise refusal("unreadable", f"{path.name}: {frames} frames, {len(own)} descriptions")
    all_share = data.get("SharedFunctionalGroupsSequence") or ()
    groups = [(group, *all_share[:1]) for group in own]
    return [_described(group, data, whole) for group in groups]


def _described(groups: tuple[Dataset, ...], data: Dataset, whole: Slice) -> FrameDescription:
    def said(*names: str) -> Any:
        for group in groups:
            value: Any = group
            for name in names[:-1]:
                value = value.get(name)
                value = value[0] if value else Dataset()
            value = value.get(names[-1])
            if value not in (None, ""):
                return value
        return None

    told = {}
    for name, ways in DISTINGUISHING_GROUPS.items():
        for way in ways:
            if (value := said(*way)) is not None:
                told[name] = str(value)
    return FrameDescription(
        geometry=replace(
            whole,
            spacing=finite_numbers(said("PixelMeasuresSequence", "PixelSpacing"), 2) or whole.spacing,
            position=finite_numbers(said("PlanePositionSequence", "ImagePositionPatient"), 3),
            direction=finite_numbers(said("PlaneOrientationSequence", "ImageOrientationPatient"), 6) or whole.direction,
        ),
        scaling=scaling_of(
            data, said("PixelValueTransformationSequence") or (), said("RealWorldValueMappingSequence") or ()
        ),
        tags=told,
    )


def offset_frames(data: Dataset, first: Slice) -> Iterator[Slice]:
    """The frames of an older file that gives the first one's place and each one's offset along the normal.

    Without offsets there are none: a distance alone does not say to which side the frames go on.
    """
    frames = int(data.get("NumberOfFrames") or 1)
    offsets = finite_numbers(data.get("GridFrameOffsetVector"), frames) if frames <= MOST_FRAMES else ()
    if not (offsets and first.position and first.direction):
        return
    # From 0 on they count from the first frame; otherwise they are places along z, which another tag must turn.
    if offsets[0] != 0:
        return
    for offset in offsets:
        position = np.add(first.position, offset * first.normal)
        yield replace(first, position=tuple(float(value) for value in position))
