"""The files of the page: those that lay in the folder when the server started, known by name, and no others."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from fastapi import Response

from orienteer.errors import OrienteerError
from orienteer.observatory.refusal import Refusal

INDEX = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Page:
    """One file in memory."""

    data: bytes
    kind: str
    etag: str


class Pages:
    """Files by the name in the address; a name is looked up, never turned into a path.

    Args:
        folder: where they are.

    Raises:
        OrienteerError: there is no index.html.
    """

    def __init__(self, folder: Path) -> None:
        self._pages = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and path.suffix in KINDS
        }
        if INDEX not in self._pages:
            raise OrienteerError(f"the web page is not built: no {INDEX} in {folder}", cure="run `make web`")

    def answer(self, name: str) -> Response:
        """The file of that name; the index for no name.

        Raises:
            Refusal: there is none.
        """
        page = self._pages.get(name or INDEX)
        if page is None:
            raise Refusal(404, "not-found", "there is no such page")
        return Response(page.data, media_type=page.kind, headers={"etag": page.etag, "cache-control": "no-cache"})


def _read(path: Path) -> Page:
    data = path.read_bytes()
    return Page(data, KINDS[path.suffix], f'"{sha256(data).hexdigest()[:32]}"')
