"""``locate``: a point or a structure of one scan in many others, with a ring that holds the truth in 90 %."""

import gzip
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer import __version__
from orienteer.arguments import of_locate
from orienteer.atomic import make_folder, write_bytes, write_json, write_text
from orienteer.console import Bar
from orienteer.errors import ConfigError, OrienteerError, RunError, ScanError
from orienteer.evaluation.familiar import WholeScan
from orienteer.folders import ENDING, Folder
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.prepare import Scaled
from orienteer.localize.finder import Finder, Point
from orienteer.localize.found import Found, as_csv, as_json, as_markups, decided
from orienteer.memory import ran_out
from orienteer.records.trained_on import TrainedOn
from orienteer.records.unfamiliar import far_too_large, unfamiliar
from orienteer.runs.load import best_checkpoint
from orienteer.runs.run import Run
from orienteer.runs.scan import for_network, prepared, read_with_info_as
from orienteer.scans.discover import label_files
from orienteer.scans.findings import Finding
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source
from orienteer.store.intensity import normalise

RECORD = Folder.LOCATIONS.marker
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
        unfamiliar: scan to how it is unlike the training scans; None where the run does not tell what they were like.
    """

    folder: Path
    found: tuple[Found, ...]
    failed: Mapping[str, ScanError]
    unfamiliar: Mapping[str, tuple[Finding, ...]] | None


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
        overwrite: replace an earlier answer.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, or an earlier answer in the way.
        ConfigError: the run learned no task that places single voxels; a position that cannot be.
        ScanError: an exemplar cannot be read.
        OrienteerError: nothing to look for, labels that cannot be read, no scans.
    """
    of_locate(run, exemplar, scans, out)
    if crop_mm is not None and not crop_mm > 0:
        raise ConfigError(f"a crop of {crop_mm:g} mm", cure="give --crop an edge in mm, such as 64mm")
    opened, folder = Run.open(run), Path(out)
    if (folder / RECORD).exists() and not overwrite:
        raise RunError(f"{folder} holds an answer already", cure="add --overwrite, or name another folder")
    where: Where = tuple(at) or structure
    finders = _finders(opened, [(Path(exemplar), where), *((Path(path), there) for path, there in also)])
    learned = (opened.record.data.channels, opened.record.data.channel_names)
    laid = lay_out(Path(scans), [folder], layout=layout, channels=channels, expected=learned[0])
    sources = named_apart(laid.sources)
    make_folder(folder)
    _forget(folder)
    found: list[Found] = []
    failed: dict[str, ScanError] = {}
    odd: dict[str, tuple[Finding, ...]] = {}
    trained = TrainedOn.read(opened.path)
    with Bar("locating", len(sources), shown=progress) as bar:
        for name, source in bar.track(list(sources.items())):
            try:
                volume, ready = _ready(opened, source, trained)
                here = _in_scan(opened, finders, volume, ready, name)
                odd[name] = _unfamiliar(opened, finders[0], trained, volume, ready)
            except (ScanError, OSError, RuntimeError, MemoryError) as error:
                failed[name] = reason(source, error)
                continue
            found += here
            write_text(_markups(folder, name), as_markups(here))
            if crop_mm is not None:
                _write_crops(folder, volume, here, crop_mm)
    about = {
        "orienteer_version": __version__,
        "step": best_checkpoint(opened.folder)[0].step,
        "spacing_mm": opened.record.data.spacing_mm,
        "exemplars": len(finders),
        "world": "R, A, S in mm",
        "voxel": "index in the scan's file, from 0",
    }
    write_text(folder / "locations.csv", as_csv(found))
    about |= {"unlike_training": {name: [each.message for each in of] for name, of in odd.items() if of}}
    write_json(folder / RECORD, as_json(found, about, {name: error.message for name, error in failed.items()}))
    return LocateResult(folder, tuple(found), failed, odd if trained else None)


def find(
    run: Run, exemplar: Path | str, scan: Path | str, *, at: Sequence[Sequence[float]] = (), structure: str = ""
) -> tuple[Found, ...]:
    """``Run.locate``: the points of one exemplar in one scan; nothing is written."""
    finders = _finders(run, [(Path(exemplar), tuple(at) or structure)])
    source = _only(Path(scan), run.record.data.channels)
    return tuple(_in_scan(run, finders, *_ready(run, source, TrainedOn.read(run.path)), source.id))


