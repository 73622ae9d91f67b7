"""A checksum inside a JSON document over all that it says: one flipped bit, and it is no longer believed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "seal"


def seal_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of all the document says but its seal."""
    said = {key: value for key, value in document.items() if key != SEAL}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its seal as the last key."""
    return {**document, SEAL: seal_of(document)}


def unsealed(document: Any) -> dict[str, Any]:
    """The document without its seal; one that never had any is taken as it is.

    Raises:
        ValueError: it is no JSON object, or it does not say what was written.
    """
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if SEAL in document and document[SEAL] != seal_of(document):
        raise ValueError("its checksum differs")
    return {key: value for key, value in document.items() if key != SEAL}
