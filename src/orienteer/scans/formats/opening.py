"""The one door through which a scan of any format is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.scans.fetched import guard_fetched
from orienteer.scans.findings import refusal
from orienteer.scans.formats.format import Format
from orienteer.scans.formats.header import Header
from orienteer.scans.formats.isolated import isolated
from orienteer.scans.formats.registry import format_named
from orienteer.scans.placement import Placement
from orienteer.scans.source import Source

LONGEST_MAGIC = 256


@dataclass(frozen=True)
class OpenedScan:
    """A scan whose header was read, and a way to get its voxels ``(C, X, Y, Z)``."""

    header: Header
    voxels: Callable[[], NDArray]


def open_scan(source: Source) -> OpenedScan:
    """Read the header of a scan of one format.

    A reader keeps nothing between header and voxels but its header, so both may run in another process, and those of
    native libraries do.

    Raises:
        ScanError: the scan cannot be used.
        OSError: a file cannot be opened.
    """
    kind = format_named(source.format)
    for path in source.paths:
        guard_fetched(path)
        if path.stat().st_size == 0:
            raise refusal("empty-file", f"{path.name} holds no bytes")
    _guard_magic(source, kind)
    call = isolated if kind.native else _here
    header: Header = call(kind.read_header, source)

    def voxels() -> NDArray:
        array: NDArray = call(kind.read_voxels, source, header)
        if array.shape != (header.channels, *header.shape):
            raise refusal("unreadable", f"the header says {header.shape}, the voxels are {array.shape[1:]}")
        return array

    return OpenedScan(header, voxels)


def placement_of(source: Source, volume: Volume) -> Placement:
    """Where a scan that was read lies, as a NIfTI header says it; one of several files lies where its first one does.

    Raises:
        ScanError: the file is no longer what it was.
        OSError: it cannot be opened.
    """
    first = source.parts[0] if source.parts else source
    return format_named(first.format).placement(first, volume)


def _here(function: Callable[..., Any], *args: Any) -> Any:
    return function(*args)


def _guard_magic(source: Source, kind: Format) -> None:
    for path in source.paths if kind.magic else ():
        with path.open("rb") as stream:
            start = stream.read(LONGEST_MAGIC)
        if not start.lstrip().startswith(kind.magic):
            raise refusal("not-a-scan", f"{path.name}: it does not begin as a {kind.name} file does")
