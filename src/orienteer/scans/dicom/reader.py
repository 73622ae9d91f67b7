"""DICOM: slices or frames put in order by their position, never by their name, and brought onto a regular grid."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.dicom.header import FileHeader, Frame, read_header
from orienteer.scans.dicom.regrid import regrid
from orienteer.scans.dicom.stack import Stack, stack
from orienteer.scans.dicom.volumes import volumes_of
from orienteer.scans.dicom.voxels import read_frames
from orienteer.scans.findings import finding, refusal
from orienteer.scans.formats.opened import LPS_TO_RAS, MAX_VOXELS, Opened
from orienteer.scans.source import Source


def open_dicom(source: Source) -> Opened:
    """Read the headers of one volume and lay its slices out in space.

    Raises:
        ScanError: a slice cannot be read, or the slices make no volume.
    """
    headers = [read_header(path) for path in source.paths]
    _refuse_kind(headers)
    groups = volumes_of([_chosen(header, source) for header in headers])
    if any(group.localiser for group in groups):
        raise refusal("dicom-localiser", f"{sum(len(group.frames) for group in groups)} localiser images")
    if len(groups) > 1:
        raise refusal("dicom-repeated-slices", f"{len(groups)} volumes in one series, and which one is not said")
    copies = {frame.key for frame in groups[0].copies}
    frames = [frame for frame in groups[0].frames if frame.key not in copies]
    stacked = stack([frame.geometry for frame in frames])
    if np.prod(stacked.shape, dtype=np.float64) > MAX_VOXELS:
        raise refusal("too-large", f"the series holds {'x'.join(map(str, stacked.shape))} voxels")
    found = list(stacked.findings)
    if copies:
        found.append(finding("dicom-copied-slices", f"{len(copies)} of {len(groups[0].frames)} slices are copies"))
    return Opened(
        shape=stacked.shape,
        dtype=headers[0].dtype,
        components=headers[0].samples,
        affine=LPS_TO_RAS @ stacked.affine,
        voxels=partial(_voxels, [frames[index] for index in stacked.order], stacked),
        modality=headers[0].modality,
        findings=tuple(found),
    )


def _refuse_kind(headers: Sequence[FileHeader]) -> None:
    """What cannot be a volume, whatever its geometry."""
    first = headers[0]
    if any(not header.frames for header in headers):
        raise refusal("dicom-multi-frame", f"{first.announced} frames in {first.path.name}, and no place for each")
    if any(header.mosaic for header in headers):
        raise refusal("dicom-mosaic", f"{len(headers)} images that each hold all slices")
    if any(header.palette for header in headers):
        raise refusal("colour", "values that are places in a table of colours")
    if len({(header.dtype, header.samples) for header in headers}) > 1:
        raise refusal("dicom-mixed", "the slices differ in data type")


def _chosen(header: FileHeader, source: Source) -> FileHeader:
    """The header with the frames that belong to the source's volume."""
    if not source.frames:
        return header
    wanted = set(source.frames[source.paths.index(header.path)])
    return header.with_frames(tuple(frame for frame in header.frames if frame.index in wanted))


def _voxels(frames: Sequence[Frame], stacked: Stack) -> NDArray:
    """``(1, columns, rows, slices)``."""
    slices = read_frames(frames)
    if stacked.regrid is None:
        return np.stack(slices).T[None]
    return regrid(slices, stacked.regrid, stacked.shape)[None]
