"""docs/how-to/add-a-format.md, followed to the letter as a package of its own, installed beside Orienteer."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from orienteer.store import Store
from tests.conftest import REPOSITORY
from tests.forked import python, suite
from tests.scans.files import nifti, voxels

PAGE = REPOSITORY / "docs" / "how-to" / "add-a-format.md"
AFFINE = np.diag([1.5, 2.0, 2.5, 1.0])


def blocks() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Files by name, and entry points by group, as the page gives them."""
    text = PAGE.read_text(encoding="utf-8")
    files = dict(re.findall(r"^File `([^`]*\.py)`[^\n]*:\n\n```python\n(.*?)```", text, flags=re.DOTALL | re.MULTILINE))
    (project,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    return files, tomllib.loads(project)["project"]["entry-points"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages in which the page has been followed."""
    folder = tmp_path / "site"
    files, groups = blocks()
    told = folder / "orienteer_mgh-1.0.dist-info"
    told.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: orienteer-mgh\nVersion: 1.0\n")
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups.items()]
    (told / "entry_points.txt").write_text("\n".join(lines))
    return folder


def command(site: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return python(site, "-m", "orienteer", *words)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two scans of the page's format, and one of ours."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number, name in enumerate(("anna.mgh", "bob.mgz")):
        nibabel.save(nibabel.MGHImage(voxels((30, 28, 26), number), AFFINE), folder / name)
    nifti(folder / "carla.nii.gz", voxels((30, 28, 26), 5))
    return folder


def test_how_to__is_one_file_one_line_and_one_test_class() -> None:
    files, groups = blocks()
    assert set(files) == {"orienteer_mgh.py", "test_orienteer_mgh.py"}
    assert groups == {"orienteer.formats": {"MGH": "orienteer_mgh:MghFormat"}}


@pytest.mark.slow
def test_how_to__the_test_class_passes_and_finds_a_careless_reader(site: Path) -> None:
    passed = suite(site, "test_orienteer_mgh.py", path=site)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert int(re.search(r"(\d+) passed", passed.stdout)[1]) >= 12  # type: ignore[index]
    module = site / "orienteer_mgh.py"
    honest = module.read_text()
    for spoilt, caught in (
        (honest.replace("len(found) < count", "len(found) < 0"), "a_cut_file_is_refused"),
        (honest.replace("affine=header.get_affine()", "affine=np.eye(4)"), "their_place_come_back"),
    ):
        assert spoilt != honest
        module.write_text(spoilt)
        broken = suite(site, "test_orienteer_mgh.py", path=site)
        assert broken.returncode == 1 and caught in broken.stdout, broken.stdout


def test_how_to__check_and_ingest_read_the_new_format_with_nothing_else_touched(
    site: Path, scans: Path, tmp_path: Path
) -> None:
    checked = command(site, "check", scans, "--json", tmp_path / "check.json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    record = json.loads((tmp_path / "check.json").read_text())
    assert record["formats"] == {"MGH": 2, "NIfTI": 1} and record["skipped"] == []
    assert [(scan["id"], scan["usable"]) for scan in record["scans"]] == [
        ("anna", True),
        ("bob", True),
        ("carla", True),
    ]
    # Workers are processes of their own, and must know the format too.
    done = command(site, "ingest", scans, tmp_path / "store", "--spacing", "2", "--workers", "2", "--keep-names")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Store.open(tmp_path / "store").ids() == ("anna", "bob", "carla")


def test_how_to__without_the_package_the_files_are_listed_as_no_scans(scans: Path, tmp_path: Path) -> None:
    done = command(tmp_path, "check", scans, "--json", tmp_path / "check.json")
    assert done.returncode == 0
    record = json.loads((tmp_path / "check.json").read_text())
    assert {(skip["relative"], skip["code"]) for skip in record["skipped"]} == {
        ("anna.mgh", "skipped-format"), ("bob.mgz", "skipped-format"),
    }  # fmt: skip


@pytest.mark.slow
def test_how_to__the_example_obeys_the_linter(site: Path) -> None:
    lint = python(
        site, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,W,B,UP", "orienteer_mgh.py"
    )  # fmt: skip
    assert lint.returncode == 0, lint.stdout
