"""The log of a run: JSON lines that survive a kill, one for each task and logged step."""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orienteer.atomic import write_text
from orienteer.errors import RunError
from orienteer.records.metric import Measure, finite
from orienteer.records.observation import Observation

RECORD_VERSION = 1


class ObservationLog:
    """``observations.jsonl``: one line per task and logged step, flushed as it is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, observation: Observation, *, step: int, phase: str) -> None:
        """Add one line."""
        record = {
            "v": RECORD_VERSION,
            "step": step,
            "phase": phase,
            "task": observation.task,
            "measures": measures_to_json(observation.measures),
        }
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(_checked(record) + "\n")
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}", cure="free some disk space") from error

    def flush(self) -> None:
        """Bring every line to the disk, so that a power cut does not take what a checkpoint counts on.

        Raises:
            RunError: the disk is full or refuses.
        """
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                os.fsync(stream.fileno())
        except OSError as error:
            raise RunError(f"cannot write {self.path}: {error.strerror}", cure="free some disk space") from error

    def rewind(self, step: int, *, redone: str | None = None) -> tuple[str, ...]:
        """Drop every line of a later step, and a line torn by a kill, so that a resumed run has one history.

        Args:
            step: the last step that is kept.
            redone: phase whose lines of that very step go too, because it is done again.

        Returns:
            One sentence for each damaged line, which is dropped too.
        """
        damaged: list[str] = []
        if self.path.exists():
            kept = [
                _checked(record)
                for record in read_log(self.path, damaged)
                if (at := record.get("step", 0)) < step or (at == step and record.get("phase") != redone)
            ]
            write_text(self.path, "".join(line + "\n" for line in kept))
        return tuple(damaged)


def read_log(path: Path, damaged: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Records in order; a torn last line and damaged lines are passed over.

    Args:
        path: ``observations.jsonl``.
        damaged: takes one sentence for each line that is not what was written.

    Raises:
        RunError: the file is missing, or written by a newer version.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}", cure="is this a run folder?") from error
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            if not _whole(record):
                raise ValueError
        except (ValueError, RecursionError):
            if number < len(lines) and damaged is not None:  # the last one was torn, not damaged
                damaged.append(f"{path}: line {number} is damaged and left out")
            continue
        if not isinstance(record.get("v", 0), int) or record.get("v", 0) > RECORD_VERSION:
            raise RunError(f"{path} was written by a newer Orienteer", cure="upgrade orienteer")
        yield record


def _whole(record: Any) -> bool:
    """Whether a line is what was written; takes its checksum out. Lines of earlier versions have none."""
    if not isinstance(record, dict):
        return False
    if "crc" not in record:
        return record.keys() <= {"v", "step", "phase", "task", "measures"}
    said = record.pop("crc")
    return bool(said == _crc(record))


def _checked(record: dict[str, Any]) -> str:
    """The record as a line that says its own checksum."""
    return json.dumps({**record, "crc": _crc(record)})


def _crc(record: Any) -> str:
    return f"{zlib.crc32(json.dumps(record).encode()):08x}"


def measures_to_json(measures: Mapping[str, Measure]) -> dict[str, dict[str, Any]]:
    """Measures as JSON; what is not finite becomes null."""
    return {
        name: {
            "value": finite(measure.value),
            "unit": measure.unit,
            "chance": finite(measure.chance),
            "better": measure.better,
        }
        for name, measure in measures.items()
    }
