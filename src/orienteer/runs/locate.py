"""``locate``: a point or a structure of one scan in many others, with a ring that holds the truth in 90 %."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer import __version__
from orienteer.arguments import of_locate
from orienteer.atomic import write_bytes, write_text
from orienteer.errors import ConfigError, OrienteerError, ScanError
from orienteer.folders import ENDING, Folder
from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.correspond import Prepared
from orienteer.localize.finder import Finder, Point
from orienteer.localize.found import Found, as_csv, as_markups, decided
from orienteer.runs.answers import Answer, Answers, fingerprint
from orienteer.runs.ready import Asker, Ready
from orienteer.runs.run import Run, Step
from orienteer.scans.findings import Finding
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.store import Store

TABLE = "locations.csv"
"""Name of the table of all scans and points."""
AIR_MM = 10.0
"""Distance from the body beyond which a point is said to lie in air."""
MOST_VOXELS = 400
"""Voxels of a structure that are followed, evenly taken."""

Where = Sequence[Sequence[float]] | str
"""Positions in an exemplar, or ``LABELS[:VALUE]``."""


@dataclass(frozen=True)
class LocateResult:
    """What became of every scan.

    Attributes:
        folder: of the files.
        found: a line a point and scan.
        failed: scan to what was wrong with it.
        warnings: scan to what is odd about it, or unlike the training scans.
        notes: what is odd about the run, or the labels of an exemplar.
        compared: whether scans were compared with the training scans, which some runs do not tell.
    """

    folder: Path
    found: tuple[Found, ...]
    failed: Mapping[str, ScanError]
    warnings: Mapping[str, tuple[Finding, ...]]
    notes: tuple[str, ...] = ()
    compared: bool = True


def locate(
    run: Path | str,
    exemplar: Path | str,
    scans: Path | str,
    out: Path | str,
    *,
    at: Sequence[Sequence[float]] = (),
    structure: str = "",
    also: Sequence[tuple[Path | str, Where]] = (),
    crop_mm: float | None = None,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> LocateResult:
    """Find points of an exemplar in every scan below a folder; one that cannot be read is named and the others go on.

    Args:
        run: a run that learned to place single voxels, as by default.
        exemplar: a scan, in any format.
        scans: a folder of scans in any format, or one file; no store is needed.
        out: a new folder: ``locations.csv``, ``locations.json``, and for each scan ``ID.mrk.json`` for Slicer.
        at: world positions in the exemplar, R, A, S in mm, as Slicer shows them.
        structure: ``LABELS`` or ``LABELS:VALUE``: a label file of the exemplar; the middle of each of its structures is
            looked for, or of one.
        also: further exemplars that vote, each with the same points in it.
        crop_mm: also write what lies within a cube of this edge around each point, on the scan's own grid.
        overwrite: replace answers to another question; those to the same one are kept, and it goes on.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, or answers to another question in the way.
        ConfigError: the run learned no task that places single voxels; a position that cannot be.
        ScanError: an exemplar cannot be read.
        OrienteerError: nothing to look for, labels that cannot be read, no scans.
    """
    of_locate(run, exemplar, scans, out)
    if crop_mm is not None and not crop_mm > 0:
        raise ConfigError(f"a crop of {crop_mm:g} mm", cure="give --crop an edge in mm, such as 64mm")
    opened, folder = Run.open(run), Path(out)
    where: Where = tuple(at) or structure
    asker = Asker.of(opened)
    notes = [*asker.notes]
    finders = _finders(asker, [(Path(exemplar), where), *((Path(path), there) for path, there in also)], notes)
    laid = lay_out(Path(scans), [folder], layout=layout, channels=channels, expected=opened.record.data.channels)
    asked = {"network": asker.digest, "exemplars": [_asked(finder) for finder in finders], "crop_mm": crop_mm}
    about = {
        "orienteer_version": __version__,
        "spacing_mm": opened.record.data.spacing_mm,
        "world": "R, A, S in mm",
        "voxel": "index in the scan's file, from 0",
    }
    claim = Answers.claimed(folder, Folder.LOCATIONS, asked, about, command="locate", table=TABLE, overwrite=overwrite)
    with claim as answers:

        def one(name: str, scan: Ready) -> Answer:
            here = _in_scan(finders, scan.prepared, scan.volume.affine, name)
            cut = [each for each in here if each.found] if crop_mm is not None else []
            crops = (f"crops/{name}-{each.point.replace(' ', '-')}{ENDING}" for each in cut)
            markups, *places = answers.targets(f"{name}.mrk.json", *crops)
            write_text(markups, as_markups(here))
            for each, path in zip(cut, places, strict=True):
                _write_crop(path, scan.volume, each, crop_mm or 0.0)
            return scan.warnings | {"locations": [each.to_json() for each in here]}

        answers.collect(laid.sources, asker.see, one, what="locating", shown=progress)
        found = tuple(Found.from_json(each) for scan in answers.answered.values() for each in scan["locations"])
        write_text(folder / TABLE, as_csv(found))
    return LocateResult(folder, found, answers.left_out, answers.warnings, tuple(notes), bool(asker.trained))


def _asked(finder: Finder) -> list[object]:
    """What was asked of one exemplar, in figures alone: paths may hold names."""
    looks = fingerprint(finder.exemplar.volume)
    places = [
        fingerprint(point.structure) if point.structure else point.world_mm.round(3).tolist() for point in finder.points
    ]
    return [looks, [point.name for point in finder.points], places]


def find(
    run: Run, exemplar: Path | str, scan: Path | str, *, at: Sequence[Sequence[float]] = (), structure: str = "",
    step: Step = "best",
) -> tuple[Found, ...]:  # fmt: skip
    """``Run.locate`` of scans in files; nothing is written."""
    asker = Asker.of(run, step)
    finders = _finders(asker, [(Path(exemplar), tuple(at) or structure)], [])
    shown = asker.open(Path(scan))
    return tuple(_in_scan(finders, shown.prepared, shown.volume.affine, shown.source.id))


def find_stored(
    run: Run, store: Store, exemplar: str, scan: str, *, at: Sequence[Sequence[float]], step: Step = "best"
) -> tuple[Found, ...]:
    """``Run.locate`` of scans in a store; ``Found.voxel`` counts the stored voxels."""
    asker = Asker.of(run, step)
    finder = _holding(asker.stored(store, exemplar), _of_positions(at), exemplar)
    other = asker.stored(store, scan)
    return tuple(_in_scan([finder], other, other.grid.affine, scan))


def _in_scan(finders: Sequence[Finder], scan: Prepared, affine: NDArray[np.float64], name: str) -> list[Found]:
    """Every point in a scan; ``affine`` is that of the voxels it is told in."""
    votes = [finder.votes(scan) for finder in finders]
    return [
        decided(name, point.name, [one[number] for one in votes], affine)
        for number, point in enumerate(finders[0].points)
    ]


def _finders(asker: Asker, exemplars: Sequence[tuple[Path, Where]], notes: list[str]) -> list[Finder]:
    """One for each exemplar, all asked for the same points; what is odd about their labels goes to ``notes``."""
    finders: list[Finder] = []
    for path, where in exemplars:
        if not where:
            raise OrienteerError("nothing to look for", cure="add --at X,Y,Z or --structure LABELS[:VALUE]")
        scan = asker.open(path)
        points, odd = structures(scan, where) if isinstance(where, str) else (_of_positions(where), ())
        notes += [*scan.as_exemplar(), *odd]
        if not points:
            raise OrienteerError(f"{where} holds no structure", cure="give labels with values above 0")
        if finders and [point.name for point in points] != [point.name for point in finders[0].points]:
            first = ", ".join(point.name for point in finders[0].points)
            raise OrienteerError(
                f"{path} has other points than the first exemplar ({first})", cure="give the same points in each"
            )
        finders.append(_holding(scan.prepared, points, path))
        notes += [
            f"{each.name} {_in_air(far)}" for each in points if (far := scan.prepared.from_body(each.world_mm)) > AIR_MM
        ]
    return finders


def _in_air(far: float) -> str:
    return f"lies {far:.0f} mm from the body, and air has no place: what is found for it means little"


def _holding(exemplar: Prepared, points: Sequence[Point], name: Path | str) -> Finder:
    """Asked for points that lie in the exemplar.

    Raises:
        ConfigError: one does not.
    """
    finder = Finder(exemplar, points)
    for number, point in enumerate(points):
        if not finder.holds(number):
            raise ConfigError(f"{point.name} does not lie in {name}", cure=_extent(exemplar.grid))
    return finder


def _of_positions(places: Sequence[Sequence[float]]) -> list[Point]:
    return [_of_position(number, place, len(places)) for number, place in enumerate(places, 1)]


def _of_position(number: int, place: Sequence[float], count: int) -> Point:
    if len(place) != 3 or not np.isfinite(place).all():
        raise ConfigError(f"{','.join(map(str, place))} is no position", cure="give three numbers, R,A,S in mm")
    return Point("point" if count == 1 else f"point {number}", np.asarray(place, dtype=np.float64)[None])


def structures(scan: Ready, text: str) -> tuple[list[Point], tuple[str, ...]]:
    """The structures in ``LABELS[:VALUE]``, a label file of a scan, and what is odd about it.

    Raises:
        OrienteerError: no such file, labels that lie elsewhere, or a value that is not in them.
    """
    path, value = _split(text)
    labels, found = scan.labels(path)
    values = [int(each) for each in np.unique(labels.array) if each > 0]
    if value is not None and value not in values:
        shown = ", ".join(map(str, values[:12])) + (", ..." if len(values) > 12 else "")
        raise OrienteerError(f"{path} has no value {value}", cure=f"its values are {shown or 'none'}")
    points = []
    for each in values if value is None else [value]:
        voxels = np.argwhere(labels.array[0] == each).astype(np.float64)
        voxels = voxels[:: max(1, len(voxels) // MOST_VOXELS)]
        structure = Volume((labels.array == each).astype(np.int16), labels.affine)
        points.append(Point(str(each), apply_affine(labels.affine, voxels), structure))
    return points, found


def _split(text: str) -> tuple[Path, int | None]:
    """``LABELS:VALUE``; a name may hold colons itself."""
    path, colon, value = text.rpartition(":")
    return (Path(path), int(value)) if colon and value.strip().isdigit() else (Path(text), None)


def _extent(grid: Grid) -> str:
    """Where a scan lies, for somebody whose point is outside."""
    world = apply_affine(grid.affine, np.array(list(np.ndindex(2, 2, 2))) * (np.array(grid.shape) - 1))
    spans = (f"{low:.0f} to {high:.0f}" for low, high in zip(world.min(0), world.max(0), strict=True))
    return f"positions are R,A,S in mm; the scan spans {', '.join(spans)}"


def _write_crop(path: Path, volume: Volume, found: Found, edge_mm: float) -> None:
    """A cube around a point on the scan's own voxels, in the world where it lies in the scan."""
    import nibabel

    assert found.voxel is not None
    size = np.maximum(1, np.rint(edge_mm / volume.spacing))
    first = np.rint(found.voxel - (size - 1) / 2)
    low = np.clip(first, 0, np.array(volume.shape) - 1).astype(int)
    high = np.clip(first + size, low + 1, volume.shape).astype(int)
    part = volume.array[(slice(None), *map(slice, low, high))]
    image = nibabel.Nifti1Image(_plain(part), volume.affine @ nibabel.affines.from_matvec(np.eye(3), low))
    image.header.set_xyzt_units("mm")
    write_bytes(path, gzip.compress(image.to_bytes(), mtime=0))


def _plain(part: NDArray) -> NDArray:
    """``(D, H, W)``, or with channels last, of a type that NIfTI has."""
    array = part[0] if len(part) == 1 else np.moveaxis(part, 0, -1)
    return array.astype(np.float32) if array.dtype.kind not in "iu" or array.dtype.itemsize > 4 else array
