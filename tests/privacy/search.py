"""Look for words in everything a program wrote: file names, bytes, and what is compressed or encoded in them."""

import base64
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import blosc2
import numpy as np
import pyarrow.parquet as parquet

BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")
PACKED = (b"\x1f\x8b", b"PK", b"\x89P", b"\x78\x9c", b"\x78\x01", b"\x78\xda")
DEEP = 4
"""Containers within containers."""


def needles(words: Iterable[str]) -> dict[bytes, str]:
    """Each word as bytes, lower-cased, and what it was: UTF-8, and UTF-16 of either byte order."""
    lower = {word: word.lower() for word in words}
    # Little-endian without its last zero is also what big-endian holds after its first.
    return {form: word for word, low in lower.items() for form in (low.encode(), low.encode("utf-16-le")[:-1])}


def hits(root: Path, words: Iterable[str]) -> list[str]:
    """``file: word`` for every word found below ``root``, in names or contents."""
    wanted = needles(words)
    found = []
    for path in sorted(root.rglob("*")):
        relative = str(path.relative_to(root))
        pieces = [relative.encode("utf-8", "surrogateescape")]
        if path.is_symlink():
            pieces.append(str(path.readlink()).encode())
        elif path.is_file():
            pieces += views(path)
        told: set[str] = set()
        for piece in pieces:
            lower = piece.lower()
            told |= {word for needle, word in wanted.items() if needle in lower}
        found += [f"{relative}: {word}" for word in sorted(told)]
    return found


def views(path: Path) -> Iterator[bytes]:
    """A file's bytes as they lie there and as its own format reads them."""
    data = path.read_bytes()
    yield from unpacked(data)
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        yield json.dumps(table.to_pylist(), default=str, ensure_ascii=False).encode()
        yield repr(table.schema.metadata).encode()
    if path.suffix == ".b2nd":
        array = blosc2.open(str(path), mode="r")
        values = np.ascontiguousarray(array[...])
        yield values.tobytes()
        if values.size and values.min() >= 0 and values.max() < 256:  # text may hide as one byte in each voxel
            yield values.astype(np.uint8).tobytes()
        yield repr({name: array.schunk.vlmeta[name] for name in array.schunk.vlmeta}).encode()


def unpacked(data: bytes, depth: int = DEEP) -> Iterator[bytes]:
    """The bytes, and whatever is packed in them: gzip, zip, PNG and zlib, base64, JSON's escapes."""
    yield data
    if depth == 0:
        return
    inner: list[bytes] = []
    if data[:2] == b"\x1f\x8b":
        inner.append(gzip.decompress(data))
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inner += [name.encode() for name in archive.namelist()]
            inner += [archive.read(name) for name in archive.namelist()]
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        inner += _chunks(data)
    if data[:2] in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        inner.append(_inflated(data))
    if ESCAPED.search(data):
        inner.append(ESCAPED.sub(lambda found: chr(int(found[1], 16)).encode("utf-8", "surrogatepass"), data))
    for piece in filter(None, inner):
        yield from unpacked(piece, depth - 1)
    # Each start of each run is decoded, which is mostly noise: only what is packed is opened further.
    for found in BASE64.finditer(data):
        for decoded in _decoded(found[0]):
            yield from unpacked(decoded, 1 if decoded[:2] in PACKED else 0)


def _decoded(text: bytes) -> Iterator[bytes]:
    """Base64 may begin anywhere in a run of its letters: every start but the same modulo four."""
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    for start in range(4):
        part = plain[start:]
        yield base64.b64decode(part + b"A" * (-len(part) % 4))


def _chunks(png: bytes) -> Iterator[bytes]:
    place = 8
    while place + 8 <= len(png):
        size, kind = int.from_bytes(png[place : place + 4]), png[place + 4 : place + 8]
        body = png[place + 8 : place + 8 + size]
        # Pixels are no text; everything else is searched, inflated where it is compressed.
        if kind != b"IDAT":
            yield body
            yield _inflated(body[body.find(b"\0") + 2 :])
        place += 12 + size


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return b""
