"""``orienteer check`` as a user calls it."""

import json
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from orienteer.store import Store
from tests.cli.conftest import Command
from tests.forked import python
from tests.scans.bad import BAD
from tests.scans.files import nifti, voxels
from tests.store.phantoms import body


def _orienteer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return python(Path(), "-m", "orienteer", *arguments)


def test_check__prints_a_table_writes_json_and_exits_0(tmp_path: Path) -> None:
    nifti(tmp_path / "scans" / "good.nii.gz")
    BAD["text named nii.gz"].write(tmp_path / "scans")
    done = _orienteer(
        "check", tmp_path / "scans", "--json", tmp_path / "check.json", "--spacing", "2", "--workers", "1"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "timing a training step ...\n"
    assert "1 of 2 scans can be used" in done.stdout and "Estimate of an ingest at 2 mm" in done.stdout
    record = json.loads((tmp_path / "check.json").read_text())
    assert record["totals"]["usable"] == 1
    training = record["training"]
    assert training["seconds"] > 0 and f"makes {training['steps']:,} steps in about" in done.stdout
    assert all(reason in done.stdout for reason in training["reasons"]) and len(training["reasons"]) >= 3


def test_check__ends_the_readers_before_it_times_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch comes into memory when they are gone."""
    done: list[str] = []
    monkeypatch.setattr("orienteer.scans.formats.isolated.end_readers", lambda: done.append("ended"))
    monkeypatch.setattr("orienteer.runs.proposal.expected", lambda *given: done.append("timed"))
    import_module("orienteer.cli.check")._rehearse([], 1.0, None)
    assert done == ["ended", "timed"]


def test_check__exits_1_when_no_scan_can_be_used(tmp_path: Path, orienteer: Command) -> None:
    nifti(tmp_path / "field.nii.gz", voxels((8, 8, 8, 1, 3)))
    code, told, error = orienteer("check", tmp_path)
    assert code == 1
    assert "colour" in told and "Traceback" not in error


def test_check__an_empty_folder_is_two_lines_not_a_traceback(tmp_path: Path) -> None:
    done = _orienteer("check", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"orienteer: no scan in {tmp_path}"
    assert done.stderr.splitlines()[1].startswith("  fix: ")


@pytest.mark.usefixtures("untimed")
def test_check__all_bad_files_at_once_leave_the_good_one(tmp_path: Path, orienteer: Command) -> None:
    for name, bad in BAD.items():
        folder = tmp_path / name.replace(" ", "_").replace(",", "")
        folder.mkdir()
        bad.write(folder)
    nifti(tmp_path / "good.nii.gz", voxels(seed=99))
    code, _, error = orienteer("check", tmp_path, "--json", tmp_path / "check.json")
    assert code == 0, error
    record = json.loads((tmp_path / "check.json").read_text())
    assert "good" in [scan["id"] for scan in record["scans"] if scan["usable"]]
    assert {bad.code for bad in BAD.values()} <= set(record["findings"])


def test_check__help_has_examples(orienteer: Command) -> None:
    code, told, _ = orienteer("check", "--help")
    assert code == 0
    assert "orienteer check hospital/ct --spacing 1.5" in told


def test_check__a_folder_for_the_json_is_refused_before_a_scan_is_read(tmp_path: Path, orienteer: Command) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", voxels())
    for words in (("check", tmp_path / "in"), ("evaluate", tmp_path / "run", tmp_path / "store")):
        code, told, error = orienteer(*words, "--json", tmp_path)
        assert code == 2 and "is a directory" in error and "usable" not in told


@pytest.mark.usefixtures("untimed")
def test_check__writes_a_table_of_people_that_ingest_reads(tmp_path: Path, orienteer: Command) -> None:
    scans, table, store = tmp_path / "scans", tmp_path / "people.tsv", tmp_path / "store"
    for number in range(3):
        for seed, word in enumerate(("flair", "t1", "t2")):
            nifti(scans / f"B_{number}" / f"B_{number}_{word}.nii.gz", body(seed=10 * number + seed))
    nifti(scans / "else.nii.gz", body(seed=99))
    _, told, _ = orienteer("check", scans, "--workers", "1")
    assert "question: are these scans of one subject? B_0__B_0_flair, B_0__B_0_t1, B_0__B_0_t2" in told
    assert "and 2 more groups like this, of 6 scans" in " ".join(told.split())
    assert f"orienteer check {scans} --people people.tsv" in told
    _, told, _ = orienteer("check", scans, "--workers", "1", "--people", table, "--json", tmp_path / "c.json")
    assert f"orienteer ingest {scans} STORE --table {table}" in told
    (question, *_) = json.loads((tmp_path / "c.json").read_text())["questions"]
    assert question["person"] == "B_0" and question["reasons"] == ["name"] and len(question["scans"]) == 3
    code, told, error = orienteer("ingest", scans, store, "--table", table, "--workers", "1", "--keep-names")
    assert code == 0 and "question" not in told, error
    people = {entry.id: entry.person for entry in Store.open(store).manifest.scans}
    assert people["else"] == "else" and {people[name] for name in people if "B_1" in name} == {"B_1"}
    code, _, error = orienteer("check", scans, "--people", table)
    assert code == 2 and "is there already" in error


@pytest.mark.usefixtures("untimed")
def test_check__offers_a_table_that_lies_beside_the_scans(tmp_path: Path, orienteer: Command) -> None:
    for number in range(2):
        nifti(tmp_path / "scans" / f"{number}.nii.gz", body(seed=number))
    table = tmp_path / "subjects.tsv"
    table.write_text("id\tsubject\n0\tP\n1\tP\n")
    _, told, _ = orienteer("check", tmp_path / "scans", "--workers", "1")
    assert f"orienteer ingest {tmp_path / 'scans'} STORE --table {table}" in told and "question" not in told
    _, told, _ = orienteer("ingest", tmp_path / "scans", tmp_path / "store", "--workers", "1")
    assert f"{table} is about these scans; --table {table} uses it" in told
