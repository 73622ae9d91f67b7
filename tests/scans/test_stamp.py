"""Stamps: the same for a copy, another for another scan."""

import os
import shutil
from pathlib import Path

import pytest

from orienteer.scans.source import Source
from orienteer.scans.stamp import stamp_of


def source(*paths: Path) -> Source:
    return Source(paths, "NIfTI", paths[0].name, paths[0].parent)


@pytest.mark.parametrize("size", [0, 100, 1_000_000])
def test_stamp__a_copy_has_it_and_a_changed_scan_does_not(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "a.nii").write_bytes(content)
    (tmp_path / "deep").mkdir()
    shutil.copyfile(tmp_path / "a.nii", tmp_path / "deep" / "b.nii")
    first = stamp_of(source(tmp_path / "a.nii"))
    assert len(first) == 32 and stamp_of(source(tmp_path / "deep" / "b.nii")) == first
    assert stamp_of(source(tmp_path / "a.nii", tmp_path / "deep" / "b.nii")) != first
    (tmp_path / "a.nii").write_bytes(content + b"x")
    assert stamp_of(source(tmp_path / "a.nii")) != first
    (tmp_path / "a.nii").write_bytes(os.urandom(size))
    assert size == 0 or stamp_of(source(tmp_path / "a.nii")) != first


def test_stamp__of_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert stamp_of(source(tmp_path / "gone.nii")) == ""


@pytest.mark.parametrize(
    ("header", "text", "data"),
    [("t1.hdr", "", "t1.img"), ("t1.mhd", "NDims = 3\nElementDataFile = other.raw\n", "other.raw"),
     ("t1.nhdr", "NRRD0004\ndata file: ./other.raw.gz\n", "other.raw.gz"),
     ("t1.nhdr", "NRRD0004\ndatafile: other.bin\n", "other.bin"),
     ("t1.nhdr", "NRRD0004\ndata file: s%03d.raw 0 20 1 2\n", "s007.raw"),
     ("t1.mhd", "NDims = 3\nElementDataFile = ./slices.%d.raw 1 20 1\n", "slices.12.raw"),
     ("t1.mhd", "NDims = 3\nElementDataFile = LIST\nfirst.raw\nother.raw\n", "other.raw")],
)  # fmt: skip
def test_stamp__the_file_of_the_voxels_counts(header: str, text: str, data: str, tmp_path: Path) -> None:
    (tmp_path / header).write_text(text)
    (tmp_path / data).write_bytes(b"one")
    (tmp_path / "stranger.raw").write_bytes(b"one")
    first = stamp_of(source(tmp_path / header))
    (tmp_path / "stranger.raw").write_bytes(b"two")
    assert stamp_of(source(tmp_path / header)) == first
    (tmp_path / data).write_bytes(b"two")
    assert stamp_of(source(tmp_path / header)) != first
