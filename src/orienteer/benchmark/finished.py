"""Which cells are finished, and whether they are the ones that are asked for."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from orienteer.benchmark.plan import Cell
from orienteer.errors import RunError

DONE = "cell.json"
"""Written last: a cell's folder that holds it is whole."""


def is_finished(cell: Cell) -> bool:
    """Whether all of a cell's files are there."""
    return (cell.folder / DONE).is_file()


def basis(cell: Cell, split: str, drawn: int) -> str:
    """SHA-256 of what a cell's figures rest on: its settings, the run it starts from, the people, the views' size.

    Settings at their defaults do not count, so that a version with more settings goes on with an older one's cells.
    """
    said = {
        "stage": cell.stage,
        "settings": cell.settings.model_dump(mode="json", exclude_defaults=True),
        "run": list(cell.run.parts[-2:]) if cell.run else None,
        "split": None if cell.stage == "pretrain" else split,
        "drawn": drawn if cell.stage == "places" else None,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def check_finished(cells: Iterable[Cell], split: str, drawn: int) -> None:
    """Compare every finished cell with what is asked for now.

    Cells of versions that did not note their basis are taken as they are.

    Raises:
        RunError: a cell's figures are those of other settings, of another run or of other people.
    """
    for cell in cells:
        if (noted := _noted(cell.folder / DONE)) and noted != basis(cell, split, drawn):
            raise RunError(
                f"{cell.folder} was finished with other settings, another pretraining run or other people",
                cure="choose another folder, restore the configuration, or delete that folder to do its cell anew",
            )


def _noted(file: Path) -> str | None:
    with suppress(OSError, ValueError, AttributeError):
        noted: str | None = json.loads(file.read_text(encoding="utf-8")).get("basis")
        return noted
    return None
