"""The manifest as files: sealed JSON, the scans in an Arrow file, and a copy of both to put a damaged one back from.

The Arrow file is named by its digest, so no manifest is ever read with the scans of another.
"""

import json
from contextlib import suppress
from pathlib import Path

from orienteer.atomic import write_bytes, write_json
from orienteer.config import Tree
from orienteer.errors import ConfigError, OrienteerError, StoreError
from orienteer.folders import Folder, mistaken
from orienteer.seal import sealed, unsealed
from orienteer.store.columns import CURE, Scans, ScansFile
from orienteer.store.journal import JOURNAL
from orienteer.store.lock import only_one
from orienteer.store.manifest import SCHEMA, Manifest

MANIFEST = Folder.STORE.marker
COPY = "manifest.copy.json"
SCANS = "scans-*.arrow"
"""Arrow files and their copies."""
SCANS_IN_JSON = 1
"""Schema version of the stores that had their scans in the JSON."""


class DamagedManifest(StoreError):
    """The manifest is gone or no longer what was written; one of another version is neither."""


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the scans, the manifest, then copies of both, from which a later ingest can put them back.

    A kill between any two leaves what was there before, or this. Arrow files of earlier manifests go at the end.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    data = manifest.scans.to_buffer()
    written = ScansFile.of(len(manifest.scans), data)
    header = manifest.model_dump(mode="json", exclude={"scans"})
    document = sealed({**header, "schema_version": SCHEMA, "scans": written.model_dump(mode="json")})
    names = {scans_name(written, copy=copy) for copy in (False, True)}
    for name, copy in ((MANIFEST, False), (COPY, True)):
        file = path / scans_name(written, copy=copy)
        if not written.is_in(file):
            write_bytes(file, data)
        write_json(path / name, document)
    for file in path.glob(SCANS):
        if file.name not in names:
            with suppress(OSError):  # still mapped where that is a hindrance; the next ingest tries again
                file.unlink()


def scans_name(written: ScansFile, *, copy: bool = False) -> str:
    """What the Arrow file is called."""
    return f"scans-{written.sha256[:20]}{'.copy' * copy}.arrow"


def mend_manifest(path: Path) -> tuple[str, ...]:
    """Put the copy back where the manifest or its scans are damaged or lost, and say so.

    Raises:
        StoreError: another ingest is writing to the store.
    """
    if not any(path.glob("*.copy.*")):
        return ()
    with only_one(path, "ingest"):
        try:
            read_manifest(path)
        except DamagedManifest as damage:
            for name, copy in ((MANIFEST, True), (COPY, True), (COPY, False)):
                with suppress(StoreError):
                    whole = _read(path, name, copy=copy)
                    write_manifest(path, whole)
                    return (f"{damage.message}; its copy of {len(whole.scans)} scans was put back",)
    return ()


def read_manifest(path: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of the store at ``path``.

    Raises:
        StoreError: there is none, its ingest never finished, or it is damaged or of another version.
    """
    try:
        return _read(path, name, copy=name == COPY)
    except DamagedManifest:
        # An ingest that ends between a look at the JSON and one at the Arrow file replaces both: look once more.
        return _read(path, name, copy=name == COPY)


def _read(path: Path, name: str, *, copy: bool) -> Manifest:
    """A manifest by the name of its JSON, with the Arrow file or the copy of that."""
    file = path / name
    values = _document(path, name)
    if not isinstance(version := values.get("schema_version"), int):
        raise DamagedManifest(f"{file} is damaged: it says no version", cure=CURE)
    if version not in (SCANS_IN_JSON, SCHEMA):
        raise StoreError(
            f"{path} has store version {version}; this Orienteer reads versions {SCANS_IN_JSON} and {SCHEMA}",
            cure="ingest the scans into a new folder with this Orienteer, or install the one that wrote it",
        )
    try:
        values = unsealed(values)
        if version != SCANS_IN_JSON:
            written = ScansFile.build(values["scans"], origin=f"{file}: scans")
            values["scans"] = Scans.open(path / scans_name(written, copy=copy), written)
        return Manifest.build(values, origin=str(file))
    except ConfigError as error:
        raise DamagedManifest(f"{error.message} (damaged, or not written by Orienteer)", cure=CURE) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedManifest(f"{file} is damaged: {error}", cure=CURE) from None
    except OrienteerError as error:
        raise DamagedManifest(error.message, cure=CURE) from None


def _document(path: Path, name: str) -> Tree:
    """The JSON, with its seal."""
    file = path / name
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
        raise DamagedManifest(f"{file} is damaged: not JSON", cure=CURE) from None
    if not isinstance(values, dict):
        raise DamagedManifest(f"{file} is damaged: it says no version", cure=CURE)
    return values
