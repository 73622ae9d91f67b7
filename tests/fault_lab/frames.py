"""What an enhanced DICOM file can suffer: frames without a place, without a description, or that are not there."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.fault_lab.series import FolderChange, set_tags


def _group(index: int, name: str, **values: object) -> FolderChange:
    """Change one frame's functional group; without values it is taken away."""

    def change(paths: list[Path]) -> None:
        data = pydicom.dcmread(paths[0])
        group = data.PerFrameFunctionalGroupsSequence[index]
        if values:
            for tag, value in values.items():
                setattr(group[name][0], tag, value)
        else:
            del group[name]
        data.save_as(paths[0])

    return change


def _groups(count: int) -> FolderChange:
    def change(paths: list[Path]) -> None:
        data = pydicom.dcmread(paths[0])
        groups = list(data.PerFrameFunctionalGroupsSequence)
        data.PerFrameFunctionalGroupsSequence = Sequence((groups + [Dataset()] * count)[:count])
        data.save_as(paths[0])

    return change


FRAMES: dict[str, tuple[bool, FolderChange]] = {
    "no place": (True, _group(2, "PlanePositionSequence")),
    "a place of 1e30": (True, _group(2, "PlanePositionSequence", ImagePositionPatient=[1e30, 0, 0])),
    "a place of another frame": (True, _group(2, "PlanePositionSequence", ImagePositionPatient=[-30, -40, 2])),
    "a frame turned": (True, _group(2, "PlaneOrientationSequence", ImageOrientationPatient=[0, 1, 0, 1, 0, 0])),
    "a frame coarser": (True, _group(2, "PixelMeasuresSequence", PixelSpacing=[9, 9])),
    "one description less": (True, _groups(7)),
    "one description more": (True, _groups(9)),
    "no description": (True, _groups(0)),
    "2^31 frames": (True, set_tags(slice(None), NumberOfFrames=2**31 - 1)),
    "0 frames": (False, set_tags(slice(None), NumberOfFrames=0)),
    "60000 rows": (True, set_tags(slice(None), Rows=60000, Columns=60000)),
    "no voxels": (True, set_tags(slice(None), PixelData=b"")),
}
"""What is wrong, to whether it must be reported, and how it is done."""
