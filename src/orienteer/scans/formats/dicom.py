"""DICOM: slices or frames put in order by their position, never by their name, and brought onto a regular grid."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.scans.dicom.file import is_dicom
from orienteer.scans.dicom.folder import damaged_sources, series_of
from orienteer.scans.dicom.greys import check_greys, turn_over
from orienteer.scans.dicom.header import FileHeader, Frame, read_header
from orienteer.scans.dicom.padding import about_padding, fill_padding, named_padding
from orienteer.scans.dicom.regrid import regrid
from orienteer.scans.dicom.scaling import check_scaling
from orienteer.scans.dicom.scattered import chosen, with_scattered
from orienteer.scans.dicom.sources import sources_of
from orienteer.scans.dicom.stack import Stack, stack
from orienteer.scans.dicom.volumes import volumes_of
from orienteer.scans.dicom.voxels import read_frames
from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import LPS_TO_RAS, Header
from orienteer.scans.formats.limits import MAX_VOXELS
from orienteer.scans.source import Skipped, Source, below_root

INDEX = "DICOMDIR"
"""A list of the files on a disk, in DICOM's own format; the files are found without it."""

PHASE = re.compile(r"'(P|PHASE|PHASE MAP|VELOCITY|VELOCITY MAP)'", re.IGNORECASE)
"""What MR's ImageType says, among its parts, of an image that is no magnitude."""


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeHeader(Header):
    """One volume of a series.

    Attributes:
        frames: its slices, in order of their position.
        stacked: where they lie, and how they come onto a grid.
        turned: whether the lowest value is shown white and intensities are turned over, so that air is dark.
    """

    frames: tuple[Frame, ...]
    stacked: Stack
    turned: bool = False


class DicomFormat(Format[VolumeHeader]):
    """Slices of a series, a file each, or frames of an enhanced file; with or without extension."""

    name = "DICOM"
    extensions = (".dcm", ".ima")
    one_file_a_scan = False
    native = True
    reading = 3  # through a Modality LUT, and padding is background, 0 too where it is bright

    def recognises(self, path: Path) -> bool:
        """Whether the file says it is DICOM, as those of scanners and archives do that have no extension."""
        return path.name != INDEX and is_dicom(path)

    def scans(self, paths: Sequence[Path], root: Path) -> Iterator[Source | Skipped]:
        """One scan a volume; and files whose header cannot be read, so that they are reported."""
        headers: list[FileHeader] = []
        damaged: list[tuple[Path, ScanError]] = []
        for path in paths:
            try:
                headers.append(read_header(path))
            except ScanError as error:
                damaged.append((path, error))
        yield from (Skipped(below_root(h.path, root), "skipped-dicom") for h in headers if not h.image)
        series, captures = series_of([header for header in headers if header.image])
        yield from (Skipped(below_root(header.path, root), "skipped-screenshot") for header in captures)
        folder = paths[0].parent
        name = below_root(folder, root) if folder != root else root.resolve().name
        yield from damaged_sources(damaged, name, root, alone=not series)
        for short, of_series in series.items():
            yield from sources_of(of_series, name if len(series) == 1 else f"{name}/{short}", root)

    def side_by_side(self, scans: Sequence[Source]) -> list[Source]:
        """An error for each part of a series whose other slices lie in another folder."""
        return with_scattered(scans)

    def read_header(self, source: Source) -> VolumeHeader:
        """Read the headers of one volume and lay its slices out in space.

        Raises:
            ScanError: a slice cannot be read, or the slices make no volume.
        """
        headers = _headers(source.paths)
        _refuse_type(headers)
        groups = volumes_of([chosen(header, source) for header in headers])
        if any(group.localiser for group in groups):
            raise refusal("dicom-localiser", f"{sum(len(group.frames) for group in groups)} localiser images")
        if len(groups) > 1:
            raise refusal("dicom-repeated-slices", f"{len(groups)} volumes in one series, and which one is not said")
        copies = {frame.key for frame in groups[0].copies}
        frames = [frame for frame in groups[0].frames if frame.key not in copies]
        _refuse_sizes(frames)
        stacked = stack([frame.geometry for frame in frames])
        if np.prod(stacked.shape, dtype=np.float64) > MAX_VOXELS:
            raise refusal("too-large", f"the series holds {'x'.join(map(str, stacked.shape))} voxels")
        turned, about_greys = check_greys(headers)
        found = [*stacked.findings, *about_greys, *_about_commas(headers)]
        found += check_scaling(frames, headers[0].modality)
        found += about_padding(frames, headers[0].modality, turned=turned)
        found += [*_about_kernels(frames), *_about_references(headers), *_about_phase(frames, headers[0].modality)]
        if copies:
            found.append(finding("dicom-copied-slices", f"{len(copies)} of {len(groups[0].frames)} slices are copies"))
        return VolumeHeader(
            shape=stacked.shape,
            dtype=headers[0].dtype,
            components=headers[0].samples,
            affine=LPS_TO_RAS @ stacked.affine,
            modality=headers[0].modality,
            findings=tuple(found),
            frames=tuple(frames[index] for index in stacked.order),
            stacked=stacked,
            turned=turned,
        )

    def read_voxels(self, source: Source, header: VolumeHeader) -> NDArray:
        """``(1, columns, rows, slices)``."""
        slices, padded = read_frames(header.frames)
        modality, turned = header.modality or "", header.turned
        if named_padding(header.frames, modality, turned=turned):
            fill_padding(slices, padded, modality, turned=turned)
        if turned:
            slices = turn_over(slices)
        if header.stacked.regrid is None:
            return np.stack(slices).T[None]
        return regrid(slices, header.stacked.regrid, header.stacked.shape)[None]


