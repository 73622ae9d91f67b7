"""The committed page is the one its sources make, carries its licences, and names no other machine."""

import json
import re
from hashlib import sha256
from pathlib import Path

import orienteer.observatory

STATIC = Path(orienteer.observatory.__file__).parent / "static"
WEB = Path(__file__).resolve().parents[2] / "web"


def test_static__was_built_from_the_sources_beside_it() -> None:
    beside = [WEB / name for name in ("build.mjs", "package-lock.json", "package.json", "tsconfig.json")]
    files = {path.relative_to(WEB).as_posix(): path for path in (*beside, *(WEB / "src").rglob("*")) if path.is_file()}
    total = sha256()
    for name in sorted(files):
        total.update(f"{name}\0".encode() + files[name].read_bytes() + b"\0")
    built = json.loads((STATIC / "build.json").read_text())
    assert built["sources"] == total.hexdigest(), "the page is older than web/: run `make web`"


def test_static__names_every_package_inside_with_its_licence() -> None:
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"]
    text = (STATIC / "licences.txt").read_text()
    for name, version in wanted.items():
        assert f"{name} {version} (" in text
    assert text.count("Copyright") >= len(wanted)


def test_static__has_nothing_inline_that_the_policy_would_stop() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert linked and all((STATIC / name).is_file() for name in linked)


def test_static__asks_no_other_machine_by_itself() -> None:
    # NiiVue's bundle holds addresses it never asks for; the browser tests watch it. The page's own code has none.
    own = (STATIC / "app.js").read_text() + (STATIC / "app.css").read_text()
    addresses = set(re.findall(r"https?://[\w.-]+", own))
    assert addresses <= {"http://www.w3.org"}, addresses  # XML namespaces
