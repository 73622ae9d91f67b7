"""Reading a store: boxes, errors, damage, and workers of every kind."""

import json
import multiprocessing
import pickle
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import blosc2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.store import Store
from orienteer.store.arrays import read_box, write_array
from tests.store.phantoms import body


@given(data=st.data())
def test_read__any_box_inside_equals_the_slice_of_the_whole(store: Store, data) -> None:
    scan = data.draw(st.sampled_from(store.ids()))
    shape = store.entry(scan).shape
    low = [data.draw(st.integers(0, n - 1)) for n in shape]
    size = [data.draw(st.integers(1, n - start)) for n, start in zip(shape, low, strict=True)]
    inside = tuple(slice(start, start + n) for start, n in zip(low, size, strict=True))
    box = store.read(scan, low, size)
    assert box.dtype == np.int16
    assert np.array_equal(box, store.read(scan)[(slice(None), *inside)])
    assert np.array_equal(store.labels(scan, low, size), store.labels(scan)[inside])


@pytest.mark.parametrize(
    ("low", "size"),
    [((-1, 0, 0), 4), ((0, 0, 20), 4), ((0, 0, 0), 0), ((0, 0, 0), (30, 4, 4)), ((0, 0), 4), ((99, 0, 0), 1)],
)
def test_read__a_box_that_leaves_the_scan_is_refused(store: Store, low, size) -> None:
    with pytest.raises(StoreError, match=r"leaves case_0, shape \[24, 28, 22\]"):
        store.read("case_0", low, size)


def test_read__voxels_are_those_of_the_file(store: Store) -> None:
    assert np.array_equal(store.read("case_2")[0], body(seed=2))


def test_normalise__background_is_minus_one_and_tissue_fills_the_window(store: Store) -> None:
    seen = store.normalise("case_1", store.read("case_1"))
    outside = body(seed=1) == 0
    assert seen.dtype == np.float32
    assert np.unique(seen[0][outside]).tolist() == [-1.0]
    assert -1.0 < seen[0][~outside].min() < -0.2 and 0.9 < seen[0][~outside].max() <= 1.5


def test_foreground__one_cell_per_four_voxels(store: Store) -> None:
    cells = store.foreground("case_0")
    assert cells.shape == (6, 7, 6) and cells.dtype == bool
    assert cells[3, 3, 2] and not cells[0, 0, 0]


def test_ids__by_split_and_unknown(store: Store) -> None:
    assert sorted(store.ids("train") + store.ids("val")) == list(store.ids())
    with pytest.raises(StoreError, match=r"no scans in split 'tset'.*train, val$"):
        store.ids("tset")
    with pytest.raises(StoreError, match="no scan 'nobody'"):
        store.entry("nobody")


def test_ids__a_store_of_one_person_says_why_nobody_is_held_out(store: Store) -> None:
    entries = tuple(entry.model_copy(update={"person": "P", "split": "train"}) for entry in store.scans)
    alone = replace(store, manifest=store.manifest.model_copy(update={"scans": entries}))
    with pytest.raises(StoreError, match="no scans in split 'val'") as caught:
        alone.ids("val")
    assert "count as one subject" in caught.value.cure and "--table" in caught.value.cure
    two = (entries[0].model_copy(update={"person": "Q"}), *entries[1:])
    with pytest.raises(StoreError) as caught:
        replace(store, manifest=store.manifest.model_copy(update={"scans": two})).ids("val")
    assert "column split" in caught.value.cure


def test_manifest__names_no_path_and_no_file(store: Store, scans: Path) -> None:
    for file in (store.path / "manifest.json", *store.path.glob("scans-*.arrow")):
        assert str(scans).encode() not in file.read_bytes() and b".nii" not in file.read_bytes()
    assert (store.path / "private.json").stat().st_mode & 0o777 == 0o600


def test_verify__a_good_store_is_whole(store: Store) -> None:
    assert store.verify() == ()


@pytest.fixture
def copy(store: Store, tmp_path: Path) -> Store:
    shutil.copytree(store.path, tmp_path / "copy")
    return Store.open(tmp_path / "copy")


