"""What a NIfTI header says of place: two orientations, a voxel size and a unit, each of which may be damaged.

The matrix (sform) counts where it can be used, else the quaternion (qform), as in nibabel. An orientation whose code
the format does not know counts last: nibabel never uses it, NIfTI's own library, and with it ITK, FSL and AFNI, do.
"""

from typing import Any, NamedTuple

import nibabel
import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import spacing_of
from orienteer.scans.findings import Finding, finding, refusal
from orienteer.scans.formats.units import millimetres, unit_findings
from orienteer.scans.placement import SCANNER, UNKNOWN, Placement

UNITS = {0: "", 1: "metre", 2: "mm", 3: "micron"}
"""NIfTI's codes for units of length."""
CODES = 5
"""The last of the format's codes for what an orientation refers to; 0 says that there is none."""
SPACE = 7
"""The bits of ``xyzt_units`` that hold them."""
SHORT, LONG = 348, 540
"""Bytes of a header of NIfTI-1 (Analyze too) and NIfTI-2; they begin with this number."""
ROUNDED = -3 * float(np.finfo(np.float32).eps)
"""How far below 0 rounding to float32 takes the square of a quaternion's first part: nibabel's limit."""
TOO_LONG = -1e-5
"""Below this the quaternion is no rotation."""
FLAT = 1e-3
"""Volume of the box between three unit axes below which two of them point the same way."""


class _Lenient:
    """What is read of headers that nibabel refuses: which orientation is used, ``where`` decides."""

    quaternion_threshold = TOO_LONG

    def get_slope_inter(self) -> tuple[float | None, float | None]:
        """An intercept that is not finite counts as 0; a slope that is not, or is 0, means no scaling."""
        slope, inter = (float(self[f"scl_{name}"]) for name in ("slope", "inter"))  # type: ignore[index]
        if slope == 0 or not np.isfinite(slope):
            return None, None
        return slope, inter if np.isfinite(inter) else 0.0

    def get_best_affine(self) -> NDArray[np.float64]:
        """Not asked."""
        return np.eye(4)


def _lenient(kind: Any) -> Any:
    header = type(kind.header_class.__name__, (_Lenient, kind.header_class), {})
    return type(kind.__name__, (kind,), {"header_class": header})


SINGLE = {1: _lenient(nibabel.Nifti1Image), 2: _lenient(nibabel.Nifti2Image)}
"""nibabel's images of one file, by version."""
PAIR = {1: _lenient(nibabel.Nifti1Pair), 2: _lenient(nibabel.Nifti2Pair)}
"""Those of a header and a data file."""


class Where(NamedTuple):
    """Where the voxels lie: ``(4, 4)`` voxel index to world RAS mm, and what is odd about it."""

    affine: NDArray[np.float64]
    findings: list[Finding]


def raw_header(start: bytes) -> Any:
    """The header as it is written; nibabel's own has by then turned zeros into ones.

    Args:
        start: the first 540 bytes of the file.
    """
    second = LONG in {int.from_bytes(start[:4], order) for order in ("little", "big")}
    kind, size = (nibabel.Nifti2Header, LONG) if second else (nibabel.Nifti1Header, SHORT)
    return kind(start[:size].ljust(size, b"\0"), check=False)


def where(image: Any, raw: Any) -> Where:
    """Which orientation counts, in mm, and what both and the voxel size say about each other.

    Args:
        image: the file as nibabel opens it.
        raw: see ``raw_header``.

    Raises:
        ScanError: ``orientation-unusable``: the only orientation is a quaternion that is no rotation.
    """
    header = image.header
    nifti = hasattr(header, "get_sform")
    unit = UNITS.get(int(raw["xyzt_units"]) & SPACE, "other") if nifti else _text(header["vox_units"])
    mm, found = millimetres(unit) or 1.0, unit_findings(unit)
    forms = _forms(header, raw) if nifti else {}
    good = {name: form for name, form in forms.items() if form is not None and usable(form)}
    used = next(iter(good or forms), "")
    affine = forms[used] if used else header.get_base_affine() if nifti else image.affine
    if affine is None:
        raise refusal("orientation-unusable", f"its quaternion is no rotation: w2 is {_rest(raw):.3g}")
    if not used:
        found.append(
            finding("orientation-missing", _unset(raw) if nifti else "the Analyze format names no orientation")
        )
    found += [_strange(name, _code(raw, name), used) for name in forms if _code(raw, name) > CODES]
    found += [
        finding("orientation-unusable", f"{name} is damaged, {used} is used")
        for name in forms
        if good and name not in good
    ]
    if "qform" in good and _rest(raw) < ROUNDED:
        found.append(_shortened(used))
    if len(good) == 2:
        found += _apart(mm * (good["sform"] - good["qform"]), header.get_data_shape())
    zooms = mm * np.asarray(raw["pixdim"][1:4], dtype=np.float64)
    found += _zooms(zooms, mm * spacing_of(affine), beside_sform=used == "sform")
    return Where(affine if mm == 1 else np.diag([mm, mm, mm, 1.0]) @ affine, found)


def scaling_findings(raw: Any) -> list[Finding]:
    """Whether the header's slope or intercept is replaced; both NaN is how nibabel says that there are none."""
    slope, inter = float(raw["scl_slope"]), float(raw["scl_inter"])
    if np.isinf(slope) or (np.isfinite(slope) and slope != 0 and not np.isfinite(inter)):
        return [finding("scaling-damaged", f"slope {slope:g}, intercept {inter:g}")]
    return []


