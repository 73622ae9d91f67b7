"""``propagate``: the labels of one scan on many others, each on its own grid, with the Dice to expect of each."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orienteer import __version__
from orienteer.arguments import of_propagate
from orienteer.atomic import write_text
from orienteer.errors import OrienteerError, ScanError
from orienteer.folders import ENDING, Folder
from orienteer.geometry.resample import Grid
from orienteer.localize.carry import Trust, carried
from orienteer.runs.answers import Answer, Answers, fingerprint
from orienteer.runs.ready import Asker, Ready
from orienteer.runs.run import Run
from orienteer.scans.findings import Finding
from orienteer.scans.formats.opening import placement_of
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.write_labels import write_labels

TABLE = "trust.csv"
"""Name of the table of all scans and structures."""


@dataclass(frozen=True)
class PropagateResult:
    """What became of every scan.

    Attributes:
        folder: of the files.
        trust: scan to what is known of each structure in it, in order of label.
        failed: scan to what was wrong with it.
        warnings: scan to what is odd about it, or unlike the training scans.
        notes: what is odd about the run, or the labels of an exemplar.
        compared: whether scans were compared with the training scans, which some runs do not tell.
    """

    folder: Path
    trust: Mapping[str, tuple[Trust, ...]]
    failed: Mapping[str, ScanError]
    warnings: Mapping[str, tuple[Finding, ...]]
    notes: tuple[str, ...] = ()
    compared: bool = True


def propagate(
    run: Path | str,
    exemplar: Path | str,
    labels: Path | str,
    scans: Path | str,
    out: Path | str,
    *,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> PropagateResult:
    """Carry the labels of one scan to every scan below a folder; one that cannot be read is named, the others go on.

    Args:
        run: a run that learned to place single voxels, as by default.
        exemplar: the labelled scan, in any format.
        labels: its label file.
        scans: a folder of scans in any format, or one file; no store is needed.
        out: a new folder: ``ID.nii.gz`` with the exemplar's values on each scan's own grid, and ``trust.csv``.
        overwrite: replace labels of another exemplar or run; those of the same are kept, and it goes on.
        layout: how the folder of scans is laid out.
        channels: names of the sequences that make one scan together, in the order the run learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no run, no whole checkpoint, or labels of another exemplar or run in the way.
        ConfigError: the run learned no task that places single voxels.
        ScanError: the exemplar cannot be read.
        OrienteerError: labels that cannot be read or hold no structure, no scans.
    """
    of_propagate(run, exemplar, labels, scans, out)
    opened, folder = Run.open(run), Path(out)
    asker = Asker.of(opened)
    shown = asker.open(Path(exemplar))
    known, odd = shown.labels(Path(labels))
    notes = (*asker.notes, *shown.as_exemplar(), *odd)
    if not (known.array > 0).any():
        raise OrienteerError(f"{labels} holds no structure", cure="give labels with values above 0")
    known.array[known.array < 0] = 0
    laid = lay_out(Path(scans), [folder], layout=layout, channels=channels, expected=opened.record.data.channels)
    asked = {"network": asker.digest, "exemplar": [fingerprint(shown.volume), fingerprint(known)]}
    about = {"orienteer_version": __version__}
    claim = Answers.claimed(
        folder, Folder.PROPAGATED, asked, about, command="propagate", table=TABLE, overwrite=overwrite
    )
    with claim as answers:

        def one(name: str, scan: Ready) -> Answer:
            grid = Grid(scan.volume.shape, scan.volume.affine)
            found, trust = carried(known, shown.prepared, scan.prepared, grid, scan.body)
            (path,) = answers.targets(f"{name}{ENDING}")
            kind = np.uint8 if found.max() < 256 else np.int16
            write_labels(path, found.astype(kind), placement_of(scan.source, scan.volume))
            return scan.warnings | {"trust": [each.to_json() for each in trust]}

        answers.collect(laid.sources, asker.see, one, what="propagating", shown=progress)
        trust = {name: tuple(map(Trust.from_json, scan["trust"])) for name, scan in answers.answered.items()}
        write_text(folder / TABLE, as_csv(trust))
    return PropagateResult(folder, trust, answers.left_out, answers.warnings, notes, bool(asker.trained))


def as_csv(trust: Mapping[str, Sequence[Trust]]) -> str:
    """A line a scan and structure, with a header."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("scan", "value", "voxels", "predicted_dice", "cycle_mm"))
    for name, found in trust.items():
        for each in found:
            lines.writerow((name, each.value, each.voxels, f"{each.dice:.3f}", f"{each.cycle_mm:.2f}"))
    return text.getvalue()
