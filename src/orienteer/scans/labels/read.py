"""Labels of one scan: read, and compared with the scan's place. What is wrong is a finding; it never costs the scan."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume, axes_of, spacing_of
from orienteer.geometry.resample import Grid, covered
from orienteer.scans.findings import Finding, finding
from orienteer.scans.labels.values import IGNORED
from orienteer.scans.reading import inspect, load
from orienteer.scans.source import ScanInfo, Source
from orienteer.units import some

SAME_SPACE = 0.9
"""Share of the scan that labels on another grid cover; or share of cropped labels that lies inside the scan."""
OFTEN_IGNORED = 255
"""What many tools write where nobody has looked; nothing in the file says whether it is a structure."""
SAME_STEP = 0.01
"""Share by which voxel sizes of a scan and of labels cropped from it may differ."""
SHIFTED = 0.5
"""Offset of labels with the scan's voxels from which it is told, in shortest edges of a voxel."""
MANY = 20
"""Values below which nobody asks whether they are intensities."""
ALIKE = 0.5
"""Share of neighbouring voxels of one value: at least 0.8 in atlases of 140 structures, at most 0.2 in scans."""
HEADER = (
    "orientation-code",
    "orientation-disagrees",
    "orientation-unusable",
    "origin-missing",
    "scaling-",
    "spacing-",
    "unit-",
)
"""How the codes of findings about place and values begin."""


def read_labels(source: Source, grid: Grid, *, oriented: bool = True) -> tuple[Volume | None, list[Finding]]:
    """The labels of a scan as int16 ``(1, X, Y, Z)`` in the file's own orientation.

    Where only one of the two files names an orientation, or neither does and their formats' defaults differ, labels of
    the scan's shape lie on its voxels one by one.

    Args:
        source: of the labels.
        grid: of the scan, as its file has it.
        oriented: whether the scan's header names an orientation (``names_orientation``).

    Returns:
        The labels and what is worth knowing of them; or None, and a warning that says why.
    """
    info, volume = load(replace(source, sparse=True))
    if volume is None:
        return None, [_reason(source, next(f for f in info.findings if f.level == "error"))]
    about = [_about_header(one) for one in info.findings if one.code.startswith((*HEADER, "labels-"))]
    volume, more = _understood(volume, source)
    about += more
    named = names_orientation(info.findings)
    if named != oriented or (not named and axes_of(volume.affine) != axes_of(grid.affine)):
        volume, said = _on_voxels(volume, grid, scan=oriented, labels=named)
        if volume is None:
            return None, [_named(source, said)]
        about.append(said)
    found = [_named(source, one) for one in about]
    place = _place(volume.shape, volume.affine, grid)
    if place is None:
        return volume, found
    place = _named(source, place)
    return (None, [place]) if place.code == "labels-elsewhere" else (volume, [*found, place])


def inspect_with_labels(source: Source) -> ScanInfo:
    """What a scan is, and what is wrong with it or with its labels; never raises for a bad file."""
    info = inspect(source)
    if source.labels is None or not info.usable or info.affine is None or len(info.shape) != 3:
        return info
    x, y, z = info.shape
    volume, found = read_labels(source.labels, Grid((x, y, z), info.affine), oriented=names_orientation(info.findings))
    return replace(info, labelled=volume is not None).with_findings(*found)


def names_orientation(found: Sequence[Finding]) -> bool:
    """Whether a file's header names an orientation, by what was found about it."""
    return not any(one.code == "orientation-missing" for one in found)


def _about_header(found: Finding) -> Finding:
    """What was found about a label file, said as being of the labels."""
    if not found.code.startswith(HEADER):
        return found
    return replace(finding("labels-header", found.message, level=found.level), cure=found.cure)


def _on_voxels(volume: Volume, grid: Grid, *, scan: bool, labels: bool) -> tuple[Volume | None, Finding]:
    """Labels laid on the scan's voxels, where the header of one of them, or of both, names no orientation."""
    none, other = ("labels", "scan") if scan else ("scan", "labels")
    message = f"the header of the {none} names no orientation, that of the {other} does"
    if scan == labels:
        message = (
            "neither the scan nor its labels name an orientation, and readers take their formats as differently turned"
        )
    same = np.allclose(volume.spacing, spacing_of(grid.affine), rtol=SAME_STEP)
    if tuple(volume.shape) != tuple(grid.shape) or not same:
        return None, finding("labels-elsewhere", f"{message}; their voxels differ in number or size")
    laid = Volume(volume.array, grid.affine)
    return laid, finding("labels-orientation", f"{message}; taken to lie on the scan's voxels one by one")


