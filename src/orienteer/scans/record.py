"""A check as JSON, for programs. Keys are only ever added; ``schema_version`` rises when one changes."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from orienteer.atomic import write_json
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.result import CheckResult
from orienteer.scans.schema import RECORD_VERSION, CheckRecord
from orienteer.scans.source import ScanInfo, Skipped

OWNER = 0o600
"""It names files, and files may be called after patients."""


def as_record(result: CheckResult) -> dict[str, Any]:
    """The whole check in JSON's types; paths are relative to the folder that was searched."""
    record = {
        "schema_version": RECORD_VERSION,
        "totals": {"scans": len(result.scans), "usable": len(result.usable), "skipped": len(result.skipped)},
        "estimate": asdict(result.estimate) if result.estimate else None,
        "axes": dict(sorted(Counter(scan.axes for scan in result.usable).items())),
        "layouts": [{**asdict(layout), "line": layout.line} for layout in result.layouts],
        "formats": dict(sorted(Counter(scan.source.format for scan in result.scans).items())),
        "findings": dict(sorted(Counter(f.code for scan in result.scans for f in scan.findings).items())),
        "scans": [_scan(scan) for scan in result.scans],
        "skipped": [_skipped(skip) for skip in result.skipped],
        "seconds": round(result.seconds, 3),
    }
    return CheckRecord.build(record, origin="the check's record").model_dump(mode="json")


def _scan(scan: ScanInfo) -> dict[str, Any]:
    placed = bool(scan.axes) and scan.affine is not None
    return {
        "id": scan.id,
        "path": scan.source.relative,
        "format": scan.source.format,
        "files": len(scan.source.paths),
        "usable": scan.usable,
        "shape": list(scan.shape),
        "channels": scan.channels,
        "channel_names": list(scan.source.channel_names),
        "spacing_mm": [round(mm, 6) for mm in scan.spacing] if placed else None,
        "extent_mm": [round(mm, 3) for mm in scan.extent_mm] if placed else None,
        "axes": scan.axes or None,
        "affine": scan.affine.tolist() if placed and scan.affine is not None else None,
        "dtype": scan.dtype or None,
        "range": None if scan.low is None else [scan.low, scan.high],
        "modality_guess": scan.modality,
        "modality_said": scan.modality_said,
        "content": scan.content or None,
        "read_seconds": round(scan.seconds, 4),
        "findings": [asdict(finding) for finding in scan.findings],
    }


def _skipped(skip: Skipped) -> dict[str, str]:
    kind = CATALOGUE[skip.code]
    return {
        "relative": skip.relative,
        "code": skip.code,
        "level": kind.level,
        "reason": kind.meaning,
        "cure": kind.cure,
    }


def write_record(path: Path, result: CheckResult) -> None:
    """Write :func:`as_record`, atomically and readable by the owner alone.

    Raises:
        OrienteerError: the folder is full or read-only.
    """
    write_json(path, as_record(result), mode=OWNER)