def usable(form: NDArray[np.float64]) -> bool:
    """Whether a matrix ``(4, 4)`` is finite and spans a volume."""
    with np.errstate(all="ignore"):
        spacing = spacing_of(form)
        if not np.isfinite([*form.ravel(), *spacing]).all() or not (spacing > 0).all():
            return False
        return bool(abs(np.linalg.det(form[:3, :3] / spacing)) >= FLAT)


def placement_of_header(raw: Any) -> Placement:
    """The header's fields of place as they are written, but for what no reader could use.

    A damaged sform is left out, and a quaternion that is too long is shortened as ITK does on reading. A code that the
    format does not know, which nibabel would not write, becomes the scanner's where the orientation counts.
    """
    sform = np.array([raw[f"srow_{axis}"] for axis in "xyz"], dtype=np.float64)
    quaternion, offset = _quaternion(raw), np.array([float(raw[f"qoffset_{axis}"]) for axis in "xyz"])
    whole = usable(np.vstack([sform, (0, 0, 0, 1)]))
    turned = bool(np.isfinite([*quaternion, *offset]).all())
    codes = {"sform": _code(raw, "sform") if whole else 0, "qform": _code(raw, "qform") if turned else 0}
    known = any(0 < code <= CODES for code in codes.values())
    codes = {name: code if code <= CODES else 0 if known else SCANNER for name, code in codes.items()}
    return Placement(
        sform=sform if whole else np.zeros((3, 4)),
        sform_code=codes["sform"],
        quaternion=quaternion / max(1.0, float(np.linalg.norm(quaternion))) if turned else np.zeros(3),
        offset=offset if turned else np.zeros(3),
        qform_code=codes["qform"],
        pixdim=np.asarray(raw["pixdim"][:4], dtype=np.float64),
        unit=int(raw["xyzt_units"]) & SPACE,
    )


def placement_of_analyze(image: Any, raw: Any) -> Placement:
    """Analyze names no orientation, so none is named: every reader makes of that what it makes of the scan.

    Only SPM's matrix beside it, or its origin, which nibabel believes, can be said.
    """
    if not np.allclose(image.affine, image.header.get_base_affine()):
        return Placement.of(image.affine, image.shape, unit=UNKNOWN)
    pixdim = np.array([1.0, *raw["pixdim"][1:4]])
    return Placement(np.zeros((3, 4)), 0, np.zeros(3), np.zeros(3), 0, pixdim, UNKNOWN)


def _forms(header: Any, raw: Any) -> dict[str, NDArray[np.float64] | None]:
    """The orientations that are set, the one that counts first; None for a quaternion that is no rotation."""
    forms = {"sform": header.get_sform()} if _code(raw, "sform") > 0 else {}
    if _code(raw, "qform") > 0:
        forms["qform"] = None if _rest(raw) < TOO_LONG else header.get_qform()
    strange = {name: form for name, form in forms.items() if _code(raw, name) > CODES}
    known = {name: form for name, form in forms.items() if name not in strange}
    return known | {name: form for name, form in strange.items() if form is not None and usable(form)}


def _unset(raw: Any) -> str:
    codes = {name: _code(raw, name) for name in ("sform", "qform")}
    if not any(codes.values()):
        return "neither sform nor qform is set"
    return f"neither sform nor qform can be used: their codes are {codes['sform']} and {codes['qform']}"


def _code(raw: Any, name: str) -> int:
    """What an orientation refers to, as the file has it: nibabel turns codes that it does not know into 0."""
    return int(raw[f"{name}_code"])


def _strange(name: str, code: int, used: str) -> Finding:
    message = f"{name} has the code {code}, which NIfTI does not know"
    if name == used:
        return finding("orientation-code", f"{message}: used all the same, as by ITK and FSL")
    return finding("orientation-code", f"{message}: {used} is used", level="info")


def _quaternion(raw: Any) -> NDArray[np.float64]:
    return np.array([float(raw[f"quatern_{axis}"]) for axis in "bcd"])


def _rest(raw: Any) -> float:
    """The square of the quaternion's first part, which the header leaves out."""
    return 1 - float(np.sum(_quaternion(raw) ** 2))


def _shortened(used: str) -> Finding:
    message = "the quaternion (qform) is a rounding error too long"
    if used == "qform":
        return finding("orientation-unusable", f"{message}, it was shortened", level="info")
    return finding("orientation-unusable", f"{message}, {used} is used")


def _apart(difference: NDArray[np.float64], shape: tuple[int, ...]) -> list[Finding]:
    """Judged at the corners, where a small difference in angle has grown to what matters: mm."""
    corners = np.array([(*np.multiply(pick, [*shape[:3], 1, 1][:3]), 1.0) for pick in np.ndindex(2, 2, 2)])
    apart = float(np.abs(corners @ difference.T).max())
    return [] if apart < 1.0 else [finding("orientation-disagrees", f"sform and qform are {apart:.1f} mm apart")]


def _zooms(zooms: NDArray[np.float64], sides: NDArray[np.float64], *, beside_sform: bool) -> list[Finding]:
    if beside_sform and not np.allclose(sides, zooms, rtol=0.01, atol=1e-3):
        return [finding("spacing-disagrees", f"header {_mm(zooms)} mm, affine {_mm(sides)} mm")]
    if not beside_sform and not (np.isfinite(zooms) & (zooms > 0)).all():
        return [finding("spacing-absurd", f"the header says {_mm(zooms)} mm")]
    return []


def _text(field: Any) -> str:
    return bytes(field.item()).split(b"\0")[0].decode("latin-1")


def _mm(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:g}" for value in np.round(values, 3))