def _ready(run: Run, source: Source, trained: TrainedOn | None) -> tuple[Volume, Scaled]:
    """A scan in its own orientation, and on the run's grid.

    Raises:
        ScanError: it cannot be read, or is far larger than any training scan: its header has the wrong unit.
    """
    volume = read_with_info_as(source, (run.record.data.channels, run.record.data.channel_names))[1]
    upright = canonical(volume)
    if trained and (huge := far_too_large([trained], upright.shape, upright.spacing.tolist())):
        raise ScanError(huge.message, code=huge.code, cure=huge.cure)
    return volume, for_network(upright, run.record.data.parameters)


def _unfamiliar(
    run: Run, finder: Finder, trained: TrainedOn | None, volume: Volume, ready: Scaled
) -> tuple[Finding, ...]:
    """How a scan is unlike those the run learned from."""
    if trained is None:
        return ()
    scan = WholeScan.prepared(ready, canonical(volume).spacing, run.record.data.parameters)
    encoder = finder.model.backbone.encoder
    return unfamiliar(trained, scan.frame, scan.content(encoder, size=finder.view, device=torch.device("cpu")))


def _in_scan(run: Run, finders: Sequence[Finder], volume: Volume, ready: Scaled, name: str) -> list[Found]:
    """Every point in a scan."""
    shown = finders[0].prepare(Volume(normalise(ready.image, ready.intensity), ready.grid.affine))
    votes = [finder.votes(shown) for finder in finders]
    return [
        decided(name, point.name, [one[number] for one in votes], volume.affine)
        for number, point in enumerate(finders[0].points)
    ]


def _finders(run: Run, exemplars: Sequence[tuple[Path, Where]]) -> list[Finder]:
    """One for each exemplar, all asked for the same points."""
    learned, model = (run.record.data.channels, run.record.data.channel_names), run.model()
    finders: list[Finder] = []
    for path, where in exemplars:
        if not where:
            raise OrienteerError("nothing to look for", cure="add --at X,Y,Z or --structure LABELS[:VALUE]")
        source = _only(path, learned[0])
        info, volume = read_with_info_as(source, learned)
        if isinstance(where, str):
            grid = Grid(volume.shape, volume.affine)
            points = structures(where, grid, oriented=names_orientation(info.findings))
        else:
            points = [_of_position(number, place, len(where)) for number, place in enumerate(where, 1)]
        if not points:
            raise OrienteerError(f"{where} holds no structure", cure="give labels with values above 0")
        if finders and [point.name for point in points] != [point.name for point in finders[0].points]:
            first = ", ".join(point.name for point in finders[0].points)
            raise OrienteerError(
                f"{path} has other points than the first exemplar ({first})", cure="give the same points in each"
            )
        finder = Finder(model, prepared(volume, run.record.data.parameters), points, view=run.settings.views.size)
        for number, point in enumerate(points):
            if not finder.holds(number):
                raise ConfigError(f"{point.name} does not lie in {path}", cure=_extent(volume))
        finders.append(finder)
    return finders


def _only(path: Path, channels: int) -> Source:
    """The one scan of an exemplar."""
    sources = lay_out(path, expected=channels).sources
    if len(sources) != 1:
        raise OrienteerError(f"{path} holds {len(sources)} scans", cure="give one of them as the exemplar")
    return sources[0]


def _of_position(number: int, place: Sequence[float], count: int) -> Point:
    if len(place) != 3 or not np.isfinite(place).all():
        raise ConfigError(f"{','.join(map(str, place))} is no position", cure="give three numbers, R,A,S in mm")
    return Point("point" if count == 1 else f"point {number}", np.asarray(place, dtype=np.float64)[None])


