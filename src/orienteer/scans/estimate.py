"""What ingest will take, from what this very check measured. An estimate, and said to be one."""

from collections.abc import Sequence

import numpy as np

from orienteer.scans.formats.registry import format_named
from orienteer.scans.schema import RecordedEstimate
from orienteer.scans.source import ScanInfo

STARTING_SECONDS = 2.0
"""Until the worker processes have started."""

SCAN_SECONDS = 0.03
"""Per scan, whatever its size: files opened, synced to disk and renamed."""

RESAMPLE_SECONDS = 5e-7
"""Per voxel that is read or stored, whichever are more: smoothing, interpolation, scaling and compression.

These figures were set so that ingests of 23 brains, 90 small crops and a mixed folder, at 1 to 3 mm on two
busy cores, took between half and twice the estimate.
"""

STORED_BYTES = 0.9
"""Per stored voxel: int16 after compression. Brains without skull needed 0.6, a mixed folder 0.85."""

STORED_BYTES_PER_SCAN = 1 << 16
"""Chunk borders, the foreground's mask, indices."""

WORKING_BYTES = 16
"""Per voxel held at once while a scan is resampled: the file's array, float32 copies, the result."""

READER_BYTES = 130 << 20
"""Of the two processes by which each worker reads formats whose libraries a damaged file can end."""

PROCESS_BYTES, WORKER_BYTES = 240 << 20, 30 << 20
"""Of the programs themselves: the command with what starts its workers, and each worker. Ingests of 23 brains with 1, 2
and 4 workers had 177, 313 and 397 MB in all, shared pages counted once."""


def estimate(scans: Sequence[ScanInfo], spacing: float, workers: int) -> RecordedEstimate:
    """Time, disk and memory of an ingest of the usable scans at ``spacing`` mm."""
    usable = [scan for scan in scans if scan.usable]
    read = [scan.channels * int(np.prod(scan.shape)) for scan in usable]
    stored = [
        scan.channels * int(np.prod(np.maximum(1, np.rint(np.asarray(scan.extent_mm) / spacing)))) for scan in usable
    ]
    heavy = [max(pair) for pair in zip(read, stored, strict=True)]
    programs = WORKER_BYTES + READER_BYTES * any(format_named(scan.source.format).native for scan in usable)
    work = sum(scan.seconds + SCAN_SECONDS for scan in usable) + RESAMPLE_SECONDS * sum(heavy)
    return RecordedEstimate(
        spacing=spacing,
        scans=len(usable),
        voxels=sum(stored),
        seconds=STARTING_SECONDS + work / max(1, min(workers, len(usable))),
        disk_bytes=int(STORED_BYTES * sum(stored)) + STORED_BYTES_PER_SCAN * len(usable),
        memory_bytes=PROCESS_BYTES + programs * workers + WORKING_BYTES * sum(sorted(heavy)[-workers:]),
        workers=workers,
    )
