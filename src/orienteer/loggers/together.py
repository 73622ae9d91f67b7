"""The loggers of one run: opened, fed, concluded and closed together. One that fails is named and left out."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from orienteer.atomic import write_json
from orienteer.config import load_yaml
from orienteer.errors import RunError
from orienteer.folders import SEEDS, SETTINGS
from orienteer.loggers.contract import LoggedRun, Logger
from orienteer.loggers.point import Point, points_of
from orienteer.loggers.registry import LOGGERS
from orienteer.records.log import read_log

FILE = "loggers.json"
"""Which loggers a run has, and what each keeps: the id of its run there."""
VERSION = 1


class Loggers:
    """The loggers that a run was asked to have.

    Args:
        folder: the run folder.
        step: steps done.
        lines: ``observations.jsonl``, from which a logger gets the points that it lacks.
        shown: say on standard error where to look.
    """

    def __init__(self, folder: Path, step: int, lines: Path, *, shown: bool) -> None:
        self.folder, self.lines = folder, lines
        self.active: dict[str, Logger] = {}
        document = _read(folder)
        history = points_of(read_log(lines)) if document["on"] and lines.is_file() else ()
        for name in document["on"]:
            kept = document["kept"].setdefault(name, {})
            with self._harmless(name):
                run = LoggedRun(folder, run_name(folder), _flat(load_yaml(folder / SETTINGS)), step, kept)
                self.active[name] = LOGGERS[name](run)
                write_json(folder / FILE, document)
                self.active[name].send(history)
        for name, logger in self.active.items() if shown else ():
            note = f" ({logger.note})" if logger.note else ""
            print(f"log: {name}: {logger.view}{note}", file=sys.stderr)

    def send(self, points: Sequence[Point]) -> None:
        """Give points to all of them."""
        self._each(lambda logger: logger.send(points))

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Give them what a finished run is worth."""
        self._each(lambda logger: logger.conclude(verdict, sentence, page))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all of them."""
        self._each(lambda logger: logger.close())

    def _each(self, do: Callable[[Logger], None]) -> None:
        for name, logger in tuple(self.active.items()):
            with self._harmless(name):
                do(logger)

    @contextmanager
    def _harmless(self, name: str) -> Iterator[None]:
        """A server that is away or a full disk must not end hours of training."""
        try:
            yield
        except Exception as error:
            self.active.pop(name, None)
            cause = " ".join(str(error).split())[:200] or type(error).__name__
            print(
                f"orienteer: {name} failed and gets nothing more of this run: {cause}; every figure is in"
                f" {self.lines}\n  fix: {LOGGERS[name].fix}; what is missing is sent when the run"
                f" is resumed (--resume --log {name}, also once it is finished)",
                file=sys.stderr,
            )


def choose(folder: Path, names: Sequence[str]) -> None:
    """Write which loggers a run has from now on; what those of before kept stays."""
    document = _read(folder)
    if document["on"] != list(names):
        write_json(folder / FILE, {**document, "on": list(names)})


def chosen(folder: Path) -> tuple[str, ...]:
    """The loggers that a run has."""
    return tuple(_read(folder)["on"])


def run_name(folder: Path) -> str:
    """What a run is called: its folder's name, of one seed of a fine-tuning with that of the folder above."""
    whole = folder.resolve()
    return f"{whole.parent.name}-{whole.name}" if whole.match(SEEDS) else whole.name


def _read(folder: Path) -> dict[str, Any]:
    """Raises RunError where the file is damaged."""
    path = folder / FILE
    if not path.is_file():
        return {"v": VERSION, "on": [], "kept": {}}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["v"] > VERSION:
            raise RunError(f"{path} was written by a newer Orienteer", cure="upgrade orienteer")
        return {"v": VERSION, "on": list(document["on"]), "kept": dict(document["kept"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        cure = "delete it: loggers that are named with --log begin anew, and no figure is lost"
        raise RunError(f"cannot read {path}: {error}", cure=cure) from None


def _flat(settings: dict[str, Any], within: str = "") -> dict[str, Any]:
    """Settings by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        key = f"{within}{name}"
        flat |= _flat(value, f"{key}.") if isinstance(value, dict) and value else {key: value}
    return flat
