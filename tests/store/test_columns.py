"""The scans of a store as columns: what goes in comes out, one by one and all at once, in any process."""

import json
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.scans.findings import Finding
from orienteer.store import Store
from orienteer.store.columns import CHUNK, KEPT, Scans
from orienteer.store.manifest import ArrayFile, Intensity, Manifest, Parameters, ScanEntry
from orienteer.store.manifest_file import read_manifest, write_manifest
from orienteer.store.schema import NAMES
from orienteer.testing.many import store_of_many

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
IDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VOXELS = st.tuples(*[st.integers(0, 2**40)] * 3)
FILES = st.builds(ArrayFile, bytes=st.integers(0, 2**60), sha256=WORDS)
ENTRIES = st.builds(
    ScanEntry,
    id=IDS,
    person=WORDS,
    split=WORDS,
    channels=st.integers(0, 9),
    channel_names=st.lists(WORDS, max_size=2).map(tuple),
    shape=VOXELS,
    spacing=NUMBERS,
    voxel_mm=st.none() | st.tuples(*[NUMBERS] * 3),
    affine=st.lists(st.tuples(*[NUMBERS] * 4), max_size=4).map(tuple),
    intensity=st.lists(
        st.builds(Intensity, slope=NUMBERS, intercept=NUMBERS, low=NUMBERS, high=NUMBERS), max_size=2
    ).map(tuple),
    foreground_low=VOXELS,
    foreground_high=VOXELS,
    labelled=st.booleans(),
    structures=st.dictionaries(WORDS, st.lists(st.integers(), max_size=3).map(tuple), max_size=3),
    ignored=st.lists(st.integers(), max_size=2).map(tuple),
    table=st.dictionaries(WORDS, WORDS, max_size=3),
    content=st.text("0123456789abcdef", min_size=1, max_size=64),
    arrays=st.dictionaries(st.sampled_from(["image", "foreground", "labels"]), FILES),
    findings=st.lists(
        st.builds(Finding, WORDS, st.sampled_from(["info", "warning", "error"]), WORDS, WORDS), max_size=2
    ).map(tuple),
)


def travelled(scans: Scans) -> Scans:
    """As another process gets them."""
    copy: Scans = pickle.loads(pickle.dumps(scans))
    return copy


@given(st.lists(ENTRIES, max_size=6, unique_by=lambda entry: entry.id))
def test_scans__give_back_every_field_of_every_entry(entries: list[ScanEntry]) -> None:
    scans, ordered = Scans.of(entries), sorted(entries, key=lambda entry: entry.id)
    scans._check()
    for each in (scans, travelled(scans)):
        assert list(each) == ordered and [each[n] for n in range(len(each))] == ordered and each == scans
        assert all(each.named(entry.id) == entry and each[each.row(entry.id)] == entry for entry in entries)
    for name in NAMES:
        assert scans.column(name) == [getattr(entry, name) for entry in ordered]
    rows = scans.rows([entry.id for entry in entries])
    assert scans.column("person", rows) == [entry.person for entry in entries]
    assert list(scans.chosen(rows)) == entries
    assert scans.shapes(rows).tolist() == [list(entry.shape) for entry in entries]
    for kind in ("image", "foreground", "labels"):
        digests = [entry.arrays[kind].sha256 if kind in entry.arrays else None for entry in ordered]
        assert scans.digests(kind) == digests


@given(st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.id))
def test_scans__the_same_ones_are_the_same_bytes(entries: list[ScanEntry]) -> None:
    assert Scans.of(entries).to_buffer() == Scans.of(reversed(entries)).to_buffer()


def test_scans__of_many_entries_few_are_held_at_a_time(store: Store) -> None:
    like, alive = store.scans[0], set[int]()

    def entries() -> Iterator[ScanEntry]:
        for number in range(5 * CHUNK):
            entry = like.model_copy(update={"id": f"{number:06}"})
            alive.add(number)
            weakref.finalize(entry, alive.discard, number)
            assert len(alive) <= 2 * CHUNK
            yield entry
            del entry

    scans = Scans.of(entries())
    assert len(scans) == 5 * CHUNK and scans.to_buffer() == Scans.of(scans[::-1]).to_buffer()


@given(st.lists(IDS, unique=True, max_size=30), IDS)
def test_row__finds_each_and_no_other(store: Store, ids: list[str], other: str) -> None:
    like = store.scans[0]
    scans = Scans.of(like.model_copy(update={"id": scan}) for scan in ids)
    assert [scans.row(scan) for scan in sorted(ids)] == list(range(len(ids))) == scans.rows(sorted(ids)).tolist()
    if other not in ids:
        for ask in (scans.row, scans.named, lambda scan: scans.rows([*ids, scan])):
            with pytest.raises(KeyError) as caught:
                ask(other)
            assert caught.value.args == (other,)


