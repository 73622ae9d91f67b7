"""By default nothing a store shows leads back to a file or a person; the one private file does."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.ingest import IngestOptions, ingest
from orienteer.ingest.prepare import prepare
from orienteer.ingest.pseudonyms import Pseudonyms
from orienteer.store import Store
from orienteer.store.journal import JOURNAL, IngestJournal
from orienteer.store.private import PRIVATE, read_private
from tests.scans.files import cut, nifti
from tests.store.phantoms import AFFINE, body, cohort

NAMES = st.sets(st.text(min_size=1, max_size=12), min_size=1, max_size=30)


def run(folder: Path, **options):
    return ingest(folder / "in", folder / "store", IngestOptions(workers=1, progress=False, **options))


def ids(folder: Path) -> dict[str, str]:
    """Pseudonym by the scan's own name."""
    return {record.name: scan for scan, record in Store.open(folder / "store").private().items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cohort(tmp_path / "in", 3)
    return tmp_path


@given(NAMES, st.binary(min_size=32, max_size=32))
def test_pseudonyms__one_each_and_always_the_same(names, key) -> None:
    given_out = {name: Pseudonyms(key.hex(), {})("scan", name) for name in names}
    together = Pseudonyms(key.hex(), {})
    assert {name: together("scan", name) for name in names} == given_out
    assert len(set(given_out.values())) == len(names)
    assert all(re.fullmatch(r"scan-[0-9a-f]{8}", pseudonym) for pseudonym in given_out.values())


def test_pseudonyms__who_comes_second_draws_again_and_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orienteer.ingest.pseudonyms.DIGITS", 1)  # 16 pseudonyms, so that they must meet
    names = [f"n{index}" for index in range(14)]
    first = Pseudonyms("00" * 32, {})
    given_out = {name: first("scan", name) for name in names}
    assert len(set(given_out.values())) == 14
    # Asked for in another order, what was given before stays.
    later = Pseudonyms("00" * 32, {pseudonym: name for name, pseudonym in given_out.items()})
    assert {name: later("scan", name) for name in reversed(names)} == given_out


def test_pseudonyms__cannot_be_found_by_hashing_names_one_thinks_of(folder: Path) -> None:
    run(folder)
    shown = set(Store.open(folder / "store").ids())
    tries = {h(text.encode()).hexdigest()[:8] for h in (hashlib.sha256, hashlib.sha1, hashlib.md5)
             for name in ids(folder) for text in (name, f"scan/{name}", f"scan/0/{name}")}  # fmt: skip
    assert not {f"scan-{digits}" for digits in tries} & shown
    keys = {read_private(folder / "store").key}
    shutil.rmtree(folder / "store")
    run(folder)
    assert not set(Store.open(folder / "store").ids()) & shown  # another store, another secret
    assert len(keys | {read_private(folder / "store").key}) == 2


def test_ingest__a_scan_keeps_its_id_when_others_come_change_or_go_bad(folder: Path) -> None:
    table = folder / "t.tsv"
    table.write_text("id\tperson\ncase_0\tAnna\ncase_1\tAnna\n")
    run(folder, table=table)
    before = ids(folder)
    people = {entry.id: (entry.person, entry.split) for entry in Store.open(folder / "store").manifest.scans}
    nifti(folder / "in" / "aaa.nii.gz", body(seed=9), AFFINE)
    nifti(folder / "in" / "case_0.nii.gz", body(seed=10), AFFINE)
    cut(folder / "in" / "case_1.nii.gz", 0.5)
    result = run(folder)
    assert (result.added, result.updated, tuple(result.failed)) == (("aaa",), ("case_0",), ("case_1",))
    after = ids(folder)
    assert before.items() <= after.items() and len(after) == 4
    now = {entry.id: (entry.person, entry.split) for entry in Store.open(folder / "store").manifest.scans}
    assert people.items() <= now.items()
    assert now[after["case_0"]][0] == now[after["case_1"]][0] != now[after["case_2"]][0]


def test_ingest__pruned_and_brought_back_is_the_same_scan(folder: Path) -> None:
    run(folder)
    before = ids(folder)
    (folder / "in" / "case_1.nii.gz").rename(folder / "away.nii.gz")
    run(folder, prune=True)
    assert "case_1" not in (folder / "store" / PRIVATE).read_text()
    (folder / "away.nii.gz").rename(folder / "in" / "case_1.nii.gz")
    run(folder)
    assert ids(folder) == before


def test_ingest__the_split_is_the_same_whatever_the_key(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 12)
    splits = []
    for name, keep in (("a", False), ("b", False), ("c", True)):
        result = ingest(
            tmp_path / "in", tmp_path / name, IngestOptions(workers=1, spacing=6.0, progress=False, keep_names=keep)
        )
        own = {scan: record.name for scan, record in Store.open(result.store).private().items()}
        splits.append({own[entry.id]: entry.split for entry in result.manifest.scans})
    assert splits[0] == splits[1] == splits[2] and set(splits[0].values()) == {"train", "val"}


def test_ingest__what_a_stopped_run_has_finished_keeps_its_pseudonym(folder: Path, monkeypatch) -> None:
    def stopped(jobs, workers):
        yield from map(prepare, jobs[:2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("orienteer.ingest.read.prepare_all", stopped)
        run(folder)
    finished = IngestJournal(folder / "store").read()
    assert len(finished) == 2 and (folder / "store" / PRIVATE).stat().st_mode & 0o777 == 0o600
    result = run(folder)
    assert len(result.kept) == 2
    assert finished.keys() <= set(Store.open(folder / "store").ids())
    assert not (folder / "store" / JOURNAL).exists()


def test_ingest__another_stores_private_file_gives_the_same_pseudonyms(folder: Path) -> None:
    run(folder)
    (folder / "coarse").mkdir()
    shutil.copy(folder / "store" / PRIVATE, folder / "coarse" / PRIVATE)
    result = ingest(folder / "in", folder / "coarse", IngestOptions(spacing=5.0, workers=1, progress=False))
    assert {entry.id for entry in result.manifest.scans} == set(ids(folder).values())


def test_ingest__the_private_file_is_the_owners_and_leads_back(folder: Path) -> None:
    table = folder / "t.tsv"
    table.write_text("id\tperson\ncase_0\tAnna\n")
    run(folder, table=table)
    file = folder / "store" / PRIVATE
    assert file.stat().st_mode & 0o777 == 0o600
    record = Store.open(folder / "store").private()[ids(folder)["case_0"]]
    assert (record.name, record.person) == ("case_0", "Anna")
    assert record.files[0].path == str((folder / "in" / "case_0.nii.gz").absolute())
    file.unlink()
    with pytest.raises(StoreError, match=r"came without its private\.json"):
        Store.open(folder / "store").private()
    with pytest.raises(StoreError, match="cannot be told from new ones"):
        run(folder)


@pytest.mark.parametrize("first", [True, False])
def test_ingest__a_store_never_mixes_names_and_pseudonyms(folder: Path, first: bool) -> None:
    run(folder, keep_names=first)
    before = (folder / "store" / "manifest.json").read_bytes()
    with pytest.raises(StoreError, match="the names of files and subjects") as caught:
        run(folder, keep_names=not first)
    assert "--keep-names" in caught.value.cure
    assert (folder / "store" / "manifest.json").read_bytes() == before
    assert len(run(folder, keep_names=first).kept) == 3


def test_ingest__a_store_from_before_pseudonyms_keeps_names_and_is_not_read_again(folder: Path) -> None:
    run(folder, keep_names=True)
    store = folder / "store"
    manifest = json.loads((store / "manifest.json").read_text())
    del manifest["names"]
    manifest.pop("seal", None)  # of what it said before
    (store / "manifest.json").write_text(json.dumps(manifest))
    scans = json.loads((store / PRIVATE).read_text())["scans"]
    for record in scans.values():
        del record["name"], record["person"]
    (store / PRIVATE).unlink()
    (store / "sources.json").write_text(json.dumps({"scans": scans}))
    assert Store.open(store).manifest.names == "kept"
    assert len(run(folder, keep_names=True).kept) == 3
    assert (store / PRIVATE).exists() and not (store / "sources.json").exists()
