"""``predict``: a fine-tuned network on a folder of scans; each answer lies on its scan's own grid."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orienteer import arguments
from orienteer.atomic import make_folder
from orienteer.console import Bar
from orienteer.errors import OrienteerError, RunError, ScanError
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.native import to_native
from orienteer.finetune.predictions import RECORD, Prediction, Predictions
from orienteer.folders import ENDING
from orienteer.geometry import canonical
from orienteer.memory import ran_out
from orienteer.records.unfamiliar import UNFAMILIAR, far_too_large
from orienteer.runs.scan import for_network, read_with_info_as
from orienteer.scans.findings import Finding, finding, unopened
from orienteer.scans.formats.opening import placement_of
from orienteer.scans.identity import identity
from orienteer.scans.layouts.lay_out import lay_out
from orienteer.scans.source import Source
from orienteer.scans.stamp import stamp_of
from orienteer.scans.write_labels import write_labels
from orienteer.store.lock import only_one
from orienteer.units import counted, some

__all__ = ["RECORD", "PredictResult", "predict"]

LONGEST = 255
"""Bytes of a file's name on common disks."""


@dataclass(frozen=True)
class PredictResult:
    """What became of every scan.

    Attributes:
        folder: where the predictions are.
        predicted: scan id to file name, or to the answer.
        kept: ids of those that an earlier call had predicted.
        failed: scan id to what was wrong with it.
        warnings: scan id to what was odd about one that was predicted, or unlike the training scans.
        compared: whether scans were compared with the training scans, which older fine-tunings do not tell.
        notes: what is odd about the networks.
    """

    folder: Path
    predicted: Mapping[str, Prediction]
    kept: tuple[str, ...]
    failed: Mapping[str, Finding]
    warnings: Mapping[str, tuple[Finding, ...]]
    compared: bool = True
    notes: tuple[str, ...] = ()

    @property
    def unfamiliar(self) -> Mapping[str, tuple[Finding, ...]] | None:
        """Of the warnings, those that say how a scan is unlike the training scans; None where it was not compared."""
        if not self.compared:
            return None
        return {scan: tuple(e for e in found if e.code in UNFAMILIAR) for scan, found in self.warnings.items()}