def _reason(source: Source, error: Finding) -> Finding:
    """Why labels cannot be used."""
    if error.code in ("colour", "four-dimensional"):
        return _named(source, finding("labels-layered", error.message))
    if error.code.startswith("labels-"):
        return _named(source, replace(finding(error.code, error.message), cure=error.cure))
    return _named(source, replace(finding("labels-unreadable", error.message), cure=error.cure))


def _named(source: Source, found: Finding) -> Finding:
    return replace(found, message=f"{source.relative}: {found.message}")


def _understood(volume: Volume, source: Source) -> tuple[Volume, list[Finding]]:
    """Labels in which ignored values are ``IGNORED``, and what nobody has named."""
    array = volume.array
    values = {int(value) for value in np.unique(array)} - {0, IGNORED}
    if ignored := values.intersection(source.ignored):
        array = np.where(np.isin(array, sorted(ignored)), np.int16(IGNORED), array)
    named = {value for _, group in source.structures for value in group}
    found: list[Finding] = []
    if named and (strange := sorted(values - named - ignored)):
        listed = some([str(value) for value in strange])
        found.append(finding("labels-undeclared", f"dataset.json does not name {_values(strange)} {listed}"))
    elif not named and OFTEN_IGNORED in values and len(values) > 1:
        others = some([str(value) for value in sorted(values - {OFTEN_IGNORED})])
        found.append(finding("labels-255", f"the value {OFTEN_IGNORED} beside {others}"))
    if len(values) >= MANY and (alike := _alike(array[0])) < ALIKE:
        message = f"{len(values)} values, and only {alike:.0%} of neighbouring voxels have the same"
        found.append(finding("labels-like-scan", message))
    return Volume(array, volume.affine), found


def _alike(array: NDArray) -> float:
    """Share of the pairs of neighbours, neither of them background, that have the same value."""
    pairs = same = 0
    for axis in range(3):
        turned = np.moveaxis(array, axis, 0)
        inside = (turned[1:] > 0) & (turned[:-1] > 0)
        pairs += int(np.count_nonzero(inside))
        same += int(np.count_nonzero(inside & (turned[1:] == turned[:-1])))
    return same / pairs if pairs else 1.0


def _values(values: Sequence[int]) -> str:
    return "the value" if len(values) == 1 else "the values"


def _place(shape: Sequence[int], affine: NDArray[np.float64], grid: Grid) -> Finding | None:
    """What to say of the place of labels.

    None where they cover their scan, ``labels-shifted`` where they have its voxels at an offset, ``labels-cropped``
    where they are a part of it, else ``labels-elsewhere``.
    """
    share = covered(shape, affine, grid)
    if share >= SAME_SPACE:
        return _shifted(shape, affine, grid)
    x, y, z = shape
    inside = covered(grid.shape, grid.affine, Grid((x, y, z), affine))
    if inside < SAME_SPACE:
        return finding("labels-elsewhere", f"labels cover {share:.0%} of the image's space")
    if sorted(shape) == sorted(grid.shape):
        message = f"labels have as many voxels as the scan, and cover {share:.0%} of its space"
        return finding("labels-elsewhere", message)
    if _is_default(affine) and not _is_default(grid.affine):
        return finding("labels-elsewhere", "the header of the labels names neither voxel size nor place")
    message = f"labels cover {share:.0%} of the scan's space, all inside it; the rest of the scan is background"
    same = np.allclose(np.sort(spacing_of(affine)), np.sort(spacing_of(grid.affine)), rtol=SAME_STEP)
    return finding("labels-cropped", message, level="info" if same else "warning")


def _shifted(shape: Sequence[int], affine: NDArray[np.float64], grid: Grid) -> Finding | None:
    """What to say of labels with the scan's voxels whose header puts them at an offset; else None."""
    edges = np.sort(spacing_of(affine)), np.sort(spacing_of(grid.affine))
    if sorted(shape) != sorted(grid.shape) or not np.allclose(*edges, rtol=SAME_STEP):
        return None
    middles = (
        apply_affine(each, (np.array(size) - 1) / 2) for each, size in ((affine, shape), (grid.affine, grid.shape))
    )
    far = float(np.linalg.norm(np.subtract(*middles)))
    if far < SHIFTED * edges[0][0]:
        return None
    return finding("labels-shifted", f"the header puts the labels {far:.1f} mm off the scan's voxels")


def _is_default(affine: NDArray[np.float64]) -> bool:
    """Whether it is what tools write that have lost the scan's: voxels of 1 mm from the world's origin."""
    return bool(np.allclose(np.abs(affine), np.eye(4), atol=1e-4))
