"""A store as Orienteer left it when the scans stood in the JSON."""

from pathlib import Path
from typing import Any

from orienteer.atomic import write_json
from orienteer.seal import sealed
from orienteer.store import Store


def as_version_1(store: Path) -> dict[str, Any]:
    """Turn a store into one of version 1; returns its manifest without the seal."""
    document = Store.open(store).manifest.model_dump(mode="json") | {"schema_version": 1}
    for name in ("manifest.json", "manifest.copy.json"):
        write_json(store / name, sealed(document))
    for path in store.glob("scans-*.arrow"):
        path.unlink()
    return document
