"""What long work has finished so far, a line each: what a killed one has done is not done twice."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orienteer.errors import OrienteerError
from orienteer.seal import SEAL, sealed, unsealed


@dataclass(frozen=True)
class Journal:
    """Lines of JSON, each sealed and flushed to disk; one that a kill cut, or that was damaged since, is left out.

    Attributes:
        path: the file; it need not exist.
        mode: of a new file.
    """

    path: Path
    mode: int = 0o644

    def read(self) -> Iterator[dict[str, Any]]:
        """The lines, in the order they were written."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return
        for line in lines:
            try:
                value = json.loads(line)
                if SEAL in value:
                    yield unsealed(value)
            except (ValueError, TypeError, RecursionError):
                continue

    def append(self, value: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            OrienteerError: the disk is full or refuses.
        """
        line = json.dumps(sealed(value), allow_nan=False)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, self.mode)
            with open(handle, "ab") as stream:  # noqa: PTH123  (a handle, for its mode)
                # The leading newline closes a line that a kill may have cut.
                stream.write(f"\n{line}\n".encode())
                stream.flush()
                os.fsync(handle)
        except OSError as error:
            raise OrienteerError(
                f"cannot write {self.path}: {error.strerror}", cure="free some space, then run the same command again"
            ) from None

    def remove(self) -> None:
        """What it says is written elsewhere now."""
        self.path.unlink(missing_ok=True)
