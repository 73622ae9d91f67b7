"""Files made to do harm: pickles, YAML objects, paths that lead elsewhere, code instead of voxels, bombs."""

import json
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
import pyarrow as pa
import pytest
import torch
import yaml

from orienteer.config import load_yaml, override
from orienteer.errors import ConfigError, OrienteerError, RunError, StoreError
from orienteer.ingest.table import read_table
from orienteer.records.rows import read_rows
from orienteer.scans.discover import survey
from orienteer.scans.reading import inspect
from orienteer.store import Store
from orienteer.store.arrays import open_array
from orienteer.store.columns import ScansFile
from orienteer.store.manifest_file import scans_name
from orienteer.store.schema import SCHEMA
from orienteer.training.checkpoint import latest_checkpoint
from tests.faults.conftest import again
from tests.store.earlier import as_version_1

SOURCE = Path(__file__).parents[2] / "src" / "orienteer"


class Malicious:
    """Unpickling it makes a file: the proof that something was executed."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Must never come to be."""
    return tmp_path / "executed"


@pytest.fixture
def trap(mark: Path) -> bytes:
    """An armed pickle."""
    data = pickle.dumps({"weight": Malicious(mark)})
    pickle.loads(data)
    assert mark.exists()
    mark.unlink()
    return data


FORBIDDEN = re.compile(
    r"\b(pickle|cPickle|dill|joblib|shelve|marshal|cloudpickle)\b|torch\.load\b|yaml\.(load|unsafe_load|full_load)\b"
    r"|np\.load\b|numpy\.load\b|allow_pickle\s*=\s*True|(?<![\w.])(eval|exec)\(|shell\s*=\s*True|os\.system"
    r"|\|\s*safe(?!\w)|Markup\("
)
ALLOWED = {
    ("report/templates/page.html.j2", "{{ library | safe }}"),  # plotly.js and our own script, from files of ours
    ("comparison/templates/comparison.html.j2", "{{ library | safe }}"),
    ("sampling/loader.py", "pickle"),  # only written, to see what a child will be given
    ("export/tensors.py", "weights_only=True"),  # tensors, numbers and texts; what else is in a file is refused
    ("export/tensors.py", "import pickle"),  # for the error that such a file is refused with
    ("export/tensors.py", "except pickle.UnpicklingError"),
    ("export/doors/monai_bundle.py", "weights_only=True"),  # in code that leaves
    ("cluster/work.py", "pickle"),  # from the command to its workers, as Dask itself does; never a file
    ("benchmark/on_cluster.py", "pickle"),  # the same
    ("scans/formats/isolated.py", "pickle"),  # between a process and its child, as multiprocessing does; never a file
}


def test_source__nothing_unpickles_evaluates_or_opens_a_shell() -> None:
    found = []
    for path in sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.j2"), *SOURCE.rglob("*.js")]):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            name = path.relative_to(SOURCE).as_posix()
            code = line.split("#")[0]
            if FORBIDDEN.search(code) and not any(name == file and text in line for file, text in ALLOWED):
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == []


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "checkpoint.pt", "last.ckpt"])
def test_run__a_pickle_named_as_a_checkpoint_is_refused_and_not_executed(
    tmp_path: Path, mark: Path, trap: bytes, name: str
) -> None:
    """As a file given to --from, and inside a run's checkpoints."""
    from orienteer.runs.run import Run

    file = tmp_path / name
    file.write_bytes(trap)
    with pytest.raises(OrienteerError):
        Run.open(file)
    step = tmp_path / "run" / "checkpoints" / "step_00000002"
    step.mkdir(parents=True)
    (step / name).write_bytes(trap)
    (step / "state.json").write_text('{"format": 1, "step": 2, "sha256": {}, "state": {}}')
    checkpoint, warnings = latest_checkpoint(step.parent)
    assert checkpoint is None and len(warnings) == 1
    torch.save({"weight": Malicious(mark)}, step / "model.safetensors")
    assert latest_checkpoint(step.parent)[0] is None
    assert not mark.exists()


