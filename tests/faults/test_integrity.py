"""Damage is found, named and mended: arrays, manifest, journal, log lines, tables, checkpoints."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orienteer.errors import RunError, StoreError
from orienteer.records import Measure, Observation
from orienteer.records.log import ObservationLog, read_log
from orienteer.records.rows import read_rows, write_rows
from orienteer.store import Store
from orienteer.store.journal import IngestJournal
from orienteer.store.private import read_private
from tests.faults.conftest import again

STORED = ("manifest.json", "scans-*.arrow", "image.b2nd", "labels.b2nd", "foreground.b2nd")


def flipped(path: Path) -> None:
    """Every bit of the middle third; single bits are the business of the tests below and of the benchmark."""
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, 2 * len(data) // 3):
        data[place] ^= 0xFF
    path.unlink()
    path.write_bytes(data)


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) // 2])


def contents(folder: Path) -> dict[str, bytes]:
    store = folder / "store"
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damage", [flipped, cut, Path.unlink])
@pytest.mark.parametrize("name", STORED)
def test_ingest__again_finds_names_and_mends_what_is_damaged(
    whole: Path, folder: Path, name: str, damage: Callable[[Path], None]
) -> None:
    path = sorted((folder / "store").rglob(name))[0]
    damage(path)
    try:
        assert any(str(path) in line for line in Store.open(folder / "store").verify())
    except StoreError as error:
        assert path.name in str(error)
    result = again(folder)
    assert any(path.name in note for note in result.notes)
    assert contents(folder) == contents(whole)
    assert Store.open(folder / "store").verify() == ()


def test_ingest__damaged_labels_are_not_lost_when_none_are_named(folder: Path) -> None:
    path = sorted((folder / "store").rglob("labels.b2nd"))[0]
    flipped(path)
    with pytest.raises(StoreError, match=r"labels\.b2nd") as caught:
        again(folder, labels=False)
    assert "--labels" in caught.value.cure
    assert path.exists()


def test_ingest__a_damaged_scan_whose_file_is_gone_is_told(whole: Path, folder: Path, tmp_path: Path) -> None:
    import shutil

    (folder / "in").unlink()
    shutil.copytree(whole / "in", folder / "in")
    store = Store.open(folder / "store")
    (folder / "in" / "case_1.nii.gz").unlink()
    flipped(store.array_path("case_1"))
    result = again(folder)
    assert "case_1" in result.failed and "no longer there" in result.failed["case_1"][0].message
    assert Store.open(folder / "store").ids() == ("case_0", "case_2")


def test_manifest__no_flipped_bit_of_its_scans_goes_unseen(folder: Path) -> None:
    store = folder / "store"
    path = sorted(store.glob("scans-*.arrow"))[0]
    whole = path.read_bytes()
    for place in range(0, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with pytest.raises(StoreError, match=re.escape(path.name)):
            Store.open(store)


@pytest.mark.parametrize("lost", [("json", "arrow"), ("json", "copy.arrow"), ("copy.json", "arrow"), ("copy.json",)])
@pytest.mark.parametrize("damage", [flipped, Path.unlink])
def test_manifest__is_put_back_from_whatever_is_whole(
    whole: Path, folder: Path, lost: tuple[str, ...], damage: Callable[[Path], None]
) -> None:
    for path in (folder / "store").iterdir():
        if path.name.startswith(("manifest", "scans")) and path.name.partition(".")[2] in lost:
            damage(path)
    told = [note for note in again(folder).notes if "was put back" in note]
    assert len(told) == (lost != ("copy.json",)), "of a copy nothing need be told"
    assert contents(folder) == contents(whole)


def test_manifest__a_damaged_copy_is_never_put_back(folder: Path) -> None:
    flipped(folder / "store" / "manifest.copy.json")
    flipped(folder / "store" / "manifest.json")
    with pytest.raises(StoreError, match=r"manifest\.json is damaged"):
        again(folder)


def test_manifest__of_another_version_is_not_taken_for_damage(folder: Path) -> None:
    file = folder / "store" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema_version": 99}))
    with pytest.raises(StoreError, match="version 99"):
        again(folder)


def test_journal__a_line_with_a_flipped_digit_is_read_once_more(folder: Path) -> None:
    store = Store.open(folder / "store")
    journal = IngestJournal(folder)
    records = store.private()
    for entry in store.manifest.scans:
        journal.append(entry, records[entry.id])
    text = journal.lines.path.read_text()
    assert len(journal.read()) == 3
    journal.lines.path.write_text(text.replace('"spacing": 2.0', '"spacing": 3.0', 1))
    assert len(journal.read()) == 2


def test_private__a_flipped_bit_is_named(folder: Path) -> None:
    path = folder / "store" / "private.json"
    path.write_text(path.read_text().replace("case_1", "case_9", 1))
    with pytest.raises(StoreError, match=r"private\.json is damaged"):
        read_private(folder / "store")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    lines = ObservationLog(tmp_path / "observations.jsonl")
    for step in range(1, 5):
        lines.append(Observation("gap", {"gap_error_mm": Measure(12.5, "mm", 60.0)}), step=step, phase="train")
    return lines.path


def test_log__no_flipped_bit_goes_unseen(log: Path) -> None:
    """Any single bit: its line is named, or says the same as before; the other lines stay."""
    data, truth = log.read_bytes(), list(read_log(log))
    end = data.index(b"\n", data.index(b"\n") + 1)
    for place in range(data.index(b"\n") + 1, end):
        for bit in (0, 2, 5):
            log.write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
            damaged: list[str] = []
            kept = list(read_log(log, damaged))
            assert kept == truth or (damaged and str(log) in damaged[0] and "line 2" in damaged[0])
            assert [record for record in kept if record["step"] != 2] == [r for r in truth if r["step"] != 2]


def test_rewind__tells_of_damaged_lines_and_goes_on(log: Path) -> None:
    log.write_text(log.read_text().replace("12.5", "12.7", 1))
    (sentence,) = ObservationLog(log).rewind(3)
    assert "line 1 is damaged" in sentence
    assert [record["step"] for record in read_log(log)] == [2, 3]
    assert ObservationLog(log).rewind(3) == ()


def test_rows__no_flipped_byte_changes_a_figure_unseen(tmp_path: Path) -> None:
    path = tmp_path / "gap.parquet"
    write_rows(path, {"sample": np.arange(50), "true_r": np.linspace(-80, 80, 50)})
    data = path.read_bytes()
    refused = 0
    for place in range(0, len(data), 11):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            rows = read_rows(path)
        except RunError as error:
            assert "gap.parquet" in str(error)
            refused += 1
            continue
        if set(rows) == {"sample", "true_r"}:
            assert np.array_equal(rows["true_r"], np.linspace(-80, 80, 50))
    assert refused > 20
