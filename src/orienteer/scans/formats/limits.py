"""How large a scan may be, and how far it may inflate: asked before any memory is."""

from pathlib import Path

from orienteer.scans.findings import refusal

MAX_VOXELS = 2**31
"""8 GiB as float32; a header that asks for more is taken for nonsense before anything is allocated."""

MAX_DEFLATE = 1032
"""No gzip or zlib stream expands by more than this factor, so a larger claim is a lie or a cut file."""

MAX_SCAN_INFLATION = 250
"""No scan compresses that far (brains without skull reach 30); only labels, nearly all zero, do."""

FREE_BYTES = 1 << 26
"""64 MiB: inflating to less is always allowed."""

FREE_LABEL_BYTES = 1 << 30


def guard_size(
    path: Path, shape: tuple[int, ...], itemsize: int, *, available: int, packed: bool, sparse: bool = False
) -> None:
    """Refuse a header that promises more than the file can hold, before memory is asked for.

    Args:
        path: the file, for the message.
        shape: as the header says, all axes.
        itemsize: bytes per value.
        available: bytes in the file for voxels.
        packed: whether these bytes are compressed.
        sparse: whether they are labels.

    Raises:
        ScanError: ``too-large``, ``truncated`` or ``inflates-too-far``.
    """
    # Python's integers, because numpy's would wrap around on an absurd header.
    count = 1
    for n in shape:
        if n < 1:
            raise refusal("unreadable", f"{path.name}: the header gives an axis of {n} voxels")
        count *= n
    if count > MAX_VOXELS:
        raise refusal("too-large", f"{path.name}: the header asks for {'x'.join(map(str, shape))} voxels")
    needed = count * itemsize
    if needed > available * (MAX_DEFLATE if packed else 1):
        raise refusal(
            "truncated",
            f"{path.name}: {needed:,} bytes of voxels announced, {available:,} bytes in the file",
        )
    if packed and needed > max(FREE_LABEL_BYTES if sparse else FREE_BYTES, MAX_SCAN_INFLATION * available):
        raise refusal("inflates-too-far", f"{path.name}: {available:,} bytes that grow to {needed:,}")
