"""What scans and subjects are called in a store: pseudonyms, or the user's own names where those are public."""

import hashlib
import hmac
from collections.abc import Mapping

DIGITS = 8


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
        self._given = {(pseudonym.split("-")[0], name): pseudonym for pseudonym, name in given.items()}

    def scan(self, name: str) -> str:
        """The scan's id."""
        return self._of("scan", name)

    def subject(self, name: str) -> str:
        """What the subject is called."""
        return self._of("person", name)

    def _of(self, kind: str, name: str) -> str:
        pseudonym, draw = self._given.get((kind, name)), 0
        while pseudonym is None:
            said = hmac.new(self._key, f"{kind}/{draw}/{name}".encode(), hashlib.sha256).hexdigest()
            candidate = f"{kind}-{said[:DIGITS]}"
            if self._owner.setdefault(candidate, name) == name:
                pseudonym = self._given[kind, name] = candidate
            draw += 1
        return pseudonym


class OwnNames:
    """Keeps the user's own names, for public data."""

    def scan(self, name: str) -> str:
        """The name itself."""
        return name

    def subject(self, name: str) -> str:
        """The name itself."""
        return name


Naming = Pseudonyms | OwnNames
