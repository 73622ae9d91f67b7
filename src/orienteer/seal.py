"""A checksum inside a JSON document over all its content, so that any flipped bit is found."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "seal"


def seal_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the document without its seal."""
    content = {key: value for key, value in document.items() if key != SEAL}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its seal as the last key."""
    return {**document, SEAL: seal_of(document)}


def unsealed(document: Any) -> dict[str, Any]:
    """The document without its seal; a document that was never sealed is accepted.

    Raises:
        ValueError: it is not a JSON object, or it was changed after it was sealed.
    """
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if SEAL in document and document[SEAL] != seal_of(document):
        raise ValueError("its checksum differs")
    return {key: value for key, value in document.items() if key != SEAL}
