"""What any file can suffer, whatever its format: cut, flipped, overwritten, emptied."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np

Change = Callable[[Path, np.random.Generator], None]
"""Damages one file in place."""

BLOCK = 1 << 26
"""64 MiB of zeros, compressed once and repeated: a bomb of gigabytes is written in a moment."""


def cut_at(share: float, less: int = 0) -> Change:
    """Keep ``share`` of the bytes, and ``less`` fewer."""

    def change(path: Path, _: np.random.Generator) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: max(int(len(data) * share) - less, 0)])

    return change


def flip_bits(first: float, last: float, count: int) -> Change:
    """Flip ``count`` bits between two places, given as shares of the file."""

    def change(path: Path, random: np.random.Generator) -> None:
        data = bytearray(path.read_bytes())
        for place in random.integers(int(first * len(data)), max(int(last * len(data)), 1), count):
            data[place] ^= 1 << int(random.integers(8))
        path.write_bytes(data)

    return change


def overwrite(first: int, length: int) -> Change:
    """Random bytes from ``first`` on (negative: from the end)."""

    def change(path: Path, random: np.random.Generator) -> None:
        data = bytearray(path.read_bytes())
        start = first % len(data)
        data[start : start + length] = random.bytes(min(length, len(data) - start))
        path.write_bytes(data)

    return change


def append(data: Callable[[], bytes]) -> Change:
    """Something behind the end."""

    def change(path: Path, _: np.random.Generator) -> None:
        with path.open("ab") as stream:
            stream.write(data())

    return change


def put(data: Callable[[], bytes]) -> Change:
    """Something else altogether."""

    def change(path: Path, _: np.random.Generator) -> None:
        path.write_bytes(data())

    return change


def packed_zeros(blocks: int) -> bytes:
    """A gzip stream of ``blocks`` times 64 MiB of zeros, in about 64 KiB each."""
    return _packed_block() * blocks


@cache
def _packed_block() -> bytes:
    return gzip.compress(bytes(BLOCK))


def zlib_zeros(blocks: int, start: bytes = b"") -> bytes:
    """One zlib stream: ``start``, then zeros."""
    packer = zlib.compressobj()
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    sums = zlib.adler32(start)
    low, high = sums & 0xFFFF, sums >> 16
    adler = (high + blocks * BLOCK * low) % 65521 << 16 | low  # zeros leave the first sum as it is
    return first + _deflated_block() * blocks + zlib.compressobj(wbits=-15).flush() + adler.to_bytes(4, "big")


@cache
def _deflated_block() -> bytes:
    """A block of zeros that needs nothing of what was before it, so that it can be repeated."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(bytes(BLOCK)) + packer.flush(zlib.Z_FULL_FLUSH)


def losses(headers_end: float) -> Iterator[tuple[str, Change]]:
    """Cuts: voxels are lost, so the file must be reported."""
    for name, share in (("1%", 0.01), ("header", headers_end * 0.6), ("third", 0.34), ("half", 0.5), ("most", 0.93)):
        yield f"cut at {name}", cut_at(share)
    yield "cut to nothing", cut_at(0)
    yield "last byte cut", cut_at(1, 1)
    yield "last 8 bytes cut", cut_at(1, 8)


def scratches(headers_end: float, rounds: int) -> Iterator[tuple[str, Change]]:
    """Flips and junk: each must be reported, or leave the scan readable in the right place."""
    for index in range(rounds):
        yield f"header bits {index}", flip_bits(0, headers_end, 1 + index)
        yield f"body bits {index}", flip_bits(headers_end, 1, 1 + index)
    yield "header overwritten", overwrite(20, 60)
    yield "start overwritten", overwrite(0, 16)
    yield "end overwritten", overwrite(-40, 40)
    yield "text instead", put(lambda: b"the scan of this patient is in the other archive\n" * 30)
    yield "noise instead", put(lambda: np.random.default_rng(5).bytes(5000))
    yield "junk appended", append(lambda: b"\x00\xffjunk" * 50)
