"""Where a scan lies, in the fields of a NIfTI header, so that its readers find its answer where it lies.

Readers differ in which of a header's fields they believe. A file that is to lie where a scan lies needs the scan's own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import spacing_of
from orienteer.scans.findings import Finding, finding

if TYPE_CHECKING:
    import nibabel

MM = 2
"""NIfTI's code for millimetres."""
UNKNOWN = 0
"""NIfTI's code for no unit."""
SCANNER = 1
"""NIfTI's code for the scanner's own coordinates."""
MOST_AXIS = 32767
"""Voxels along an axis that NIfTI-1 can count."""
MOST_LEAN = 0.0175
"""Sine of one degree: axes further from the right angle are no rounding, and no quaternion stands for them."""
MOST_APART = 0.1
"""Voxels by which the nearest rotation may differ from the axes without a warning."""


@dataclass(frozen=True, eq=False)
class Placement:
    """The fields of a NIfTI header that say where its voxels lie, in the scan's own unit.

    Attributes:
        sform: ``(3, 4)`` voxel index to world, RAS.
        sform_code: 0 where it says nothing.
        quaternion: ``(3,)`` b, c, d.
        offset: ``(3,)`` position of the first voxel beside the quaternion.
        qform_code: 0 where these say nothing.
        pixdim: ``(4,)`` the quaternion's handedness, and the voxel size.
        unit: NIfTI's code for the unit of length.
        findings: where it cannot say what the scan's own file says.
    """

    sform: NDArray[np.float64]
    sform_code: int
    quaternion: NDArray[np.float64]
    offset: NDArray[np.float64]
    qform_code: int
    pixdim: NDArray[np.float64]
    unit: int
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, affine: NDArray[np.float64], shape: tuple[int, ...], *, unit: int = MM) -> Self:
        """The placement of a scan in another format.

        ITK reads a NIfTI file only where its axes are at right angles. Of axes a little off, as in DICOM with rounded
        positions, the quaternion holds the nearest rotation about the scan's middle, beside the matrix as it is.

        Args:
            affine: ``(4, 4)`` voxel index to world RAS.
            shape: ``(3,)`` voxels.
            unit: of the affine.
        """
        import nibabel  # here, as a reader's process starts in half the time without it

        header = nibabel.Nifti1Header()
        header.set_qform(affine, SCANNER, strip_shears=True)
        rotation, last = header.get_qform(), np.append(np.asarray(shape, dtype=float) - 1, 1.0)
        rotation[:3, 3] += ((affine - rotation) @ (last / (2, 2, 2, 1)))[:3]
        corners = np.array([last * (*pick, 1) for pick in np.ndindex(2, 2, 2)])
        apart = float(np.linalg.norm(corners @ (affine - rotation).T, axis=1).max())
        axes = affine[:3, :3] / spacing_of(affine)
        straight = np.abs(axes.T @ axes - np.eye(3)).max() <= MOST_LEAN
        return cls(
            sform=affine[:3],
            sform_code=SCANNER,
            quaternion=np.array([float(header[f"quatern_{axis}"]) for axis in "bcd"]),
            offset=rotation[:3, 3],
            qform_code=SCANNER if straight else 0,
            pixdim=np.array([float(header["pixdim"][0]), *spacing_of(affine)]),
            unit=unit,
            findings=(_leaning(apart),) if apart > MOST_APART * spacing_of(affine).min() else (),
        )

    def header(self, shape: tuple[int, ...]) -> "nibabel.Nifti1Header":
        """A new header of labels with these fields; nothing else of the scan's own comes along.

        Args:
            shape: ``(3,)`` voxels.
        """
        import nibabel

        header = (nibabel.Nifti1Header if max(shape) <= MOST_AXIS else nibabel.Nifti2Header)()
        header.set_data_dtype(np.uint8)
        header.set_data_shape(shape)
        header.set_slope_inter(1, 0)
        header["sform_code"], header["qform_code"] = self.sform_code, self.qform_code
        # NIfTI-1 holds 32 bits. A form that makes no sense stays as it is for readers that use it.
        with np.errstate(all="ignore"):
            for axis, row in zip("xyz", self.sform, strict=True):
                header[f"srow_{axis}"] = row
            for axis, value in zip("bcd", self.quaternion, strict=True):
                header[f"quatern_{axis}"] = value
            for axis, value in zip("xyz", self.offset, strict=True):
                header[f"qoffset_{axis}"] = value
            header["pixdim"][:4] = self.pixdim
        header["xyzt_units"] = self.unit
        return header


def _leaning(apart: float) -> Finding:
    return finding("answer-leans", f"ITK finds the prediction up to {apart:.2g} mm beside the scan")
