"""What scans and subjects are called in a store: pseudonyms, or the user's own names where those are public."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Literal

DIGITS = 8

NamedKind = Literal["scan", "person"]
Naming = Callable[[NamedKind, str], str]
"""What a scan or a person with this name is called in the store."""


class Pseudonyms:
    """Gives ``scan-7f3a9c1e`` and ``person-01b2c3d4`` for names, always the same within a store.

    A pseudonym is an HMAC of the name under the store's secret key: without the key nobody can test whether a name
    he thinks of is in the store. Eight digits are read and typed easily but may meet by chance in a large store: the
    one who comes second then gets the next draw, and keeps it, because what was given before is known.

    Args:
        key: the store's secret, hexadecimal.
        given: names by pseudonym, of an earlier ingest.
    """

    def __init__(self, key: str, given: Mapping[str, str]) -> None:
        self._key = bytes.fromhex(key)
        self._owner = dict(given)
        self._given: dict[tuple[str, str], str] = {
            (pseudonym.split("-")[0], name): pseudonym for pseudonym, name in given.items()
        }

    def __call__(self, kind: NamedKind, name: str) -> str:
        """The pseudonym of a scan's or a person's own name."""
        pseudonym, draw = self._given.get((kind, name)), 0
        while pseudonym is None:
            said = hmac.new(self._key, f"{kind}/{draw}/{name}".encode(), hashlib.sha256).hexdigest()
            candidate = f"{kind}-{said[:DIGITS]}"
            if self._owner.setdefault(candidate, name) == name:
                pseudonym = self._given[kind, name] = candidate
            draw += 1
        return pseudonym


def own_name(kind: NamedKind, name: str) -> str:
    """The user's own name, for public data."""
    return name
