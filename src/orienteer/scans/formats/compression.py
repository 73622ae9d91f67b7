"""Compressed voxels checked before a library inflates them: their checksum, and how far they grow."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orienteer.scans.findings import refusal
from orienteer.scans.formats.limits import FREE_BYTES, MAX_SCAN_INFLATION


@dataclass(frozen=True)
class StoredVoxels:
    """Where the voxels are: the file, the first byte, how many bytes, and whether they are compressed."""

    path: Path
    offset: int
    available: int
    packed: bool


def verify_compressed(stored: StoredVoxels, expected: int) -> None:
    """Inflate the voxels once and throw them away, because ITK reads damaged streams without a word.

    Args:
        stored: the compressed voxels.
        expected: bytes they must inflate to.

    Raises:
        ScanError: ``damaged``, ``truncated`` or ``inflates-too-far``.
    """
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # zlib or gzip, whichever the first bytes say
    inflated = 0
    for inflated in _growing(stored.path, stored.offset, inflater):
        if inflated > expected + FREE_BYTES:
            raise refusal("inflates-too-far", f"{stored.path.name}: grows far beyond its voxels")
    if not inflater.eof or inflated < expected:
        raise refusal("truncated", f"{stored.path.name}: the data ends before the last voxel")


def guard_deflated(path: Path, offset: int) -> None:
    """Refuse a deflated stream (no zlib header) that grows too far.

    Raises:
        ScanError: ``damaged`` or ``inflates-too-far``.
    """
    limit = max(FREE_BYTES, MAX_SCAN_INFLATION * path.stat().st_size)
    for inflated in _growing(path, offset, zlib.decompressobj(wbits=-zlib.MAX_WBITS)):
        if inflated > limit:
            raise refusal("inflates-too-far", f"{path.name}: compressed data that grows too far")


def _growing(path: Path, offset: int, inflater: "zlib._Decompress") -> Iterator[int]:
    """Bytes inflated so far, while 1 MiB of them is held at a time."""
    inflated = 0
    with path.open("rb") as stream:
        stream.seek(offset)
        try:
            while not inflater.eof and (packed := stream.read(1 << 20)):
                while packed and not inflater.eof:
                    inflated += len(inflater.decompress(packed, 1 << 20))
                    packed = inflater.unconsumed_tail
                    yield inflated
        except zlib.error:
            raise refusal("damaged", f"{path.name}: the compressed voxels are damaged") from None
