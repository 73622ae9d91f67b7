"""``orient``: whether scans lie as their headers say: turned, mirrored, of another spacing, of another anatomy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nibabel
import numpy as np
from numpy.typing import NDArray

from orienteer import __version__
from orienteer.arguments import of_orient
from orienteer.atomic import write_bytes, write_text
from orienteer.errors import RunError, ScanError
from orienteer.folders import ENDING, Folder
from orienteer.geometry import Volume
from orienteer.localize.oriented import Oriented, Verdict, as_csv
from orienteer.localize.picture import picture
from orienteer.localize.rewrite import rewritten
from orienteer.runs.answers import Answer, Answers, named_apart, reason
from orienteer.runs.asked import Asked
from orienteer.runs.load import best_checkpoint
from orienteer.runs.ready import Ready
from orienteer.runs.run import Run
from orienteer.scans.findings import Finding, finding
from orienteer.scans.identity import identity
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.reading import read
from orienteer.scans.source import Source
from orienteer.units import percent

TABLE = "orientations.csv"
"""Name of the table of all scans."""
CODES = {
    Verdict.MIRRORED: "orientation-contradicted",
    Verdict.TURNED: "orientation-contradicted",
    Verdict.SPACING: "spacing-contradicted",
    Verdict.UNSURE: "orientation-untold",
    Verdict.OTHER: "anatomy-unknown",
}
"""Findings of ``check --run``."""


@dataclass(frozen=True)
class OrientResult:
    """What became of every scan.

    Attributes:
        found: a verdict a scan, in the order of their paths.
        failed: scan to what was wrong with it.
        unfixed: scan to why no corrected copy was written though one was asked for.
        warnings: scan to what is odd about its header.
        fixed: scan to the corrected copies that were written, one of each of its files.
        notes: what is odd about the run.
        folder: of the files; None where none were asked for.
    """

    found: tuple[Oriented, ...]
    failed: Mapping[str, ScanError]
    unfixed: Mapping[str, ScanError]
    warnings: Mapping[str, tuple[Finding, ...]]
    fixed: Mapping[str, tuple[Path, ...]]
    folder: Path | None = None
    notes: tuple[str, ...] = ()


def orient(
    run: Path | str,
    scans: Path | str,
    *,
    out: Path | str | None = None,
    fix: Path | str | None = None,
    sides: Path | str | None = None,
    all_pictures: bool = False,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> OrientResult:
    """Ask for every scan below a folder how it is held; one that cannot be read is named and the others go on.

    Args:
        run: a run that learned to place single voxels, as by default, and was validated.
        scans: a folder of scans in any format, or one file.
        out: a new folder: ``orientations.csv``, ``orientations.json``, and a picture of each scan that is not fine.
        fix: a folder for corrected copies (NIfTI) of scans that are turned or mirrored, where the turn (90 %), the side
            (95 %) and both together (90 %) are sure; whether a spacing is wrong, too, is not asked. The header's axes
            change, no voxel does, and no spacing. A scan of several files gets a copy of each.
        sides: another run, with a task that tells a view from its mirror image, to tell left from right.
        all_pictures: a picture of the others, too.
        overwrite: replace answers to another question, and earlier copies; never a scan that is asked about. Without
            it the same question goes on.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, no validation, or answers to another question, or one of the scans in
            the way.
        ConfigError: the run learned no task that places single voxels, or ``sides`` none that tells mirror images.
        OrienteerError: no scans.
    """
    of_orient(run, scans, out, fix, sides)
    opened, folder, copies = Run.open(run), None if out is None else Path(out), None if fix is None else Path(fix)
    mine = [path for path in (folder, copies) if path is not None]
    laid = lay_out(Path(scans), mine, layout=layout, channels=channels, expected=opened.record.data.channels)
    to_write = {} if copies is None else _copies(copies, named_apart(laid.sources))
    _refuse_originals([path for paths in to_write.values() for path in paths], laid.sources)
    asked = Asked.of(opened, None if sides is None else Run.open(sides))
    about = {
        "orienteer_version": __version__,
        "step": best_checkpoint(opened.folder)[0].step,
        "validated_error_mm": round(asked.stick.error_mm, 2),
        "axes": "direction each axis of the file grows towards",
        "affine": "voxel of the file to world R, A, S in mm, as it should be",
        "spacing_factors": "true spacing over the header's, along the file's axes",
    }
    question = {**asked.question, "all_pictures": all_pictures}
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory())) if folder is None else folder
        answers = stack.enter_context(
            Answers.claimed(
                place, Folder.ORIENTATIONS, question, about, command="orient", table=TABLE, overwrite=overwrite
            )
        )
        if folder is not None:
            answers.refuse(f"{name}.png" for name in named_apart(laid.sources))

        def one(name: str, ready: Ready) -> Answer:
            said = asked.about(name, ready)
            if folder is not None and (all_pictures or not said.fine):
                (path,) = answers.targets(f"{name}.png")
                write_bytes(path, picture(_grey(ready.volume), ready.volume.affine, said))
            return ready.of_header | said.to_json()

        answers.collect(laid.sources, asked.asker.read, one, what="orienting", shown=progress)
        found = tuple(map(Oriented.from_json, answers.answered.values()))
        write_text(place / TABLE, as_csv(found))
        unfixed: dict[str, ScanError] = {}
        fixed: dict[str, tuple[Path, ...]] = {}
        for said in (each for each in found if each.fixable and each.scan in to_write and each.scan in answers.named):
            source = answers.named[said.scan]
            try:
                _correct(source, asked.asker.read(source).volume, said.affine, to_write[said.scan], overwrite)
                fixed[said.scan] = to_write[said.scan]
            except (ScanError, OSError, RuntimeError, MemoryError) as error:
                unfixed[said.scan] = reason(source, error)
    return OrientResult(found, answers.left_out, unfixed, answers.warnings, fixed, folder, asked.asker.notes)


def contradictions(
    run: Path | str,
    sources: Sequence[Source],
    *,
    sides: Path | str | None = None,
    untold: Callable[[str], object] = lambda scan: None,
    noted: Callable[[str], object] = lambda note: None,
) -> Iterator[Finding | None]:
    """What a run says against the headers of scans, in order; None where nothing.

    Args:
        run: as of ``orient``.
        sources: the scans.
        sides: as of ``orient``.
        untold: called with the id of each scan of which all is told but left and right.
        noted: called with what is odd about the run.

    Raises:
        RunError: no run, no whole checkpoint, no validation.
        ConfigError: the run learned no task that places single voxels, or ``sides`` none that tells mirror images.
    """
    asked = Asked.of(Run.open(run), None if sides is None else Run.open(sides))
    for note in asked.asker.notes:
        noted(note)
    for source in sources:
        try:
            one = asked.about(source.id, asked.asker.read(source))
        except (ScanError, OSError, RuntimeError, MemoryError) as error:
            yield finding("orientation-untold", reason(source, error).message)
            continue
        if one.mirrored is not None and not one.side_told:
            untold(one.scan)
        yield as_finding(one)


def as_finding(one: Oriented) -> Finding | None:
    """A verdict as ``check`` names it; None where the scan is fine."""
    if one.fine:
        return None
    sure = f" ({percent(one.confidence)})" if one.confidence else ""
    axes = f", axes {one.axes} are {one.axes_found}" if one.axes_found not in ("", one.axes) else ""
    return finding(CODES[one.verdict], f"{one.verdict.value}{axes}{one.why and f': {one.why}'}{sure}")


def _grey(volume: Volume) -> NDArray[np.float32]:
    """The first channel between the 1st and 99.9th percentile of what is not background, in window units."""
    array = volume.array[0]
    body = array[array > array.min()]
    low, high = np.percentile(body if body.size else array, (1, 99.9))
    grey: NDArray[np.float32] = (2 * (volume.array[0] - low) / max(float(high - low), 1e-9) - 1).astype(np.float32)
    return grey


def _copies(folder: Path, sources: Mapping[str, Source]) -> dict[str, tuple[Path, ...]]:
    """Where corrected copies of each scan's files belong: by its id, of a scan of several files by theirs."""
    files = iter(named_apart(part for source in sources.values() for part in source.parts or (source,)))
    return {
        name: tuple(folder / f"{next(files)}{ENDING}" for _ in source.parts or (source,))
        for name, source in sources.items()
    }


