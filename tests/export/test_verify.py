"""``verify``: a folder that is not what was exported is refused with a cure; a user's preparation is judged."""

import hashlib
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import OrienteerError
from orienteer.export.verify import verify
from orienteer.seal import sealed

RIGHT = """
from orienteer.runs.transforms import PrepareScan

def preprocess(path):
    return PrepareScan(spacing=3.0)(path)
"""
WRONG = """
import nibabel

def preprocess(path):
    image = nibabel.as_closest_canonical(nibabel.load(path))
    array = image.get_fdata(dtype="float32")
    return (array - array.mean())[None] / array.std()
"""


WEIGHTS = {"torch": "encoder.safetensors", "huggingface": "model.safetensors", "onnx": "encoder.onnx"}


@pytest.fixture
def copy(encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(encoder, tmp_path / "copy"))


def _signed(folder: Path, name: str) -> None:
    """The contract takes the file for what was exported."""
    contract = json.loads((folder / "contract.json").read_text())
    contract["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "contract.json").write_text(json.dumps(sealed(contract)))


def _weights_in(folder: Path) -> Path:
    """The file with the weights, of whichever door."""
    return next(folder / name for name in WEIGHTS.values() if (folder / name).is_file())


def _mis_shaped(folder: Path) -> None:
    file = _weights_in(folder)
    weights = load_file(file)
    name = next(iter(weights))
    save_file({**weights, name: weights[name][:1].clone()}, file)
    _signed(folder, file.name)


def _renamed_weight(folder: Path) -> None:
    file = _weights_in(folder)
    weights = load_file(file)
    name = next(iter(weights))
    save_file({f"module.{each}" if each == name else each: value for each, value in weights.items()}, file)
    _signed(folder, file.name)


def _pickled(folder: Path) -> None:
    file = _weights_in(folder)
    file.write_bytes(pickle.dumps({"weights": [1.0]}))
    _signed(folder, file.name)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (lambda f: _weights_in(f).write_bytes(_weights_in(f).read_bytes()[:-9]), "truncated"),
    "weights renamed": (lambda f: _weights_in(f).rename(f / "mine"), "is missing"),
    "changed": (lambda f: (f / "load.py").write_text("import os"), "load.py is not what was exported"),
    "renamed": (lambda f: (f / "phantom.nii.gz").rename(f / "scan.nii.gz"), "phantom.nii.gz is missing"),
    "mis-shaped": (_mis_shaped, "shape"),
    "renamed weight": (_renamed_weight, "missing"),
    "pickled": (_pickled, "cannot be read"),
    "no contract": (lambda f: (f / "contract.json").unlink(), "exported encoder"),
    "half a contract": (lambda f: (f / "contract.json").write_text("{"), "damaged"),
    "out of the folder": (lambda f: _names(f, "../elsewhere"), "missing"),
    "newer": (lambda f: _newer(f), "newer"),
    "edited": (lambda f: _edited(f, signed=False, licence="CC0, really"), "checksum differs"),
    "without a seal": (lambda f: _unsealed(f), "has lost its seal"),
    "of other files": (lambda f: _edited(f, files={}), "does not list its files"),
    "another rule": (lambda f: _edited(f, intensities={"low": 0.0}), "intensities.low is 0.0, here it is"),
    "naming code": (lambda f: _edited(f, network={"name": "hubconf:net"}), "names code, hubconf:net"),
}


def _names(folder: Path, name: str) -> None:
    contract = json.loads((folder / "contract.json").read_text())
    contract["files"][name] = ""
    (folder / "contract.json").write_text(json.dumps(sealed(contract)))


def _edited(folder: Path, *, signed: bool = True, **changed: object) -> None:
    contract = json.loads((folder / "contract.json").read_text()) | changed
    (folder / "contract.json").write_text(json.dumps(sealed(contract) if signed else contract))


def _unsealed(folder: Path) -> None:
    contract = json.loads((folder / "contract.json").read_text())
    contract["grid"]["spacing_mm"] = 1.0
    (folder / "contract.json").write_text(json.dumps({key: contract[key] for key in contract if key != "seal"}))


