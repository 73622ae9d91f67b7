"""Read one scan: its header is checked, then its voxels; whatever is wrong becomes a finding."""

import hashlib
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.geometry import Volume, axes_of, spacing_of
from orienteer.scans.findings import Finding, finding, unopened
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.library_messages import without_messages
from orienteer.scans.formats.opening import OpenedScan, open_scan
from orienteer.scans.labels.values import check_values
from orienteer.scans.multichannel import join_channels
from orienteer.scans.plausibility import check_header, check_voxels, guess_modality
from orienteer.scans.source import ScanInfo, Source


def read(source: Source) -> Volume:
    """The scan as ``(C, X, Y, Z)`` in the file's own orientation, intensities rescaled (HU for CT).

    C is 1 unless the source takes a file's volumes as channels. Integers up to 32 bits stay integers; all else is
    float32. Few NaN are replaced by the lowest value.

    Raises:
        ScanError: with the code of the first finding that is an error.
    """
    return read_with_info(source)[1]


def read_with_info(source: Source) -> tuple[ScanInfo, Volume]:
    """What ``read`` gives, and what was found about the scan.

    Raises:
        ScanError: as ``read``.
    """
    info, volume = load(source)
    if volume is None:
        worst = next(f for f in info.findings if f.level == "error")
        message = worst.message.removeprefix(f"{source.paths[0].name}: ")
        raise ScanError(f"{source.relative}: {message}", code=worst.code, cure=worst.cure)
    return info, volume


def inspect(source: Source, *, voxels: bool = True) -> ScanInfo:
    """What the scan is and what is wrong with it; never raises for a bad file.

    Args:
        source: the scan.
        voxels: False reads the header only: no range, no content hash, no findings about voxels.
    """
    return load(source, voxels=voxels)[0]


def load(source: Source, *, voxels: bool = True) -> tuple[ScanInfo, Volume | None]:
    """What the scan is, and its volume; None where a finding is an error, or where voxels are not wanted."""
    begun = time.perf_counter()
    info, volume = ScanInfo(source=source, findings=source.faults), None
    with without_messages():
        try:
            if source.parts:
                info, volume = join_channels(source, [load(part, voxels=voxels) for part in source.parts])
            else:
                info, volume = _load_files(source, voxels=voxels)
        except Exception as error:  # a damaged file can break a library anywhere; one scan must not stop the rest
            info = info.with_findings(_reason(source, error))
    return replace(info, seconds=time.perf_counter() - begun), volume if info.usable else None


def _load_files(source: Source, *, voxels: bool) -> tuple[ScanInfo, Volume | None]:
    """One file, or one DICOM series.

    Raises:
        ScanError: it cannot be used.
    """
    opened = open_scan(source)
    info = _describe(source, opened.header)
    return _with_voxels(info, opened) if voxels and info.usable else (info, None)


def _describe(source: Source, header: Header) -> ScanInfo:
    with np.errstate(all="ignore"):
        spacing = spacing_of(header.affine)
    found = (*header.findings, *check_header(header, spacing, labels=source.sparse))
    placed = not any(f.code in ("affine-singular", "spacing-absurd") for f in found)
    return ScanInfo(
        source=source,
        shape=header.shape,
        spacing=tuple(float(mm) for mm in spacing),
        axes=axes_of(header.affine) if placed else "",
        affine=header.affine,
        channels=max(header.channels, header.components),
        dtype=header.dtype,
        modality=header.modality or "unknown",
        modality_said=bool(header.modality),
        findings=(*source.faults, *found, *_channel_count(source, header.channels)),
    )


def _channel_count(source: Source, channels: int) -> list[Finding]:
    """A finding where the file holds other channels than its layout names."""
    names = source.channel_names
    message = f"the file holds {channels} channels, {len(names)} are named: {', '.join(names)}"
    return [finding("channels-differ", message)] if names and len(names) != channels else []


def _with_voxels(info: ScanInfo, opened: OpenedScan) -> tuple[ScanInfo, Volume]:
    check = check_values if info.source.sparse else check_voxels
    array, low, high, found = check(_plain(opened.voxels()))
    info = replace(
        info,
        low=low,
        high=high,
        modality=opened.header.modality or guess_modality(low, high),
        content=_digest(array),
        findings=(*info.findings, *found),
    )
    return info, Volume(array=array, affine=opened.header.affine)


def _digest(array: NDArray) -> str:
    """SHA-256 of the values, whatever type they are stored in: a copy in another type is a copy."""
    total = hashlib.sha256(repr(array.shape).encode())
    for channel in array:
        for part in channel:
            with np.errstate(over="ignore"):
                total.update(np.ascontiguousarray(part, dtype=np.float32).data)
    return total.hexdigest()


def _plain(array: NDArray) -> NDArray:
    """Native byte order; integers up to 32 bits as they are, everything else float32."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind in "iu" and size <= 4:
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _reason(source: Source, error: Exception) -> Finding:
    """What was wrong with a scan that cannot be used."""
    if isinstance(error, MemoryError):
        return finding("out-of-memory", "does not fit into the memory that is free")
    refused = Finding(error.code, "error", error.message, error.cure) if isinstance(error, ScanError) else None
    if refused and refused.code != "unreadable":
        return refused
    # The libraries that read formats report a missing right as damage.
    cause = error if isinstance(error, OSError) else _closed(source)
    if cause is not None:
        return unopened(cause, f"cannot be opened: {cause.strerror or 'read error'}")
    return refused or finding("unreadable", f"the reader broke on it ({type(error).__name__})")


def _closed(source: Source) -> PermissionError | None:
    """Why a file of the scan may not be read; None where all may."""
    for path in source.paths:
        try:
            path.open("rb").close()
        except PermissionError as error:
            return error
        except OSError:
            continue  # told in the reader's own words
    return None
