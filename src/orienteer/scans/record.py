"""A check as JSON, for programs. Keys are only ever added; ``schema_version`` rises when one changes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from orienteer.atomic import OWNER, MadeOneByOne, write_json
from orienteer.errors import OrienteerError
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.result import CheckResult
from orienteer.scans.schema import (
    RECORD_VERSION,
    CheckRecord,
    RecordedFinding,
    RecordedLayout,
    RecordedQuestion,
    RecordedScan,
    RecordedSkip,
    RecordedTotals,
)
from orienteer.scans.source import ScanInfo, Skipped


def as_record(result: CheckResult) -> CheckRecord:
    """The whole check in JSON's types; paths are relative to the folder that was searched."""
    return _without_scans(result).model_copy(update={"scans": tuple(_scan(scan) for scan in result.scans)})


def _without_scans(result: CheckResult) -> CheckRecord:
    return CheckRecord(
        schema_version=RECORD_VERSION,
        totals=RecordedTotals(
            scans=len(result.scans),
            usable=len(result.usable),
            skipped=len(result.skipped),
            labelled=result.labelled,
        ),
        estimate=result.estimate,
        training=result.training,
        axes=_counted(scan.axes for scan in result.usable),
        layouts=tuple(RecordedLayout(**layout.model_dump(), line=layout.text) for layout in result.layouts),
        formats=_counted(scan.source.format for scan in result.scans),
        findings=_counted(found.code for scan in result.scans for found in scan.findings),
        scans=(),
        skipped=tuple(_skipped(skip) for skip in result.skipped),
        notes=result.notes,
        questions=tuple(RecordedQuestion(**asdict(question)) for question in result.questions),
        seconds=round(result.seconds, 3),
    )


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _scan(scan: ScanInfo) -> RecordedScan:
    affine = scan.affine if scan.axes else None
    return RecordedScan(
        id=scan.id,
        path=scan.source.relative,
        format=scan.source.format,
        files=len(scan.source.paths),
        usable=scan.usable,
        shape=scan.shape,
        channels=scan.channels,
        channel_names=scan.source.channel_names,
        spacing_mm=None if affine is None else tuple(round(mm, 6) for mm in scan.spacing),
        extent_mm=None if affine is None else tuple(round(mm, 3) for mm in scan.extent_mm),
        axes=scan.axes or None,
        affine=None if affine is None else tuple(map(tuple, affine.tolist())),
        dtype=scan.dtype or None,
        range=None if scan.low is None or scan.high is None else (scan.low, scan.high),
        modality_guess=scan.modality,
        modality_said=scan.modality_said,
        content=scan.content or None,
        labels=scan.source.labels.relative if scan.source.labels and scan.labelled else None,
        read_seconds=round(scan.seconds, 4),
        findings=tuple(RecordedFinding(**asdict(found)) for found in scan.findings),
    )


def _skipped(skip: Skipped) -> RecordedSkip:
    kind = CATALOGUE[skip.code]
    return RecordedSkip(relative=skip.relative, code=skip.code, level=kind.level, reason=kind.meaning, cure=kind.cure)


def refuse_other(path: Path) -> None:
    """Refuse to replace anything but the record of an earlier check: the path may be a scan's.

    Raises:
        OrienteerError: there is something else.
    """
    if not path.is_file():
        return
    try:
        CheckRecord.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        raise OrienteerError(
            f"{path} is there already, and is no list that an earlier check wrote", cure="give --json a new file"
        ) from None


def write_record(path: Path, result: CheckResult) -> None:
    """Write ``as_record``, atomically and readable by the owner alone; a scan at a time.

    Raises:
        OrienteerError: the folder is full or read-only.
    """
    scans = MadeOneByOne(lambda scan: _scan(scan).model_dump(mode="json"), result.scans)
    write_json(path, {**_without_scans(result).model_dump(mode="json"), "scans": scans}, mode=OWNER)
