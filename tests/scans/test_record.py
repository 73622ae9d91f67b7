"""``check --json`` is for scripts: its keys and their types stand still, and only its owner reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from orienteer.errors import OrienteerError
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.check import check
from orienteer.scans.record import as_record
from orienteer.scans.schema import CheckRecord
from tests.conftest import REPOSITORY
from tests.scans.bad import BAD
from tests.scans.dicom_files import series
from tests.scans.files import nifti, voxels

FINDING = {"code": "str", "level": "str", "message": "str", "cure": "str"}
GOLDEN = {
    "schema_version": "int",
    "totals": {"scans": "int", "usable": "int", "skipped": "int", "labelled": "int"},
    "estimate": {
        "spacing": "float", "scans": "int", "voxels": "int", "seconds": "float", "disk_bytes": "int",
        "memory_bytes": "int", "workers": "int",
    },
    "training": "NoneType",
    "axes": {"*": "int"},
    "layouts": [{
        "name": "str", "folder": "str", "scans": "int", "channels": [], "people": "int", "labelled": "int",
        "held_out": "int", "notes": [], "line": "str",
    }],
    "formats": {"*": "int"},
    "findings": {"*": "int"},
    "scans": [{
        "id": "str", "path": "str", "format": "str", "files": "int", "usable": "bool", "shape": ["int"],
        "channels": "int", "channel_names": [], "spacing_mm": ["float"], "extent_mm": ["float"], "axes": "str",
        "affine": [["float"]], "dtype": "str", "range": ["float"], "modality_guess": "str",
        "modality_said": "bool", "content": "str", "labels": "NoneType", "read_seconds": "float", "findings": [FINDING],
    }],
    "skipped": [{"relative": "str", "code": "str", "level": "str", "reason": "str", "cure": "str"}],
    "notes": ["str"],
    "questions": [{"scans": ["str"], "person": "str", "reasons": ["str"]}],
    "seconds": "float",
}  # fmt: skip
"""Names and types of version 1. A key may be added here; one that changes or goes raises ``schema_version``."""

COUNTED = ("axes", "formats", "findings")


def shape_of(value: Any) -> Any:
    """A document's names and types; of a list, what its items have in common."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        items = [shape_of(inner) for inner in value]
        return [merged(items)] if items else []
    return type(value).__name__


def merged(shapes: list[Any]) -> Any:
    """The fullest of several shapes of one thing: null and empty say less than a value."""
    if all(isinstance(shape, dict) for shape in shapes):
        return {key: merged([shape[key] for shape in shapes]) for key in shapes[0]}
    return max(shapes, key=lambda shape: (shape != "NoneType", shape != [], str(shape) != "[[]]"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad scans of several formats, and files that are none."""
    folder = tmp_path_factory.mktemp("mixed")
    nifti(folder / "good.nii.gz", voxels(seed=77))
    for seed, name in enumerate(("anna-T1w", "anna-FLAIR")):
        nifti(folder / f"{name}.nii.gz", voxels(seed=seed))
    series(folder / "dicom")
    for index, bad in enumerate(BAD.values()):
        (folder / f"bad_{index:02}").mkdir()
        bad.write(folder / f"bad_{index:02}")
    (folder / "people.docx").write_bytes(b"PK")
    return folder


def test_record__has_the_golden_structure(mixed: Path, tmp_path: Path) -> None:
    check(mixed, json_path=tmp_path / "check.json", progress=False, workers=1)
    document = json.loads((tmp_path / "check.json").read_text())
    shape = shape_of(document)
    for name in COUNTED:
        assert document[name] and {type(count) for count in document[name].values()} == {int}
        shape[name] = {"*": "int"}
    assert shape == GOLDEN
    # Keys and their order are the same for every scan, whatever could not be read.
    assert {tuple(scan) for scan in document["scans"]} == {tuple(GOLDEN["scans"][0])}
    assert set(document["findings"]) <= set(CATALOGUE)


def test_record__a_folder_without_usable_scans_fits_the_schema_too(tmp_path: Path) -> None:
    (tmp_path / "text.nii").write_text("no scan " * 200)
    record = as_record(check(tmp_path, progress=False, workers=1)).model_dump(mode="json")
    assert record["estimate"] is None and record["scans"][0]["spacing_mm"] is None
    assert CheckRecord.build(record).totals.usable == 0


def test_record__written_scan_by_scan_it_is_the_same(mixed: Path, tmp_path: Path) -> None:
    result = check(mixed, json_path=tmp_path / "check.json", progress=False, workers=1)
    whole = as_record(result)
    assert len(whole.scans) > 1
    assert (tmp_path / "check.json").read_text() == json.dumps(whole.model_dump(mode="json"), indent=2) + "\n"


def test_record__is_the_owners_because_it_names_files(mixed: Path, tmp_path: Path) -> None:
    check(mixed / "dicom", json_path=tmp_path / "check.json", progress=False, workers=1)
    assert (tmp_path / "check.json").stat().st_mode & 0o777 == 0o600


def test_schema__the_published_one_is_fresh_and_lets_keys_be_added() -> None:
    from orienteer.scans.schema import check_schema

    text = (REPOSITORY / "docs" / "reference" / "check.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == check_schema(), "stale: run  make docs"
    assert '"additionalProperties": false' not in text
    assert check_schema()["properties"]["schema_version"]["const"] == 1
    for name, golden in (("RecordedScan", GOLDEN["scans"][0]), ("RecordedSkip", GOLDEN["skipped"][0])):
        definition = check_schema()["$defs"][name]
        assert list(definition["properties"]) == list(golden) == definition["required"]
        assert all(field.get("description") for field in definition["properties"].values())


def test_check__replaces_nothing_but_an_earlier_list(tmp_path: Path) -> None:
    scan, listed = nifti(tmp_path / "scans" / "a.nii.gz"), tmp_path / "check.json"
    before = scan.read_bytes()
    with pytest.raises(OrienteerError, match="is there already"):
        check(scan.parent, json_path=scan, progress=False)
    assert scan.read_bytes() == before
    for _ in range(2):
        check(scan.parent, json_path=listed, progress=False)
    listed.write_text('{"mine": 1}')
    with pytest.raises(OrienteerError, match="is there already"):
        check(scan.parent, json_path=listed, progress=False)
