"""The manifest as a file: sealed, with a copy from which a damaged one is put back."""

import json
from contextlib import suppress
from pathlib import Path

from orienteer.atomic import write_json
from orienteer.errors import ConfigError, StoreError
from orienteer.folders import Folder, mistaken
from orienteer.seal import sealed, unsealed
from orienteer.store.journal import JOURNAL
from orienteer.store.lock import only_one
from orienteer.store.manifest import SCHEMA, Manifest

MANIFEST = Folder.STORE.marker
COPY = "manifest.copy.json"


class DamagedManifest(StoreError):
    """The manifest is gone or no longer what was written; one of another version is neither."""


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest, and once it is in place its copy, from which a later ingest can put it back.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    document = sealed(manifest.model_dump(mode="json"))
    write_json(path / MANIFEST, document)
    write_json(path / COPY, document)


def mend_manifest(path: Path) -> tuple[str, ...]:
    """Put the copy back where the manifest is damaged or lost, and say so.

    Raises:
        StoreError: another ingest is writing to the store.
    """
    if not (path / COPY).is_file():
        return ()
    with only_one(path, "ingest"):
        try:
            read_manifest(path)
        except DamagedManifest as damage:
            with suppress(StoreError):
                copy = read_manifest(path, COPY)
                write_manifest(path, copy)
                return (f"{damage.message}; its copy of {len(copy.scans)} scans was put back",)
    return ()


def read_manifest(path: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of the store at ``path``.

    Raises:
        StoreError: there is none, its ingest never finished, or it is damaged or of another version.
    """
    file = path / name
    cure = "run the same ingest again, which puts its copy back or reads the scans once more"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        if (path / JOURNAL).exists():
            raise StoreError(f"the ingest into {path} has not finished", cure="run the same ingest again") from None
        missing = mistaken(path, Folder.STORE)
        raise DamagedManifest(missing.message, cure=missing.cure) from None
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}", cure="check the path and its permissions") from None
    except (ValueError, RecursionError):
        raise DamagedManifest(f"{file} is damaged: not JSON", cure=cure) from None
    if not isinstance(values, dict) or not isinstance(version := values.get("schema_version"), int):
        raise DamagedManifest(f"{file} is damaged: it says no version", cure=cure)
    if version != SCHEMA:
        raise StoreError(
            f"{path} has store version {version}; this Orienteer reads version {SCHEMA}",
            cure="ingest the scans into a new folder with this Orienteer, or install the one that wrote it",
        )
    try:
        return Manifest.build(unsealed(values), origin=str(file))
    except ConfigError as error:
        raise DamagedManifest(f"{error.message} (damaged, or not written by Orienteer)", cure=cure) from None
    except ValueError as error:
        raise DamagedManifest(f"{file} is damaged: {error}", cure=cure) from None