OBJECT = "!!python/object/apply:os.mkdir ['{mark}']"


def test_yaml__an_object_is_refused_and_not_made(tmp_path: Path, mark: Path) -> None:
    from orienteer.runs.folder import RunFolder

    text = f"seed: {OBJECT.format(mark=mark)}\n"
    yaml.unsafe_load(text)
    assert mark.exists()  # the trap is armed
    mark.rmdir()
    for path in (tmp_path / "config.yaml", tmp_path / "run" / "settings.yaml"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_yaml(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match=r"settings\.yaml"):
        RunFolder(tmp_path / "run").settings()
    with pytest.raises(ConfigError, match="not valid YAML"):
        override({}, [text.strip().replace(": ", "=", 1)])
    assert not mark.exists()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("scans", 0, "content"), "../../outside"),
        (("scans", 0, "content"), "/etc"),
        (("scans", 0, "id"), "../case"),
        (("scans", 0, "id"), "/etc/passwd"),
        (("scans", 0, "id"), "a\0b"),
        (("scans", 0, "arrays"), {"../image": {"bytes": 1, "sha256": ""}}),
        (("scans", 0, "shape"), [10**9, 10**9, -1]),
        (("scans",), "../scans"),
    ],
)
def test_manifest__a_path_in_an_earlier_one_is_refused(folder: Path, place: tuple[Any, ...], value: Any) -> None:
    document = as_version_1(folder / "store")
    part = document
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = value
    (folder / "store" / "manifest.json").write_text(json.dumps(document))  # a forger would write his own seal
    (folder / "outside").mkdir()
    with pytest.raises(StoreError, match=r"manifest\.json|shape"):
        Store.open(folder / "store").read("case_0")


def forged(store: Path, column: str, values: pa.Array) -> None:
    """A manifest of which one column says something else, with the right checksums."""
    rows = Store.open(store).scans._rows
    columns = [values if field.name == column else rows.column(field.name) for field in SCHEMA]
    schema = pa.schema([field.with_type(each.type) for field, each in zip(SCHEMA, columns, strict=True)])
    rows = pa.RecordBatch.from_arrays(columns, schema=schema)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_batch(rows)
    written = ScansFile.of(len(rows), sink.getvalue())
    (store / scans_name(written)).write_bytes(sink.getvalue())
    document = json.loads((store / "manifest.json").read_text()) | {"scans": written.model_dump()}
    document.pop("seal")
    (store / "manifest.json").write_text(json.dumps(document))


OUTWARD = pa.array(["../../outside"] * 3)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("content", OUTWARD),
        ("content", pa.array([None, "0", "0"], pa.string())),
        ("id", pa.array(["../case", "a", "b"])),
        ("id", pa.array(["/etc/passwd", "a", "b"])),
        ("id", pa.array(["a\0b", "b", "c"])),
        ("id", pa.array(["case_0", "case_0", "case_1"])),
        ("id", pa.array(["case_1", "case_0", "case_2"])),
        ("id", pa.array([b"\xff", b"\xfe", b"a"]).view(pa.string())),
        ("arrays", OUTWARD),
        ("shape", pa.array([[10**9, 10**9, -1]] * 3, pa.list_(pa.int64(), 3))),
        ("table", pa.array(["[" * 100_000] * 3).dictionary_encode()),
        ("table", pa.array(['{"../age": 3}'] * 3).dictionary_encode()),
        ("split", pa.DictionaryArray.from_arrays(pa.array([0, 7, -1], pa.int32()), pa.array(["train"]), safe=False)),
    ],
)
def test_manifest__what_cannot_be_in_its_columns_is_refused(folder: Path, column: str, values: pa.Array) -> None:
    store = folder / "store"
    forged(store, column, values)
    with pytest.raises(StoreError, match=r"scans-.*\.arrow|shape"):
        Store.open(store).read("case_0")


