"""A disk that is full, or fails, at any write: said in one line, nothing lost, and the next run ends the same.

tests/fault_lab/disk.py does it with real small disks; here single calls fail as they do there.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orienteer.errors import OrienteerError, RunError
from orienteer.store import Store
from orienteer.store.lock import only_one
from orienteer.training.folder import TRAINING
from tests.faults.conftest import again
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body


def failing(monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: int) -> Callable[[], int]:
    """Let the ``number``-th call of ``os.NAME`` fail; returns how often it was called."""
    call, calls = getattr(os, name), 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(code, os.strerror(code))
        return call(*args, **options)

    monkeypatch.setattr(os, name, counted)
    return lambda: calls


def contents(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_ingest__any_write_that_fails_is_told_and_the_next_ingest_ends_the_same(
    whole: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    """One new scan into a store: the first, the second, ... change to the disk fails, until none is left to fail."""
    (folder / "in").unlink()
    (folder / "in").mkdir()
    for path in (whole / "in").iterdir():
        (folder / "in" / path.name).symlink_to(path)
    nifti(folder / "in" / "new.nii", body(seed=9), AFFINE)
    before = Store.open(folder / "store").manifest
    number, told = 1, 0
    while True:
        with monkeypatch.context() as patch:
            calls = failing(patch, name, number, code)
            try:
                again(folder, labels=False)
            except OrienteerError as error:
                told += 1
                assert os.strerror(code) in str(error) and error.cure
        store = Store.open(folder / "store")
        assert store.verify() == ()
        assert set(store.ids()) >= {entry.id for entry in before.scans}
        if calls() < number:
            break
        number += 1
    assert told >= 2
    assert Store.open(folder / "store").ids() == ("case_0", "case_1", "case_2", "new")
    assert not [path for path in (folder / "store").rglob("*.part")]


HOLD = """
import sys
from pathlib import Path
from orienteer.store.lock import only_one
with only_one(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_pretrain__a_second_one_into_the_same_folder_is_refused(tmp_path: Path) -> None:
    from orienteer.runs.folder import RunFolder

    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    command = [sys.executable, "-c", HOLD, str(folder.path), TRAINING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another training is writing to") as caught, folder.locked():
            pass
        assert "wait" in caught.value.cure
    with folder.locked():
        folder.require_free()  # its own lock is not in its way


def test_run_folder__leftovers_of_a_kill_are_not_in_the_way_and_go(tmp_path: Path) -> None:
    from orienteer.runs.folder import RunFolder

    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    leftover = folder.path / ".settings.yaml.abc.part"
    leftover.write_text("half")
    folder.require_free()
    with folder.locked():
        assert not leftover.exists()
    (folder.path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        folder.require_free()


def test_ingest__a_store_killed_before_its_first_manifest_can_be_finished(folder: Path, whole: Path) -> None:
    for name in ("manifest.json", "manifest.copy.json"):
        (folder / "store" / name).unlink()
    (folder / "store" / ".manifest.json.abc.part").write_text("{")
    again(folder)
    assert contents(folder / "store") == contents(whole / "store")


def test_only_one__names_what_is_in_the_way(tmp_path: Path) -> None:
    from orienteer.errors import StoreError

    with only_one(tmp_path, "ingest"), pytest.raises(StoreError, match="another ingest"), only_one(tmp_path, "ingest"):
        pass
