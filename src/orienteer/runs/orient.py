"""``orient``: whether scans lie as their headers say: turned, mirrored, of another spacing, of another anatomy."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer import __version__
from orienteer.arguments import of_orient
from orienteer.atomic import make_folder, write_bytes, write_json, write_text
from orienteer.console import Bar
from orienteer.errors import RunError, ScanError
from orienteer.folders import ENDING, Folder
from orienteer.geometry import Volume
from orienteer.localize.oriented import Oriented, Verdict, as_csv, as_json
from orienteer.localize.picture import picture
from orienteer.localize.rewrite import rewritten
from orienteer.runs.answers import named_apart, reason
from orienteer.runs.asked import Asked
from orienteer.runs.load import best_checkpoint
from orienteer.runs.run import Run
from orienteer.scans.findings import Finding, finding
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source

RECORD = Folder.ORIENTATIONS.marker
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
        fixed: scan to the corrected copy that was written.
        folder: of the files; None where none were asked for.
    """

    found: tuple[Oriented, ...]
    failed: Mapping[str, ScanError]
    fixed: Mapping[str, Path]
    folder: Path | None = None


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
        fix: a folder for corrected copies (NIfTI) of scans that are turned or mirrored, where all of it is sure: the
            header's axes change, no voxel does, and no spacing.
        sides: another run, with a task that tells a view from its mirror image, to tell left from right.
        all_pictures: a picture of the others, too.
        overwrite: replace an earlier answer, and earlier copies.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, no validation, or an earlier answer in the way.
        ConfigError: the run learned no task that places single voxels, or ``sides`` none that tells mirror images.
        OrienteerError: no scans.
    """
    of_orient(run, scans, out, fix, sides)
    opened, folder, copies = Run.open(run), None if out is None else Path(out), None if fix is None else Path(fix)
    if folder is not None and (folder / RECORD).exists() and not overwrite:
        raise RunError(f"{folder} holds an answer already", cure="add --overwrite, or name another folder")
    asked = Asked.of(opened, None if sides is None else Run.open(sides))
    mine = [path for path in (folder, copies) if path is not None]
    laid = lay_out(Path(scans), mine, layout=layout, channels=channels, expected=opened.record.data.channels)
    sources = named_apart(laid.sources)
    if copies is not None and not overwrite:
        for name in sources:
            if (copies / f"{name}{ENDING}").exists():
                raise RunError(f"{copies} holds {name}{ENDING} already", cure="add --overwrite, or name a new folder")
    for path in mine:
        make_folder(path)
    if folder is not None:
        _forget(folder)
    found: list[Oriented] = []
    failed: dict[str, ScanError] = {}
    fixed: dict[str, Path] = {}
    with Bar("orienting", len(sources), shown=progress) as bar:
        for name, source in bar.track(list(sources.items())):
            try:
                volume, one = asked.scan(name, source)
                if copies is not None and one.fixable:
                    fixed[name] = copies / f"{name}{ENDING}"
                    write_bytes(fixed[name], rewritten(source.paths[0], volume, one.affine))
            except (ScanError, OSError, RuntimeError, MemoryError) as error:
                failed[name] = reason(source, error)
                continue
            found.append(one)
            if folder is not None and (all_pictures or not one.fine):
                write_bytes(folder / f"{name}.png", picture(_grey(volume), volume.affine, one))
    if folder is not None:
        about = {
            "orienteer_version": __version__,
            "step": best_checkpoint(opened.folder)[0].step,
            "validated_error_mm": round(asked.stick.error_mm, 2),
            "axes": "direction each axis of the file grows towards",
            "affine": "voxel of the file to world R, A, S in mm, as it should be",
            "spacing_factors": "true spacing over the header's, along the file's axes",
        }
        write_text(folder / "orientations.csv", as_csv(found))
        write_json(folder / RECORD, as_json(found, about, {name: error.message for name, error in failed.items()}))
    return OrientResult(tuple(found), failed, fixed, folder)


def contradictions(run: Path | str, sources: Sequence[Source]) -> Iterator[Finding | None]:
    """What a run says against the headers of scans, in order; None where nothing.

    Raises:
        RunError: no run, no whole checkpoint, no validation.
        ConfigError: the run learned no task that places single voxels.
    """
    asked = Asked.of(Run.open(run))
    for source in sources:
        try:
            yield as_finding(asked.scan(source.id, source)[1])
        except (ScanError, OSError, RuntimeError, MemoryError) as error:
            yield finding("orientation-untold", reason(source, error).message)


def as_finding(one: Oriented) -> Finding | None:
    """A verdict as ``check`` names it; None where the scan is fine."""
    if one.fine:
        return None
    sure = f" ({one.confidence:.0%})" if one.confidence else ""
    axes = f", axes {one.axes} are {one.axes_found}" if one.axes != one.axes_found else ""
    return finding(CODES[one.verdict], f"{one.verdict.value}{axes}{one.why and f': {one.why}'}{sure}")


def _grey(volume: Volume) -> NDArray[np.float32]:
    """The first channel between its 0.5th and 99.5th percentile, in window units."""
    low, high = np.percentile(volume.array[0], (0.5, 99.5))
    grey: NDArray[np.float32] = (2 * (volume.array[0] - low) / max(float(high - low), 1e-9) - 1).astype(np.float32)
    return grey


def _forget(folder: Path) -> None:
    """Delete the pictures of an earlier answer: beside a new one they would be taken for its own."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for each in json.loads((folder / RECORD).read_text(encoding="utf-8"))["scans"]:
            path = folder / f"{each['scan']}.png"
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
