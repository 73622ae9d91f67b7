"""The voxels of DICOM frames: plain ones by pydicom, compressed ones by the GDCM that SimpleITK carries."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels import iter_pixels

from orienteer.errors import ScanError
from orienteer.scans.dicom.compressed import PIXEL_TAGS, decode, guard_syntax
from orienteer.scans.dicom.file import open_dataset
from orienteer.scans.dicom.header import Frame, photometric
from orienteer.scans.dicom.padding import Mask
from orienteer.scans.dicom.scaling import IDENTITY, read_table, through_table
from orienteer.scans.findings import refusal

VOXEL_TAGS: list[str | int] = [*PIXEL_TAGS, "NumberOfFrames", "PlanarConfiguration", "PixelData"]

BROKEN = (ValueError, EOFError, OSError, AttributeError, KeyError, IndexError, RuntimeError, NotImplementedError,
          TypeError)  # fmt: skip
"""What pydicom and GDCM let through when a file does not hold what its header says."""


def read_frames(frames: Sequence[Frame]) -> tuple[list[NDArray], list[Mask | None]]:
    """``(rows, columns)`` each, scaled as its own header says, and where each holds padding.

    A file of many frames is opened once.

    Raises:
        ScanError: voxels are cut, damaged, or compressed in a way nobody here can read; a Modality LUT is damaged.
    """
    table = lru_cache(maxsize=1)(read_table)
    wanted: dict[Path, list[int]] = {}
    for frame in frames:
        wanted.setdefault(frame.path, []).append(frame.index)
    stored = {path: _stored(path, indices) for path, indices in wanted.items() if len(indices) > 1}
    slices: list[NDArray] = []
    padded: list[Mask | None] = []
    for frame in frames:
        kept = stored.get(frame.path)
        pixels = kept.pop(frame.index) if kept is not None else _stored(frame.path, [frame.index])[frame.index]
        if pixels.shape != (frame.geometry.rows, frame.geometry.columns):
            raise refusal("dicom-mixed", f"{frame.path.name}: {pixels.shape} voxels, unlike its header")
        if frame.scaling.table:
            slices.append(through_table(frame.path, table(frame.path), pixels))
        else:
            slices.append(_rescaled(pixels, *(frame.scaling.line or IDENTITY)))
        padded.append(_padded(pixels, frame.padding))
    return slices, padded


def _stored(path: Path, indices: list[int]) -> dict[int, NDArray]:
    """Stored values of some frames of one file, by frame."""
    try:
        data = open_dataset(path, VOXEL_TAGS, voxels=True)
        data.PhotometricInterpretation = photometric(data)
        syntax = data.file_meta.TransferSyntaxUID
        if syntax.is_encapsulated:
            guard_syntax(path, syntax)
            return {index: decode(path, data, _packed(data, index)) for index in indices}
        if data["PixelData"].is_undefined_length:
            raise refusal("dicom-compression", f"{path.name}: compressed, and the header does not say how")
        if int(data.get("NumberOfFrames") or 1) == 1:
            return {0: data.pixel_array}
        return dict(zip(indices, iter_pixels(data, indices=indices, raw=True), strict=True))
    except ScanError:
        raise
    except BROKEN as error:
        short = "expected" in str(error).lower() or "bytes" in str(error).lower()
        code = "truncated" if short else "unreadable"
        raise refusal(code, f"{path.name}: its voxels cannot be decoded") from None


def _packed(data: Dataset, index: int) -> bytes:
    """One frame's compressed bytes."""
    frames = int(data.get("NumberOfFrames") or 1)
    packed: bytes = get_frame(data.PixelData, index, number_of_frames=frames)
    return packed


def _padded(stored: NDArray, padding: tuple[int, int] | None) -> Mask | None:
    if padding is None:
        return None
    mask = (stored >= padding[0]) & (stored <= padding[1])
    return mask if mask.any() else None


def _rescaled(stored: NDArray, slope: float, intercept: float) -> NDArray:
    limits = np.iinfo(np.int32)
    ends = (int(stored.min()) + intercept, int(stored.max()) + intercept)
    if slope == 1 and intercept == int(intercept) and limits.min <= ends[0] and ends[1] <= limits.max:
        whole: NDArray = stored.astype(np.int32) + int(intercept)
        return whole
    scaled: NDArray = (stored * slope + intercept).astype(np.float32)
    return scaled