def structures(text: str, grid: Grid, *, oriented: bool) -> list[Point]:
    """The structures in ``LABELS[:VALUE]``, a label file of the exemplar, whose grid is given.

    Raises:
        OrienteerError: no such file, labels that lie elsewhere, or a value that is not in them.
    """
    path, value = _split(text)
    named, others = label_files(path)
    if len(named) + len(others) != 1:
        raise OrienteerError(f"{path} holds {len(named) + len(others)} label files", cure="give one label file")
    labels, findings = read_labels((named or others)[0], grid, oriented=oriented)
    if labels is None:
        raise OrienteerError(findings[0].message, cure=findings[0].cure)
    values = [int(each) for each in np.unique(labels.array) if each > 0]
    if value is not None and value not in values:
        shown = ", ".join(map(str, values[:12])) + (", ..." if len(values) > 12 else "")
        raise OrienteerError(f"{path} has no value {value}", cure=f"its values are {shown or 'none'}")
    points = []
    for each in values if value is None else [value]:
        voxels = np.argwhere(labels.array[0] == each).astype(np.float64)
        voxels = voxels[:: max(1, len(voxels) // MOST_VOXELS)]
        points.append(Point(str(each), apply_affine(labels.affine, voxels)))
    return points


def _split(text: str) -> tuple[Path, int | None]:
    """``LABELS:VALUE``; a name may hold colons itself."""
    path, colon, value = text.rpartition(":")
    return (Path(path), int(value)) if colon and value.strip().isdigit() else (Path(text), None)


def _extent(volume: Volume) -> str:
    """Where a scan lies, for somebody whose point is outside."""
    world = apply_affine(volume.affine, np.array(list(np.ndindex(2, 2, 2))) * (np.array(volume.shape) - 1))
    spans = (f"{low:.0f} to {high:.0f}" for low, high in zip(world.min(0), world.max(0), strict=True))
    return f"positions are R,A,S in mm; the scan spans {', '.join(spans)}"


def named_apart(sources: Sequence[Source]) -> dict[str, Source]:
    """Scans by id; the second of one id by its path."""
    named: dict[str, Source] = {}
    taken: set[str] = set()
    for source in sources:
        name = source.id if source.id.casefold() not in taken else source.relative.replace("/", "_")
        taken.add(name.casefold())
        named[name] = source
    return named


def reason(source: Source, error: Exception) -> ScanError:
    """What is wrong with one scan.

    Raises:
        Exception: the error itself, where it is not about the scan.
    """
    if isinstance(error, ScanError):
        return error
    if ran_out(error):
        return ScanError(f"{source.relative}: does not fit into memory", code="out-of-memory", cure="close programs")
    if isinstance(error, OSError):
        return ScanError(f"{source.relative}: cannot be read: {error.strerror}", code="unreadable", cure="look at it")
    raise error


def _forget(folder: Path) -> None:
    """Delete the files of an earlier answer: beside a new one they would be taken for its own."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for each in json.loads((folder / RECORD).read_text(encoding="utf-8"))["locations"]:
            for path in (_markups(folder, each["scan"]), _crop(folder, each["scan"], each["point"])):
                if path.resolve().is_relative_to(folder.resolve()):
                    path.unlink(missing_ok=True)


def _markups(folder: Path, scan: str) -> Path:
    return folder / f"{scan}.mrk.json"


def _crop(folder: Path, scan: str, point: str) -> Path:
    return folder / "crops" / f"{scan}-{point.replace(' ', '-')}{ENDING}"


def _write_crops(folder: Path, volume: Volume, found: Sequence[Found], edge_mm: float) -> None:
    """A cube around each point on the scan's own voxels, in the world where it lies in the scan."""
    import nibabel

    for each in found:
        if each.voxel is None:
            continue
        half = edge_mm / 2 / volume.spacing
        low = np.clip(np.rint(each.voxel - half), 0, np.array(volume.shape) - 1).astype(int)
        high = np.clip(np.rint(each.voxel + half) + 1, low + 1, volume.shape).astype(int)
        part = volume.array[(slice(None), *map(slice, low, high))]
        image = nibabel.Nifti1Image(_plain(part), volume.affine @ nibabel.affines.from_matvec(np.eye(3), low))
        image.header.set_xyzt_units("mm")
        write_bytes(_crop(folder, each.scan, each.point), gzip.compress(image.to_bytes(), mtime=0))


def _plain(part: NDArray) -> NDArray:
    """``(D, H, W)``, or with channels last, of a type that NIfTI has."""
    array = part[0] if len(part) == 1 else np.moveaxis(part, 0, -1)
    return array.astype(np.float32) if array.dtype.kind not in "iu" or array.dtype.itemsize > 4 else array