def _correct(source: Source, volume: Volume, affine: NDArray[np.float64], to: Sequence[Path], overwrite: bool) -> None:
    """Write a corrected copy of each of a scan's files: what is wrong of the scan is wrong of them alike.

    Raises:
        ScanError: one of the files cannot be read again, or something else is in a copy's place.
        OrienteerError: the disk refuses.
    """
    parts = [(part, read(part)) for part in source.parts] or [(source, volume)]
    for path, (part, own) in zip(to, parts, strict=True):
        data = rewritten(part.paths[0], own, affine @ np.linalg.inv(volume.affine) @ own.affine)
        if path.exists() and path.read_bytes() == data:
            continue
        if path.exists() and not (overwrite and _is_copy(path, part, own)):
            cure = "name a new --fix folder" if overwrite else "add --overwrite, or name a new --fix folder"
            raise ScanError(f"{path} is in the way", code="duplicate-id", cure=cure)
        write_bytes(path, data)


def _is_copy(path: Path, source: Source, volume: Volume) -> bool:
    """Whether a file is an earlier corrected copy of a scan: the same but for where its voxels lie."""
    try:
        affine = nibabel.load(path).affine
        return path.read_bytes() == rewritten(source.paths[0], volume, affine)
    except (OSError, ValueError, nibabel.filebasedimages.ImageFileError):
        return False


def _refuse_originals(targets: Sequence[Path], sources: Sequence[Source]) -> None:
    """Refuse to write onto a file of any scan, or of its labels, by whatever path.

    Raises:
        RunError: it names the file.
    """
    files = [each for source in sources for each in (source, source.labels, *source.parts) if each is not None]
    originals = {identity(path) for each in files for path in each.paths} - {None}
    for path in targets:
        if identity(path) in originals:
            raise RunError(
                f"{path} is one of the scans, which are never written onto", cure="name another --fix folder"
            )
