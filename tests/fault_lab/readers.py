"""Every reader of files, each with honest files to start from: what is fuzzed."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fault_lab.honest import write_phantoms

MARKED = {"nrrd": b"\n\n", "nhdr": b"\n\n", "mha": b"LOCAL\n", "mhd": b"\n\n"}


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        name: for the table.
        seeds: honest files; a folder is one series, of which one file is changed.
        read: reads a file; may raise only `OrienteerError`.
        header: bytes at the start that are changed more often.
        packed: gzip, so that a change is also made beneath it.
    """

    name: str
    seeds: tuple[Path, ...]
    read: Callable[[Path], None]
    header: int
    packed: bool = False


def readers(base: Path) -> Iterator[Reader]:
    """All of them; the honest files are made below ``base``."""
    scans: dict[str, list[Path]] = {}
    for honest in write_phantoms(base / "honest"):
        scans.setdefault(honest.family, []).append(honest.main)
    for family, mains in scans.items():
        start = max(_header(main, family) for main in mains)
        yield Reader(f"scan {family}", tuple(mains), _scan, start, packed=family.endswith("gz"))
    yield from _records(base)


def _header(path: Path, family: str) -> int:
    data = path.read_bytes()
    mark = MARKED.get(family)
    return data.find(mark) + len(mark) if mark and mark in data else 2000 if family in ("dicom", "enhanced") else 352


def _scan(path: Path) -> None:
    from orienteer.scans.discover import survey
    from orienteer.scans.reading import inspect

    for source in survey(path.parent).sources:
        inspect(source)


def _records(base: Path) -> Iterator[Reader]:
    import torch

    from orienteer.config import load_yaml
    from orienteer.ingest.table import read_table
    from orienteer.records import Measure, Observation
    from orienteer.records.log import ObservationLog, read_log
    from orienteer.records.rows import read_rows, write_rows
    from orienteer.runs.fingerprint import fingerprint
    from orienteer.seal import unsealed
    from orienteer.store import Store
    from orienteer.store.columns import ScansFile
    from orienteer.store.journal import IngestJournal
    from orienteer.store.manifest_file import scans_name
    from orienteer.store.private import read_private
    from orienteer.store.schema import NAMES
    from orienteer.testing.phantom import phantom_store
    from orienteer.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

    store = phantom_store(base / "made", people=4, shape=(12, 14, 13))
    array = next((store / "arrays").rglob("image.b2nd"))

    def read_store(path: Path) -> None:
        place = path.parent / "store"
        if not place.exists():
            shutil.copytree(store, place)
        for name in ("manifest.json", "private.json"):
            shutil.copy(path if path.name == name else store / name, place / name)
        shutil.copy(path if path.suffix == ".b2nd" else array, place / array.relative_to(store))
        if path.name == "private.json":
            read_private(place)
        opened = Store.open(place)
        if path.suffix == ".b2nd":
            opened.verify()
        for scan in opened.ids()[:1]:
            opened.read(scan)
            opened.foreground(scan)

    columns = next(store.glob("scans-*[!y].arrow"))

    def read_columns(path: Path) -> None:
        """The forger gives his own checksum of the Arrow file."""
        place = path.parent / "store"
        place.mkdir(exist_ok=True)
        data = path.read_bytes()
        header = unsealed(json.loads((store / "manifest.json").read_text()))
        written = ScansFile(rows=header["scans"]["rows"], bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        (place / "manifest.json").write_text(json.dumps(header | {"scans": written.model_dump()}))
        (place / scans_name(written)).write_bytes(data)
        try:
            opened = Store.open(place)
            for entry in opened.scans:
                assert opened.entry(entry.id).id == entry.id
            for name in NAMES:
                opened.scans.column(name)
            fingerprint(opened, labels=True)
        finally:
            (place / scans_name(written)).unlink()

    # Without their checksums, which would refuse every change at the door: a forger writes his own.
    open_door = base / "unsealed"
    open_door.mkdir()
    for name in ("manifest.json", "private.json"):
        (open_door / name).write_text(json.dumps(unsealed(json.loads((store / name).read_text())), indent=2))
    yield Reader("manifest", (open_door / "manifest.json",), read_store, 400)
    yield Reader("columns", (columns,), read_columns, 2000)
    yield Reader("private file", (open_door / "private.json",), read_store, 400)
    yield Reader("array", (array,), read_store, 250)
    journal = base / "made" / "ingest.journal"
    entry = Store.open(store).manifest.scans[0]
    record = next(iter(Store.open(store).private().values()))
    IngestJournal(journal.parent).append(entry, record)
    yield Reader("journal", (journal,), lambda path: (IngestJournal(path.parent).read(), None)[1], 400)
    table = base / "made" / "people.tsv"
    table.write_text("id\tperson\tsplit\tage\ncase_0\tp0\ttrain\t61\ncase_1\tp1\tval\t\n")
    yield Reader("table", (table,), lambda path: (read_table(path), None)[1], 100)
    settings = base / "made" / "settings.yaml"
    settings.write_text("seed: 1\noptimiser: {steps: 8, batch: 2}\ntasks:\n  gap: {}\n  position: null\n")
    yield Reader("settings", (settings,), _settings(load_yaml), 60)
    step = save_checkpoint(base / "made", Checkpoint(1, {"w": torch.ones(3, 4)}, {"0.step": torch.tensor(1.0)}, {}))

    def read_checkpoint(path: Path) -> None:
        for other in step.iterdir():
            if other.name != path.name:
                shutil.copy(other, path.parent)
        load_checkpoint(path.parent)

    state = unsealed(json.loads((step / "state.json").read_text()))
    (step / "state.json").write_text(json.dumps({**state, "sha256": {}}))
    for name in ("model.safetensors", "state.json"):
        yield Reader(f"checkpoint {name}", (step / name,), read_checkpoint, 120)
    log = base / "made" / "observations.jsonl"
    ObservationLog(log).append(Observation("gap", {"gap_error_mm": Measure(12.5, "mm", 60.0)}), step=1, phase="train")
    yield Reader("observations", (log,), lambda path: (list(read_log(path)), None)[1], 200)
    rows = base / "made" / "gap.parquet"
    write_rows(rows, {"sample": [1, 2, 3], "scan": ["a", "b", "c"], "value": [0.5, 1.5, 2.5]})  # type: ignore[dict-item]
    yield Reader("parquet", (rows,), lambda path: (read_rows(path), None)[1], 200)


def _settings(load: Callable[[Path], dict[str, object]]) -> Callable[[Path], None]:
    from orienteer.runs.settings import PretrainSettings

    return lambda path: (PretrainSettings.build(load(path)), None)[1]
