"""The manifest's files: written so that a kill at any moment leaves the old store or the new one."""

import json
import os
import shutil
from pathlib import Path

import pytest

from orienteer.store import Store
from orienteer.store.manifest import Manifest
from orienteer.store.manifest_file import mend_manifest, read_manifest, write_manifest
from tests.store.earlier import as_version_1


class Killed(BaseException):
    """No cleaning up is done by a process that is killed."""


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """A copy of the store."""
    return Path(shutil.copytree(store.path, tmp_path / "copy"))


def shorter(manifest: Manifest) -> Manifest:
    return manifest.model_copy(update={"scans": manifest.scans[1:], "content": "other"})


def kill(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Kill right before the ``number``-th change of a name on the disk."""
    calls = 0

    def counted(call):
        def instead(*args, **options):
            nonlocal calls
            calls += 1
            if calls > number:
                raise Killed
            return call(*args, **options)

        return instead

    for name in ("replace", "unlink"):
        monkeypatch.setattr(os, name, counted(getattr(os, name)))


@pytest.mark.parametrize("version", [1, 2])
def test_write__a_kill_at_any_moment_leaves_the_old_or_the_new(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    if version == 1:
        as_version_1(folder)
    old = read_manifest(folder)
    new, seen = shorter(old), []
    for number in range(100):
        shutil.rmtree(folder)
        shutil.copytree(store.path, folder)
        if version == 1:
            as_version_1(folder)
        with monkeypatch.context() as patch:
            kill(patch, number)
            try:
                write_manifest(folder, new)
                break
            except Killed:
                pass
        found = read_manifest(folder)
        seen.append(found.content)
        assert (found.content, found.scans) in [(old.content, old.scans), (new.content, new.scans)]
        assert mend_manifest(folder) == ()
        (folder / "manifest.json").unlink()
        mend_manifest(folder)
        found = read_manifest(folder)
        assert (found.content, found.scans) in [(old.content, old.scans), (new.content, new.scans)]
    assert len(set(seen)) == 2 and seen == sorted(seen, key=lambda content: content == "other")
    assert len(list(folder.glob("scans-*"))) == 2 and read_manifest(folder).scans == new.scans


def test_write__what_is_written_once_more_is_left_as_it_is(folder: Path) -> None:
    files = {path: path.stat().st_mtime_ns for path in folder.glob("scans-*.arrow")}
    texts = {path: path.read_bytes() for path in folder.glob("manifest*")}
    write_manifest(folder, read_manifest(folder))
    assert {path: path.stat().st_mtime_ns for path in folder.glob("scans-*.arrow")} == files and len(files) == 2
    assert {path: path.read_bytes() for path in folder.glob("manifest*")} == texts


def test_write__copies_are_files_of_their_own(folder: Path) -> None:
    assert all(path.stat().st_nlink == 1 for path in folder.glob("scans-*"))
    header = json.loads((folder / "manifest.json").read_text())
    assert header["schema_version"] == 2 and set(header["scans"]) == {"rows", "bytes", "sha256"}


def test_read__a_store_of_version_1(store: Store, folder: Path) -> None:
    as_version_1(folder)
    opened = Store.open(folder)
    assert opened.manifest == store.manifest.model_copy(update={"schema_version": 1})
    assert opened.ids() == store.ids() and opened.verify() == ()
    assert opened.read("case_1").tobytes() == store.read("case_1").tobytes()


def test_read__looks_again_where_an_ingest_ended_meanwhile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON is read, then another process replaces both files, then the Arrow file is asked for."""
    from orienteer.store import manifest_file

    new, document, told = shorter(read_manifest(folder)), manifest_file._document, []

    def slow(path: Path, name: str):
        values = document(path, name)
        if not told:
            told.append(values)
            write_manifest(folder, new)
        return values

    monkeypatch.setattr(manifest_file, "_document", slow)
    assert read_manifest(folder).scans == new.scans and told