def test_array__code_instead_of_voxels_is_refused_before_it_is_opened(folder: Path, mark: Path) -> None:
    path = Store.open(folder / "store").array_path("case_0")
    recipe = blosc2.lazyexpr("a + 1", {"a": blosc2.asarray(np.zeros((4, 4, 4)), urlpath=str(folder / "a.b2nd"))})
    path.unlink()
    recipe.save(urlpath=str(path))
    with pytest.raises(StoreError, match="no array of voxels"):
        open_array(path, path.stat().st_size)


def test_array__a_huge_one_of_the_right_length_is_refused_before_it_is_allocated(folder: Path) -> None:
    """Ten gigabytes of nothing compress to a few hundred bytes."""
    store = Store.open(folder / "store")
    path = store.array_path("case_0")
    path.unlink()
    blosc2.zeros((1, 2000, 2000, 1300), dtype=np.int16, urlpath=str(path), chunks=(1, 500, 500, 500))
    arrays = store.scans._rows.column("arrays").to_pylist()
    arrays[0]["image"]["bytes"] = path.stat().st_size
    forged(folder / "store", "arrays", pa.array(arrays, SCHEMA.field("arrays").type))
    assert any("is not the manifest's" in line for line in Store.open(folder / "store").verify())
    assert Store.open(folder / "store").read("case_0", (0, 0, 0), 4).shape == (1, 4, 4, 4)


@pytest.mark.parametrize(
    "names",
    [["../outside"], ["/etc/passwd"], ["a/../../b"], ["..\\outside"], ["\x00"], ["=cmd|' /C calc'!A0"], ["x" * 10_000]],
)
def test_table__ids_never_lead_anywhere(whole: Path, tmp_path: Path, names: list[str]) -> None:
    """An id of the table is only compared with those of the scans."""
    table = tmp_path / "people.tsv"
    table.write_text("id\tperson\tsplit\n" + "".join(f"{name}\t{name}\ttrain\n" for name in names))
    try:
        rows = read_table(table)
    except OrienteerError as error:
        assert "people.tsv" in str(error)
    else:
        assert set(rows) <= {*names, *(name.strip() for name in names)} or rows
    assert not (tmp_path.parent / "outside").exists()


NAMES = [
    "a..b",
    "a\\..\\..\\outside",
    "new\nline",
    "$(touch executed)",
    "`id`",
    "<script>alert(1)<|script>",
    "-rf",
    "%s%n",
]


@pytest.mark.parametrize("name", NAMES)
def test_scan__its_file_name_stays_a_name(tmp_path: Path, name: str) -> None:
    from orienteer.ingest import IngestOptions, ingest
    from tests.scans.files import nifti
    from tests.store.phantoms import AFFINE, body

    path = nifti(tmp_path / "in" / "plain.nii", body(), AFFINE)
    path.rename(path.with_name(f"{name}.nii"))
    result = ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert len(result.added) == 1 and result.added == Store.open(tmp_path / "store").ids()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "store"]


def test_rows__a_file_that_is_no_parquet_is_refused(tmp_path: Path, trap: bytes, mark: Path) -> None:
    (tmp_path / "cases.parquet").write_bytes(trap)
    with pytest.raises(RunError, match=r"cases\.parquet"):
        read_rows(tmp_path / "cases.parquet")
    assert not mark.exists()


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.nrrd", "scan.mha", "scan.dcm"])
def test_scan__a_pickle_named_as_a_scan_is_refused_and_not_executed(
    tmp_path: Path, mark: Path, trap: bytes, name: str
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(trap)
    (source,) = survey(tmp_path / "in").sources
    assert not inspect(source).usable
    assert not mark.exists()


def test_deep__json_and_yaml_nested_without_end_are_errors_not_crashes(folder: Path, tmp_path: Path) -> None:
    deep = "[" * 100_000
    (folder / "store" / "manifest.json").write_text(deep)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(folder / "store")
    assert again(folder).notes
    (tmp_path / "deep.yaml").write_text("a: " + deep[: sys.getrecursionlimit() * 2])
    with pytest.raises(ConfigError):
        load_yaml(tmp_path / "deep.yaml")