def test_scans__are_a_sequence_that_nobody_changes(store: Store) -> None:
    scans = store.scans
    assert scans[-1] == scans[3] and scans[1:3] == (scans[1], scans[2]) and scans[0] in scans
    assert scans.index(scans[2]) == 2 and next(reversed(scans)) == scans[3]
    with pytest.raises(IndexError):
        scans[4]
    with pytest.raises(TypeError):
        scans[0] = scans[1]  # type: ignore[index]
    changed = [scans[0].model_copy(update={"person": "Q"}), *scans[1:]]
    assert scans != Scans.of(changed) and scans == Scans.of(scans) and scans != tuple(scans)
    with pytest.raises(ValueError, match="two scans have the id 'case_0'"):
        Scans.of([scans[0], scans[0]])


READ = """
import sys
from pathlib import Path
import numpy as np
from orienteer.errors import StoreError
from orienteer.store import Store
store = Store.open(sys.argv[1])
(rows,) = Path(sys.argv[1]).glob("scans-*[!y].arrow")
last = store.scans[len(store.scans) - 1].id
with rows.open("rb+") as stream:
    stream.truncate(4096)
for ask in (
    lambda: store.entry("scan-000000"), lambda: store.scans[5], lambda: list(store.scans), lambda: store.ids("train"),
    lambda: store.shapes([last]), lambda: store.scans.digests("image"), lambda: store.scans.row(last),
    lambda: list(store.entries([last])), lambda: store.scans.to_buffer(), lambda: store.scans == store.scans[:1],
):
    try:
        ask()
    except StoreError as error:
        assert rows.name in error.message and "changed while it was in use" in error.message, error.message
        assert "ingest again" in error.cure or "same ingest" in error.cure
    else:
        sys.exit("no word")
"""


def test_scans__a_file_cut_while_it_is_mapped_is_an_error_and_no_end(tmp_path: Path) -> None:
    store = store_of_many(tmp_path, 3000)
    ended = subprocess.run([sys.executable, "-c", READ, store], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")  # -7 where it was read


def test_scans__a_file_that_a_later_ingest_took_away_is_still_read(tmp_path: Path) -> None:
    scans = Store.open(store_of_many(tmp_path, 10)).scans
    (rows,) = tmp_path.glob("scans-*[!y].arrow")
    rows.unlink()
    assert len(list(scans)) == 10 and scans.row(scans[3].id) == 3


def test_named__keeps_the_last_ones_only(tmp_path: Path) -> None:
    scans = Store.open(store_of_many(tmp_path, KEPT + 10)).scans
    first = scans.named(scans.column("id")[0])
    assert scans.named(first.id) is first
    assert [scans.named(scan).id for scan in scans.column("id")] == scans.column("id")
    assert len(scans._recent) <= KEPT and scans.named(first.id) == first


def test_manifest__is_the_same_in_json_and_with_other_scans(store: Store) -> None:
    manifest = store.manifest
    values = manifest.model_dump(mode="json")
    assert Manifest.build(values) == manifest == Manifest.model_validate_json(json.dumps(values))
    assert [scan["id"] for scan in values["scans"]] == list(store.ids())
    fewer = manifest.model_copy(update={"scans": manifest.scans[:2]})
    assert isinstance(fewer.scans, Scans) and len(fewer.scans) == 2 and fewer != manifest


def test_scans__none_at_all_are_a_manifest_too(tmp_path: Path) -> None:
    write_manifest(tmp_path, Manifest.of((), Parameters(spacing=1.0), "kept"))
    store = Store.open(tmp_path)
    assert store.ids() == () and travelled(store.scans) == store.scans and store.shapes(()).shape == (0, 3)


def test_column__of_an_unknown_scan_names_it(store: Store) -> None:
    for ask in (store.shapes, store.entries, lambda ids: store.column("split", ids)):
        with pytest.raises(StoreError, match="no scan 'nobody'"):
            ask(["case_1", "nobody"])


def test_store__travels_by_its_path_and_survives_that_its_file_is_replaced(tmp_path: Path) -> None:
    store = Store.open(store_of_many(tmp_path, 3000))
    sent = pickle.dumps(store)
    assert len(sent) < 3_000 and pickle.loads(sent) == store
    write_manifest(tmp_path, store.manifest.model_copy(update={"scans": store.scans[:10]}))
    assert len(read_manifest(tmp_path).scans) == 10
    assert list(store.scans)[2999].id == store.ids()[2999], "what was opened stays"
    assert pickle.loads(pickle.dumps(store)) == store
    with pytest.raises(StoreError, match=r"cannot read .*arrow"):
        pickle.loads(sent)


OPEN = """
import sys, time
from orienteer.store import Store

def held():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024

before, begun = held(), time.perf_counter()
store = Store.open(sys.argv[1])
ids = store.ids("train")
entries = [store.entry(scan) for scan in ids[::1000]]
print(time.perf_counter() - begun, held() - before, len(store.scans))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for its memory")
def test_open__a_hundred_thousand_scans_take_little_time_and_memory(tmp_path: Path) -> None:
    store = store_of_many(tmp_path, 100_000)
    told = subprocess.run([sys.executable, "-c", OPEN, store], check=True, capture_output=True, text=True).stdout
    seconds, megabytes, count = map(float, told.split())
    assert count == 100_000 and seconds < 2 and megabytes < 200
    assert len(pickle.dumps(Store.open(store))) < 10_000
