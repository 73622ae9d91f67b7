"""DICOM series written to disk for tests, with a name, an id and a date that must never be printed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

SECRETS = ("Doe^Jane", "MRN-4711", "19550203")
"""In every header; no output may hold them."""


def series(
    folder: Path,
    *,
    positions: Sequence[float] = (0, 2, 4, 6, 8, 10),
    sizes: Sequence[tuple[int, int]] | None = None,
    tilt: float = 0.0,
    names: Sequence[str] | None = None,
    uid: str | None = None,
    image_type: Sequence[str] = ("ORIGINAL", "PRIMARY", "AXIAL"),
    modality: str = "CT",
    slope: float = 1.0,
    intercept: float = -1024.0,
    spacing: tuple[float, float] = (1.5, 0.75),
    drop: Sequence[str] = (),
    frames: int = 1,
    samples: int = 1,
    short: int | None = None,
    seed: int = 0,
    tags: Sequence[Mapping[str, Any]] = (),
    field: Callable[[NDArray], NDArray] | None = None,
) -> list[Path]:
    """Write one series, one file a slice; returns the files in the order of ``positions``.

    Args:
        folder: created if missing.
        positions: mm along the table.
        sizes: (rows, columns) of each slice.
        tilt: degrees by which the slices are turned against the table.
        names: file names; default ``slice_000.dcm`` and so on.
        uid: of the series.
        image_type: DICOM's ImageType.
        modality: DICOM's Modality.
        slope: rescale slope.
        intercept: rescale intercept.
        spacing: mm between rows, mm between columns.
        drop: attributes to leave out.
        frames: frames in each file.
        samples: values per voxel.
        short: index of a slice that holds half its voxels.
        seed: of the voxels.
        tags: further attributes of each slice, by name.
        field: stored values at places ``(..., 3)`` in LPS mm, instead of random ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    angle = np.deg2rad(tilt)
    uid = uid or generate_uid()
    written = []
    for index, z in enumerate(positions):
        rows, columns = sizes[index] if sizes else (16, 12)
        data = blank(uid, modality, image_type)
        data.Rows, data.Columns, data.SamplesPerPixel = rows, columns, samples
        data.PhotometricInterpretation = "MONOCHROME2" if samples == 1 else "RGB"
        if samples > 1:
            data.PlanarConfiguration = 0
        if frames > 1:
            data.NumberOfFrames = frames
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation = 15, 0
        data.PixelSpacing = list(spacing)
        data.ImagePositionPatient = [-30.0, -40.0, float(z)]
        data.ImageOrientationPatient = [1, 0, 0, 0, float(np.cos(angle)), float(-np.sin(angle))]
        data.RescaleSlope, data.RescaleIntercept = slope, intercept
        values = random.integers(0, 2000, (frames, rows, columns, samples))
        for name, value in (tags[index] if tags else {}).items():
            setattr(data, name, value)
        if field is not None:
            values = np.rint(field(centres(data)))
        stored = values.astype("<u2").tobytes()
        data.PixelData = stored[: len(stored) // 2] if index == short else stored
        for name in drop:
            delattr(data, name)
        path = folder / (names[index] if names else f"slice_{index:03d}.dcm")
        data.save_as(path, enforce_file_format=True)
        written.append(path)
    return written


def centres(data: Dataset) -> NDArray:
    """``(rows, columns, 3)`` where each voxel of a slice is, LPS mm, from its header alone."""
    down, across = np.meshgrid(np.arange(data.Rows), np.arange(data.Columns), indexing="ij")
    direction = np.array(data.ImageOrientationPatient, float)
    row = across[..., None] * direction[:3] * float(data.PixelSpacing[1])
    column = down[..., None] * direction[3:] * float(data.PixelSpacing[0])
    return np.array(data.ImagePositionPatient, float) + row + column


def blank(uid: str, modality: str, image_type: Sequence[str]) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = CTImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.SeriesInstanceUID, data.StudyInstanceUID = uid, generate_uid(entropy_srcs=["study", uid])
    data.Modality, data.ImageType = modality, list(image_type)
    data.PatientName, data.PatientID, data.PatientBirthDate = SECRETS
    return data


def rewrite(path: Path, old: bytes, new: bytes) -> Path:
    """Put other bytes of the same number in a file; the library itself writes none that are wrong."""
    assert len(old) == len(new) and old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def without_preamble(path: Path, *, implicit: bool = True) -> Path:
    """The same data set alone, as it was written before there was a preamble: no "DICM", no transfer syntax."""
    data = pydicom.dcmread(path)
    bare = Dataset()
    bare.update(data)
    pydicom.dcmwrite(path, bare, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    return path


def screenshot(folder: Path, **options: Any) -> Path:
    """A secondary capture, which lies nowhere in a body."""
    drop = ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
    options = {"samples": 3, "modality": "OT", "names": ["shot.dcm"]} | options
    (path,) = series(
        folder, positions=[0], drop=drop, **{"samples": 3, "modality": "OT", "names": ["shot.dcm"]} | options
    )
    data = pydicom.dcmread(path)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.save_as(path)
    return path