def _newer(folder: Path) -> None:
    contract = json.loads((folder / "contract.json").read_text())
    (folder / "contract.json").write_text(json.dumps(sealed(contract | {"version": 99})))


@pytest.mark.parametrize("damage", DAMAGE)
def test_verify__refuses_what_was_not_exported(damage: str, copy: Path) -> None:
    change, words = DAMAGE[damage]
    change(copy)
    with pytest.raises(OrienteerError) as caught:
        verify(copy)
    assert words in caught.value.message and caught.value.cure


@pytest.mark.parametrize(
    ("damage", "to"),
    [(damage, to) for damage in ("truncated", "weights renamed", "pickled") for to in ("huggingface", "onnx")]
    + [("mis-shaped", "huggingface"), ("renamed weight", "huggingface")],
)
def test_verify__refuses_it_through_every_door(
    damage: str, to: str, folder_to: Callable[[str], Path], tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(folder_to(to), tmp_path / "copy"))
    test_verify__refuses_what_was_not_exported(damage, copied)


@pytest.mark.parametrize("to", WEIGHTS)
def test_verify__a_moved_folder_is_right(to: str, folder_to: Callable[[str], Path], tmp_path: Path) -> None:
    found = verify(Path(shutil.copytree(folder_to(to), tmp_path / "copy")))
    assert found.right and found.faults is None and found.difference <= found.tolerance


@pytest.mark.parametrize(("code", "steps"), [(RIGHT, []), (WRONG, ["spacing", "intensities"])])
def test_verify__judges_a_preparation(code: str, steps: list[str], encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(code)
    found = verify(encoder, preprocess=tmp_path / "mine.py")
    assert found.faults is not None and [fault.step for fault in found.faults] == steps
    assert found.right == (steps == [])


FAILING = [
    "def preprocess(path):\n    raise ValueError('no')",
    "import sys\nsys.exit(0)",
    "def preprocess(path):\n    return [[1, 2], [3]]",
    "def preprocess(path):\n    return 1j * __import__('numpy').ones((1, 4, 4, 4))",
    "x = 1",
    "def",
    None,
]


@pytest.mark.parametrize("code", FAILING)
def test_verify__a_preparation_that_fails_is_named(code: str | None, encoder: Path, tmp_path: Path) -> None:
    if code is not None:
        (tmp_path / "mine.py").write_text(code)
    with pytest.raises(OrienteerError, match=r"mine\.py") as caught:
        verify(encoder, preprocess=tmp_path / "mine.py")
    assert "preprocess(path)" in caught.value.cure
    assert ("mine.py, line 2: ValueError: no" in caught.value.message) == (code == FAILING[0])


def test_verify__a_preparation_may_write_and_import_what_lies_beside_it(encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text(RIGHT)
    (tmp_path / "mine.py").write_text(
        "from beside import preprocess as right\n\n"
        "def preprocess(path):\n    made = right(path)\n    path.write_bytes(b'')\n    return made\n"
    )
    assert verify(encoder, preprocess=tmp_path / "mine.py").right and verify(encoder).right


def test_verify__a_preparation_mended_within_a_second_is_read_anew(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    mine, first = tmp_path / "mine.py", RIGHT + "#" * max(0, len(WRONG) - len(RIGHT))
    for code, right in ((first, True), (WRONG.ljust(len(first), "#"), False)):
        mine.write_text(code)
        os.utime(mine, (1e9, 1e9))
        assert verify(encoder, preprocess=mine).right == right


def test_verify__on_the_command_line(run: Path, tmp_path: Path) -> None:
    out, mine = tmp_path / "encoder", tmp_path / "mine.py"
    mine.write_text(WRONG)
    made = CliRunner().invoke(app, ["export", str(run), str(out), "--licence", "CC0", "--anyway"])
    assert made.exit_code == 0, made.output
    whole = CliRunner().invoke(app, ["verify", str(out)])
    assert whole.exit_code == 0 and "files: as exported" in whole.output
    wrong = CliRunner().invoke(app, ["verify", str(out), "--with", str(mine)])
    assert wrong.exit_code == 1 and "z-score" in wrong.output and "the contract says 3 mm" in wrong.output
