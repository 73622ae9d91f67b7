"""The one file of a store that says whose scans these are: ``private.json``, readable by its owner alone."""

import json
import secrets
from pathlib import Path
from typing import Self

from pydantic import Field

from orienteer.atomic import write_json
from orienteer.config import Config
from orienteer.errors import OrienteerError, StoreError
from orienteer.seal import sealed, unsealed
from orienteer.store.manifest import Names
from orienteer.store.sources import SourceRecord

PRIVATE = "private.json"
EARLIER = "sources.json"
"""What it was called before there were pseudonyms."""

PEOPLE = "people.tsv"
"""A table to fill in, where it is not clear who is on which scan."""

MODE = 0o600
"""Paths and people may name patients; only the owner reads them."""


class Private(Config):
    """``STORE/private.json``: the way back from every pseudonym to a file and a person."""

    schema_version: int = 1
    names: Names = "kept"
    key: str = ""
    """Hexadecimal; secret. Who has it can test whether a name he thinks of is in the store."""
    people: dict[str, str] = Field(default_factory=dict)
    """The user's own name of a person, by pseudonym."""
    scans: dict[str, SourceRecord] = Field(default_factory=dict)
    """By id in the store."""

    @classmethod
    def fresh(cls, names: Names) -> Self:
        """Of a store that has no scan yet; its key is drawn at random."""
        return cls(names=names, key=secrets.token_hex(32) if names == "pseudonyms" else "")


def read_private(store: Path) -> Private | None:
    """What the file says; None where there is none.

    Raises:
        StoreError: the file is damaged.
    """
    path = next((store / name for name in (PRIVATE, EARLIER) if (store / name).exists()), None)
    if path is None:
        return None
    try:
        return Private.build(unsealed(json.loads(path.read_text(encoding="utf-8"))), origin=str(path))
    except (OSError, ValueError, RecursionError, OrienteerError):
        raise StoreError(
            f"{path} is damaged",
            cure="put back a copy; a store that keeps the files' names may do without: delete it, and every scan is "
            "read once more",
        ) from None


def write_private(store: Path, private: Private) -> None:
    """Write it, readable by the owner alone.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    ordered = {scan: private.scans[scan] for scan in sorted(private.scans)}
    people = dict(sorted(private.people.items()))
    write_json(
        store / PRIVATE,
        sealed(private.model_copy(update={"scans": ordered, "people": people}).model_dump(mode="json")),
        mode=MODE,
    )
    (store / EARLIER).unlink(missing_ok=True)