def predict(
    network: Path | str,
    scans: Path | str,
    out: Path | str,
    *,
    overwrite: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> PredictResult:
    """Predict every scan below a folder; one that cannot be read is reported and the others go on.

    Args:
        network: what ``finetune`` made; with several seeds their probabilities are averaged.
        scans: a folder of scans in any format, or one file.
        out: a folder for the predictions: ``<id>.nii.gz`` on each scan's own grid and orientation, with class
            numbers named in ``predictions.json``; for classification and regression only that file.
        overwrite: replace predictions that are there already; otherwise they are kept, and those of another
            network are an error.
        layout: how the folder is laid out; by default what it says of itself. Files ``CASE_0000``, ``CASE_0001``
            make one scan where they are as many as the network reads.
        channels: names of the sequences that make one scan together, in the order the network learned.
        progress: show a progress bar on standard error.

    Raises:
        RunError: no finished fine-tuning, predictions of another network in the way, or a prediction that would
            replace a scan.
        StoreError: another process predicts into this folder.
        OrienteerError: no folder, no scans, or a disk that refuses.
    """
    arguments.of_predict(network, scans, out)
    ensemble, folder = Ensemble.load(Path(network)), Path(out)
    # Predictions of an earlier call, in a folder among the scans, are no scans; the scans' own folder is theirs.
    own = [] if os.path.realpath(folder) == os.path.realpath(scans) else [folder]
    laid = lay_out(Path(scans), own, layout=layout, channels=channels, expected=ensemble.channels)
    sources, failed = _unique(laid.sources)
    files = [] if ensemble.goal.structures is None else [folder / f"{s.id}{ENDING}" for s in sources if not _is_long(s)]
    _spare_scans(files, sources)
    make_folder(folder)
    with only_one(folder, "predict", stays=False):
        record = Predictions.claim(folder, ensemble, files, overwrite=overwrite)
        done: dict[str, Prediction] = {}
        kept: list[str] = []
        try:
            for name, found in failed.items():
                record.leave_out(name, found)
            with Bar("predicting", len(sources), shown=progress) as bar:
                for source in bar.track(sources):
                    try:
                        done[source.id], is_new = _predicted(record, source, overwrite)
                        kept += [] if is_new else [source.id]
                    except Exception as error:
                        reason = _finding(source, error)
                        if reason is None:
                            raise
                        name = _twin(source) if reason.code == "duplicate-id" else source.id
                        failed[name] = reason
                        record.leave_out(name, reason)
        finally:
            record.finish()
    odd = {scan: tuple(Finding(level="warning", **each) for each in record.warnings.get(scan, ())) for scan in done}
    odd = {scan: found for scan, found in odd.items() if found}
    return PredictResult(
        folder, done, tuple(kept), failed, odd, compared=bool(ensemble.trained_on), notes=_about(ensemble)
    )


def _about(ensemble: Ensemble) -> tuple[str, ...]:
    """What is odd about the networks."""
    if not ensemble.unfinished:
        return ()
    answered = counted(len(ensemble.networks), "network")
    return (f"not finished, and not used: {some(ensemble.unfinished)}; {answered} answered",)


def _is_long(source: Source) -> bool:
    """Whether no file can be called as its prediction."""
    return len(os.fsencode(f"{source.id}{ENDING}")) > LONGEST


def _unique(sources: Sequence[Source]) -> tuple[list[Source], dict[str, Finding]]:
    """One scan an id: two would write one file."""
    first: dict[str, Source] = {}
    failed: dict[str, Finding] = {}
    for source in sources:
        owner = first.setdefault(source.id.casefold(), source)
        if owner is not source:
            message = f"{owner.relative} has the id {source.id} as well, and is predicted"
            failed[_twin(source)] = finding("duplicate-id", message)
    return list(first.values()), failed


def _twin(source: Source) -> str:
    """What a scan is called whose id is another's already."""
    return f"{source.id} ({source.relative})"


def _spare_scans(targets: Sequence[Path], sources: Sequence[Source]) -> None:
    """No scan, nor the labels its layout names, may be taken for a prediction and replaced by one.

    Raises:
        RunError: a prediction would replace one of them.
    """
    there = {found: target for target in targets if (found := identity(target)) is not None}
    for source in sources if there else ():
        for path in (*source.paths, *(source.labels.paths if source.labels else ())):
            taken = there.get(identity(path) or (0, 0))
            if taken is not None:
                raise RunError(
                    f"the prediction {taken} would replace {path}", cure="choose another folder for predictions"
                )


def _finding(source: Source, error: Exception) -> Finding | None:
    """What is wrong with one scan; None where the error is not about the scan, and all others would meet it too."""
    if ran_out(error) or (isinstance(error, ScanError) and error.code == "out-of-memory"):
        return Finding("out-of-memory", "error", "does not fit into memory", "predict it on its own")
    if isinstance(error, ScanError):
        named = error.message.startswith(source.relative)
        return Finding(
            error.code, "error", error.message if named else f"{source.relative}: {error.message}", error.cure
        )
    if isinstance(error, OSError):
        return unopened(error, f"{source.relative}: cannot be read: {error.strerror}")
    return None


def _predicted(record: Predictions, source: Source, overwrite: bool) -> tuple[Prediction, bool]:
    """The file name or answer of one scan, and whether it was made now, or kept."""
    if record.ensemble.goal.structures is not None and _is_long(source):
        raise ScanError(
            f"the name of its prediction would be longer than {LONGEST} bytes",
            code="unreadable",
            cure="shorten its name, or those of its folders, which are a part of it",
        )
    stamp = stamp_of(source)
    kept = record.kept(source, stamp) if stamp and not overwrite else None  # without a stamp it cannot be read
    if kept is not None:
        record.add(source.id, kept)
        return kept, False
    prediction, found = _one(record.ensemble, source, stamp, record.target(source))
    try:
        record.add(source.id, prediction, stamp, found)
    except OrienteerError:  # also of a full disk: what no record tells of would be in the way of the next call
        if isinstance(prediction, str):
            record.target(source).unlink(missing_ok=True)
        raise
    return prediction, True


def _one(ensemble: Ensemble, source: Source, stamp: str, target: Path) -> tuple[Prediction, Sequence[Finding]]:
    """The answer for a scan, or the name of its label map, written if the scan is still as its stamp says."""
    info, volume = read_with_info_as(source, (ensemble.channels, ensemble.channel_names))
    upright = canonical(volume)
    if huge := far_too_large(ensemble.trained_on, upright.shape, upright.spacing.tolist()):
        raise ScanError(huge.message, code=huge.code, cure=huge.cure)
    ready = for_network(upright, ensemble.parameters)
    found = (*info.findings, *ensemble.unfamiliar(ready, upright.spacing), *ensemble.about_atlas(ready, upright))
    if ensemble.goal.structures is None:
        answer = ensemble.answer(ready)
        _still(source, stamp)
        return answer, found
    classes = to_native(ensemble.probabilities(ready, upright), ready.grid, volume.shape, volume.affine)
    _still(source, stamp)
    placement = placement_of(source, volume)
    write_labels(target, classes, placement)
    return target.name, (*found, *placement.findings)


def _still(source: Source, stamp: str) -> None:
    """A scan must be as it was before it was read, or an earlier answer would be replaced by that of neither.

    Raises:
        ScanError: it is not.
    """
    if stamp_of(source) != stamp:
        raise ScanError(
            f"{source.relative}: it changed while it was read", code="unreadable", cure="run the command again"
        )
