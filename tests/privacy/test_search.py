"""The search itself: a word is found however it is packed, else its silence would mean nothing."""

import base64
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import blosc2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image, PngImagePlugin

from tests.privacy.search import hits

WORD = "Quentzel"


def _parquet(path: Path) -> None:
    # Dictionary-coded, compressed pages: the word does not stand in the file as it is.
    parquet.write_table(pa.table({"scan": [f"{WORD}_{i}" for i in range(99)]}), path, compression="zstd")


def _metadata(path: Path) -> None:
    table = pa.table({"x": [1]}).replace_schema_metadata({"made_by": WORD})
    parquet.write_table(table, path)


def _voxels(path: Path) -> None:
    blosc2.asarray(np.frombuffer((WORD * 40).encode(), np.uint8).copy(), urlpath=str(path), mode="w")


def _wide_voxels(path: Path) -> None:
    wide = np.frombuffer((WORD * 40).encode(), np.uint8).astype(np.int16)
    blosc2.asarray(wide, urlpath=str(path), mode="w")


def _note(path: Path) -> None:
    array = blosc2.asarray(np.zeros(9), urlpath=str(path), mode="w")
    array.schunk.vlmeta["note"] = WORD


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/data.txt", "-" * 500 + WORD + "-" * 500)


def _png(path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "-" * 300 + WORD, zip=True)
    Image.new("L", (4, 4)).save(path, pnginfo=text)


def _page(path: Path) -> None:
    inner = gzip.compress(json.dumps({"scan": "x" * 40 + WORD}).encode())
    path.write_text(f'<img src="data:application/gzip;base64,{base64.b64encode(inner).decode()}">')


PACKED: dict[str, Callable[[Path], object]] = {
    "plain.txt": lambda path: path.write_text(f"a {WORD.upper()} b"),
    "wide.log": lambda path: path.write_bytes(f"a {WORD} b".encode("utf-16")),
    "escaped.json": lambda path: path.write_text("".join(f"\\u{ord(c):04x}" for c in WORD)),
    "one.b64": lambda path: path.write_bytes(base64.b64encode(b"1" + b"-" * 20 + WORD.encode() + b"-" * 20)),
    "off.b64": lambda path: path.write_bytes(b"ab" + base64.b64encode(b"-" * 20 + WORD.encode() + b"-" * 20)),
    "table.parquet": _parquet,
    "metadata.parquet": _metadata,
    "voxels.b2nd": _voxels,
    "wide.b2nd": _wide_voxels,
    "note.b2nd": _note,
    "text.gz": lambda path: path.write_bytes(gzip.compress(b"-" * 300 + WORD.encode())),
    "archive.zip": _zip,
    "image.png": _png,
    "page.html": _page,
}


@pytest.mark.parametrize("name", PACKED)
def test_hits__finds_the_word_however_it_is_packed(tmp_path: Path, name: str) -> None:
    PACKED[name](tmp_path / name)
    assert hits(tmp_path, [WORD]) == [f"{name}: {WORD}"]
    assert hits(tmp_path, ["Vorbracht"]) == []


def test_hits__finds_the_word_in_names_of_files_folders_and_links(tmp_path: Path) -> None:
    (tmp_path / WORD).mkdir()
    (tmp_path / "link").symlink_to(f"/home/{WORD}/scan.nii")
    assert hits(tmp_path, [WORD]) == [f"{WORD}: {WORD}", f"link: {WORD}"]
