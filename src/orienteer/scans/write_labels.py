"""Label maps written where a scan lies."""

import gzip
from pathlib import Path

from numpy.typing import NDArray

from orienteer.atomic import write_with
from orienteer.scans.placement import Placement

LEVEL = 6
"""Of compression; 9 takes seven times as long and saves 2 % of a brain's labels."""


def write_labels(path: Path, classes: NDArray, placement: Placement) -> None:
    """Write label values as NIfTI in a scan's own place, whole or not at all.

    The header is new: nothing of the scan's own header (names, dates, descriptions, scaling) comes along but where it
    lies.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        classes: ``(X, Y, Z)`` uint8 or int16, in the scan's own axes.
        placement: of the scan.
    """
    header = placement.header(classes.shape)
    header.set_data_dtype(classes.dtype)
    header["magic"] = header.single_magic
    header["vox_offset"] = header.single_vox_offset
    # Four bytes that say there is no extension; NIfTI counts its first axis fastest.
    data = bytes(header.binaryblock) + bytes(4) + classes.tobytes(order="F")
    if path.suffix == ".gz":
        data = gzip.compress(data, LEVEL, mtime=0)  # no time of writing: the same prediction gives the same bytes
    write_with(path, lambda part: _write(part, data))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