@pytest.mark.parametrize("kind", ["image", "labels", "foreground"])
def test_verify__a_flipped_bit_is_named_or_harmless(copy: Store, kind) -> None:
    path = copy.array_path("case_3", kind)
    good, truth = path.read_bytes(), _whole(copy, kind)
    named = 0
    for position in range(0, len(good), len(good) // 40):
        data = bytearray(good)
        data[position] ^= 0x10
        path.unlink()  # a new file, so that nothing opened before is looked at
        path.write_bytes(data)
        fresh = Store.open(copy.path)
        lines = fresh.verify()
        named += bool(lines)
        assert all(line.startswith("case_3: ") and str(path) in line for line in lines)
        assert lines or np.array_equal(_whole(fresh, kind), truth)
    assert named > 5


def _whole(store: Store, kind: str) -> np.ndarray:
    return {"image": store.read, "labels": store.labels, "foreground": store.foreground}[kind]("case_3")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_read__a_cut_array_is_named_with_its_cure(copy: Store, share) -> None:
    path = copy.array_path("case_3")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(StoreError) as caught:
        copy.read("case_3", (0, 0, 0), 8)
    assert str(path) in caught.value.message and "orienteer ingest" in caught.value.cure
    assert copy.read("case_0", (0, 0, 0), 8).shape == (1, 8, 8, 8)


def test_read__a_missing_array_is_named(copy: Store) -> None:
    copy.array_path("case_3").unlink()
    with pytest.raises(StoreError, match=r"image\.b2nd"):
        copy.read("case_3")


def test_open__another_version_and_a_later_one(copy: Store) -> None:
    file = copy.path / "manifest.json"
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"schema_version": 99, "new_key": 1}))
    with pytest.raises(StoreError, match="version 99; this Orienteer reads versions 1 and 2"):
        Store.open(copy.path)


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "not JSON"), ("[]", "says no version"), ('{"schema_version": 1}', "scans: Field required")],
)
def test_open__a_damaged_manifest(copy: Store, content, told) -> None:
    (copy.path / "manifest.json").write_text(content)
    with pytest.raises(StoreError, match=told):
        Store.open(copy.path)


def test_open__no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is not a store: nothing is there"):
        Store.open(tmp_path / "none")
    with pytest.raises(StoreError, match="not a store"):
        Store.open(tmp_path)


def _sum(store: Store) -> list[int]:
    return [int(store.read(scan).sum()) for scan in store.ids()]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_store__is_read_in_started_processes(store: Store, method) -> None:
    expected = _sum(store)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(_sum, [store] * 4) == [expected] * 4


def test_store__is_read_after_a_fork_that_follows_a_read(store: Store) -> None:
    expected = _sum(store)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map_async(_sum, [store] * 4).get(timeout=60) == [expected] * 4


def test_store__is_read_by_threads_at_once(store: Store) -> None:
    expected = _sum(store)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(_sum, [store] * 12)) == [expected] * 12


def test_store__travels_without_open_files(store: Store) -> None:
    store.read("case_0")
    assert len(pickle.dumps(store)) < 10_000


def test_read__a_view_takes_about_a_millisecond_or_less(store: Store) -> None:
    rng = np.random.default_rng(0)
    store.read("case_0", (0, 0, 0), 20)
    taken = []
    for _ in range(200):
        low = [int(rng.integers(0, n - 19)) for n in (24, 28, 22)]
        begun = time.perf_counter()
        store.normalise("case_0", store.read("case_0", low, 20))
        taken.append(time.perf_counter() - begun)
    # The median, and with room for a busy machine: a slip to reading whole arrays or files would show.
    assert np.median(taken) < 0.004


def test_arrays__of_earlier_versions_are_read_as_before(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(-500, 2000, (1, 70, 40, 50)).astype(np.int16)
    old = blosc2.asarray(
        array, chunks=(1, 64, 40, 50), blocks=(1, 32, 32, 32),
        cparams=blosc2.CParams(codec=blosc2.Codec.LZ4, clevel=5, filters=[blosc2.Filter.BITSHUFFLE], typesize=2),
    )  # fmt: skip
    (tmp_path / "old.b2nd").write_bytes(old.to_cframe())
    low, high = np.array((3, 4, 5)), np.array((69, 37, 50))
    for name in ("old.b2nd", "new.b2nd"):
        path = tmp_path / name
        length = path.stat().st_size if name == "old.b2nd" else write_array(path, array)
        np.testing.assert_array_equal(read_box(path, length, low, high), array[:, 3:69, 4:37, 5:50])
