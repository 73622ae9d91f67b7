"""A scan of the store as an uncompressed NIfTI-1 in memory, for a viewer that knows nothing of stores."""

import nibabel
import numpy as np

from orienteer.store import Store

HEADER = 352
"""Bytes before the voxels: the header and four that say it has no extension."""


def nifti(store: Store, scan: str, channel: int = 0) -> bytes:
    """One channel of a scan, 16 bits as they are stored.

    The file's world is the scan's own frame: voxel index times spacing along R, A, S, the frame of every position that
    Orienteer speaks of. The display window is the store's robust one. Nothing else is in the header.

    Args:
        store: where the scan is.
        scan: its id.
        channel: which channel.

    Raises:
        StoreError: no such scan, or its array is damaged.
    """
    entry = store.entry(scan)
    voxels = store.read(scan)[channel]
    intensity = entry.intensity[channel]
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(voxels.shape)
    affine = np.diag([entry.spacing] * 3 + [1.0])
    header.set_zooms((entry.spacing,) * 3)
    header.set_sform(affine, code="scanner")
    header.set_qform(affine, code="scanner")
    header.set_xyzt_units("mm")
    header.set_slope_inter(intensity.slope, intensity.intercept)
    header["cal_min"], header["cal_max"] = intensity.low, intensity.high
    header["vox_offset"], header["magic"] = HEADER, b"n+1"
    # NIfTI counts its first axis fastest.
    data: bytes = voxels.astype("<i2", copy=False).tobytes(order="F")
    return bytes(header.binaryblock) + bytes(4) + data
