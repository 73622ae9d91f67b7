"""A folder of predictions: whose it is, what was predicted so far, and what could not be.

What becomes of a scan is a line in a journal beside the record, so that a kill costs only the scan in work and ten
thousand scans cost no more each than ten. The record is written whole at the end.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypedDict

from orienteer.atomic import write_json
from orienteer.errors import OrienteerError, RunError, ScanError
from orienteer.finetune.ensemble import Answer, Ensemble
from orienteer.folders import ENDING, Folder, predicted_files
from orienteer.journal import Journal
from orienteer.scans.findings import Finding
from orienteer.scans.source import Source

RECORD = Folder.PREDICTIONS.marker
"""Name of the record in a folder of predictions."""

Prediction = str | Answer
"""Name of the label map, or the answer."""


class Failure(TypedDict):
    """What was wrong with a scan, or odd about it."""

    code: str
    message: str
    cure: str


@dataclass
class Predictions:
    """``predictions.json``, and the journal of what became of scans since it was written.

    Attributes:
        folder: where the predictions are.
        ensemble: the networks that predict.
        done: scan id to file name, or to the answer; earlier calls' too.
        failed: scan id to what was wrong with it.
        warnings: scan id to what was odd about one that was predicted.
        stamps: scan id to the stamp of the scan that was predicted under it.
    """

    folder: Path
    ensemble: Ensemble
    done: dict[str, Prediction] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)
    warnings: dict[str, list[Failure]] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)

    @classmethod
    def claim(cls, folder: Path, ensemble: Ensemble, targets: Sequence[Path], *, overwrite: bool) -> Self:
        """Go on with what this network left there, or begin.

        A folder belongs to one network: class numbers of two must never lie side by side. With ``overwrite``, what
        another network left is deleted before the record changes hands, so that a kill leaves no files of two in it.

        Args:
            folder: where the predictions go.
            ensemble: the networks that predict.
            targets: the files that this call would write.
            overwrite: replace another network's predictions.

        Raises:
            RunError: another network's predictions, or files of an unknown network, are in the way.
            OrienteerError: the disk refuses.
        """
        before = _read(folder)
        network = before.get("network")
        if network == ensemble.digest:
            tables = (_table(before, name) for name in ("predictions", "failed", "warnings", "stamps"))
            claimed = cls(folder, ensemble, *tables)
            for line in claimed.journal.read():
                with suppress(KeyError, TypeError):  # not a line that we wrote
                    if line["network"] == ensemble.digest:
                        claimed._take(line)
            if overwrite and claimed.failed:
                claimed.failed.clear()
                claimed.write()
            return claimed
        if network is not None and not overwrite:
            raise RunError(
                f"{folder} holds predictions of another network", cure="choose another folder, or add --overwrite"
            )
        there = [path for path in targets if path.exists()]
        if network is None and not overwrite and (there or (folder / RECORD).exists()):
            unknown = there[0] if there else folder / RECORD
            raise RunError(
                f"{unknown} is in the way, and no whole {RECORD} says which network made it",
                cure="choose another folder, or add --overwrite",
            )
        _delete({*there, *predicted_files(folder)})
        claimed = cls(folder, ensemble)
        claimed.write()
        return claimed

    @property
    def journal(self) -> Journal:
        """What became of scans since the record was written."""
        return Journal((self.folder / RECORD).with_suffix(".journal"))

    def target(self, source: Source) -> Path:
        """The label map of a scan."""
        return self.folder / f"{source.id}{ENDING}"

    def kept(self, source: Source, stamp: str) -> Prediction | None:
        """What an earlier call predicted for a scan; None where it did not.

        Raises:
            ScanError: it predicted another scan of that name, whose answer this must not become; or a file of that
                name is there that no call has recorded.
        """
        target = self.target(source)
        segmented = self.ensemble.goal.structures is not None
        answer = (target.name if target.exists() else None) if segmented else self.done.get(source.id)
        if answer is not None and segmented and not target.stat().st_size and source.id in self.stamps:
            return None  # a copy that failed, or a full disk, left nothing of it
        if answer is not None and source.id not in self.done and source.id not in self.stamps:
            raise ScanError(
                f"{target} is in the way, and {RECORD} does not say what it is of",
                code="duplicate-id",
                cure="predict into another folder, or replace the file with --overwrite",
            )
        if answer is not None and stamp and self.stamps.get(source.id, stamp) != stamp:
            raise ScanError(
                f"another scan with the id {source.id} was predicted into {self.folder}",
                code="duplicate-id",
                cure="predict into another folder, or replace the earlier prediction with --overwrite",
            )
        return answer

    def add(self, scan: str, answer: Prediction, stamp: str = "", found: Sequence[Finding] = ()) -> None:
        """A scan was predicted, just now where its stamp is given; what was found about it is then kept too.

        Raises:
            OrienteerError: the disk refuses; nothing is known of the scan then.
        """
        line: dict[str, Any] = {"scan": scan, "answer": answer}
        if stamp:
            line |= {"stamp": stamp, "warnings": [_failure(each) for each in found if each.level == "warning"]}
        if stamp or self.done.get(scan) != answer or scan in self.failed:
            self._note(line)

    def leave_out(self, scan: str, found: Finding) -> None:
        """A scan could not be predicted.

        Raises:
            OrienteerError: the disk refuses.
        """
        self._note({"scan": scan, "failed": _failure(found)})

    def _note(self, line: Mapping[str, Any]) -> None:
        self.journal.append({"network": self.ensemble.digest, **line})
        self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        scan = line["scan"]
        if "failed" in line:
            self.done.pop(scan, None)
            self.warnings.pop(scan, None)
            self.failed[scan] = line["failed"]
            return
        if "stamp" in line:
            self.stamps[scan], self.warnings[scan] = line["stamp"], line["warnings"]
        self.failed.pop(scan, None)
        self.done[scan] = line["answer"]

    def finish(self) -> None:
        """Write the record if anything became of a scan since it was written.

        Raises:
            OrienteerError: the disk refuses; the next call finds the journal.
        """
        if self.journal.path.exists():
            self.write()

    def write(self) -> None:
        """Write the record whole; the journal has nothing to say then.

        Raises:
            OrienteerError: the disk refuses.
        """
        ensemble, structures = self.ensemble, self.ensemble.goal.structures
        names = enumerate(structures.names, start=1) if structures else ()
        write_json(
            self.folder / RECORD,
            {
                "network": ensemble.digest,
                "networks": len(ensemble.networks),
                "classes": {str(number): name for number, name in names} or None,
                "column": ensemble.settings.column,
                "predictions": self.done,
                "stamps": self.stamps,
                "failed": self.failed,
                "warnings": {scan: found for scan, found in self.warnings.items() if found},
            },
        )
        self.journal.remove()


def _failure(found: Finding) -> Failure:
    return {"code": found.code, "message": found.message, "cure": found.cure}


def _read(folder: Path) -> Mapping[str, object]:
    """The record that is there; empty where none can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _table(record: Mapping[str, object], key: str) -> dict[str, Any]:
    table = record.get(key)
    return table if isinstance(table, dict) else {}


def _delete(files: Iterable[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OrienteerError(
                f"cannot delete {file}: {error.strerror}", cure="choose a folder you may write to"
            ) from error