def _headers(paths: Sequence[Path]) -> list[FileHeader]:
    """All headers of a volume; an error names the first file that makes one, and how many there are."""
    headers = []
    for number, path in enumerate(paths):
        try:
            headers.append(read_header(path))
        except ScanError as error:
            if len(paths) == 1:
                raise
            which = f"of {len(paths)} files, {'the first' if not number else f'number {number + 1}'}"
            raise ScanError(f"{error.message} ({which})", code=error.code, cure=error.cure) from None
    return headers


def _about_commas(headers: Sequence[FileHeader]) -> list[Finding]:
    names = sorted({name for header in headers for name in header.commas})
    message = f"{', '.join(names)}: a decimal comma, read as a decimal point"
    return [finding("dicom-decimal-comma", message)] if names else []


def _about_kernels(frames: Sequence[Frame]) -> list[Finding]:
    """A warning where slices of several reconstructions lie between one another, or one after the other."""
    count = len({frame.tags["ConvolutionKernel"] for frame in frames if "ConvolutionKernel" in frame.tags})
    message = f"the slices have {count} convolution kernels"
    return [finding("dicom-mixed", message, level="warning")] if count > 1 else []


def _about_phase(frames: Sequence[Frame], modality: str) -> list[Finding]:
    """A warning where MR is phase: angles or velocities, in which the anatomy hardly shows."""
    count = sum(bool(PHASE.search(frame.tags.get("ImageType", ""))) for frame in frames)
    message = f"{count} of {len(frames)} slices are phase, not magnitude (ImageType)"
    return [finding("dicom-phase", message)] if count and modality == "MR" else []


def _about_references(headers: Sequence[FileHeader]) -> list[Finding]:
    """A warning where the slices' positions are told in several frames of reference."""
    count = len({header.reference for header in headers} - {""})
    message = f"the slices name {count} frames of reference, between which positions cannot be compared"
    return [finding("dicom-mixed", message, level="warning")] if count > 1 else []


def _refuse_type(headers: Sequence[FileHeader]) -> None:
    """What cannot be a volume, whatever its geometry."""
    first = headers[0]
    if any(not header.frames for header in headers):
        raise refusal("dicom-multi-frame", f"{first.announced} frames in {first.path.name}, and no place for each")
    if any(header.mosaic for header in headers):
        raise refusal("dicom-mosaic", f"{len(headers)} images that each hold all slices")
    if len({header.series for header in headers}) > 1:
        message = f"{len(headers)} files that look like one series, and each has a series UID of its own"
        raise refusal("dicom-series-apart", message)
    if any(header.palette for header in headers):
        raise refusal("colour", "values that are places in a table of colours")
    if not all(header.aligned for header in headers):
        raise refusal("dicom-scaling", "HighBit and BitsStored disagree on the bits that hold the values")
    if len({header.modality for header in headers}) > 1:
        raise refusal("dicom-mixed", "the slices differ in modality")
    if len({(header.dtype, header.samples) for header in headers}) > 1:
        raise refusal("dicom-mixed", "the slices differ in data type")


def _refuse_sizes(frames: Sequence[Frame]) -> None:
    """Name the files whose slices have another size than most."""
    sizes = [(frame.geometry.rows, frame.geometry.columns) for frame in frames]
    ((usual, _), *others) = Counter(sizes).most_common()
    if others and all(frame.geometry.placed for frame in frames):
        odd = sorted({frame.path.name for frame, size in zip(frames, sizes, strict=True) if size != usual})
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        raise refusal("dicom-mixed", f"the slices differ in size: {', '.join(odd[:3])}{more} unlike the others")
