"""Enhanced (multi-frame) DICOM files written to disk for tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from tests.scans.dicom_files import blank


def frame_group(
    position: Sequence[float],
    *,
    direction: Sequence[float] | None = (1, 0, 0, 0, 1, 0),
    spacing: Sequence[float] | None = (1.5, 0.75),
    rescale: tuple[float, float] | None = None,
    b_value: float | None = None,
    echo: float | None = None,
    time: int | None = None,
) -> Dataset:
    """One frame's functional group; what is None is left to the shared one."""
    group = Dataset()
    group.PlanePositionSequence = _item(ImagePositionPatient=list(position))
    if direction:
        group.PlaneOrientationSequence = _item(ImageOrientationPatient=list(direction))
    if spacing:
        group.PixelMeasuresSequence = _item(PixelSpacing=list(spacing))
    if rescale:
        group.PixelValueTransformationSequence = _item(RescaleSlope=rescale[0], RescaleIntercept=rescale[1])
    if b_value is not None:
        group.MRDiffusionSequence = _item(DiffusionBValue=b_value)
    if echo is not None:
        group.MREchoSequence = _item(EffectiveEchoTime=echo)
    if time is not None:
        group.FrameContentSequence = _item(TemporalPositionIndex=time)
    return group


def enhanced(
    path: Path,
    groups: Sequence[Dataset],
    stored: NDArray[np.uint16],
    shared: Dataset | None = None,
    uid: str = "1.2.3.9",
    tags: Mapping[str, Any] | None = None,
) -> Path:
    """Write an Enhanced MR file.

    Args:
        path: where.
        groups: one for each frame.
        stored: ``(frames, rows, columns)``.
        shared: the group of all frames.
        uid: of the series.
        tags: further attributes of the file.
    """
    data = _many(uid, stored, EnhancedMRImageStorage)
    data.PerFrameFunctionalGroupsSequence = Items(groups)
    if shared is not None:
        data.SharedFunctionalGroupsSequence = Items([shared])
    for name, value in (tags or {}).items():
        setattr(data, name, value)
    return _save(data, path)


def offsets(path: Path, stored: NDArray[np.uint16], steps: Sequence[float], **tags: Any) -> Path:
    """Write an older file of many frames: the first one's place and each one's offset."""
    data = _many("1.2.3.8", stored, MultiFrameGrayscaleWordSecondaryCaptureImageStorage)
    data.ImagePositionPatient = [-30, -40, 5]
    data.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    data.PixelSpacing = [1.5, 0.75]
    data.GridFrameOffsetVector = list(steps)
    for name, value in tags.items():
        setattr(data, name, value)
    return _save(data, path)


def _item(**values: Any) -> Items:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return Items([item])


def _many(uid: str, stored: NDArray[np.uint16], kind: str = CTImageStorage) -> Dataset:
    data = blank(uid, "MR", ("ORIGINAL", "PRIMARY", "M"))
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = kind
    data.NumberOfFrames, data.Rows, data.Columns = stored.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelData = stored.astype("<u2").tobytes()
    return data


def _save(data: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path
