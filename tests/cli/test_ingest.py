"""``orienteer ingest`` as a newcomer meets it."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

from orienteer.cli import app, commands, main  # noqa: F401
from orienteer.store import Store
from tests.scans.files import cut, nifti, voxels
from tests.store.phantoms import cohort


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["ingest", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_ingest__help_shows_examples_and_every_option() -> None:
    text = run("--help")
    assert "orienteer ingest hospital/ct store" in text
    for option in (
        "--spacing",
        "--labels",
        "--table",
        "--workers",
        "--prune",
        "--min-extent",
        "--keep-names",
        "--columns",
        "--retry",
    ):
        assert option in text


def test_ingest__says_what_happened_and_what_is_next(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 4)
    (tmp_path / "in" / "note.nii.gz").write_text("not a scan " * 100)
    text = run(tmp_path / "in", tmp_path / "store", "--workers", 1)
    assert "left out: note: note.nii.gz: text, not NIfTI [not-a-scan]" in text
    assert "4 added, 1 left out" in text
    assert "4 scans at 2 mm" in text
    assert text.rstrip().endswith(f"next: orienteer pretrain {tmp_path / 'store'} RUN")
    assert f"list: {tmp_path / 'store' / 'quarantine.json'} (yours alone to read)" in text
    assert f"only {tmp_path / 'store' / 'private.json'} leads back" in text
    again = run(tmp_path / "in", tmp_path / "store", "--workers", 1)
    assert "left out: note: note.nii.gz: text, not NIfTI [not-a-scan]" in again
    assert "1 scan left out before and the same since, not read again (--retry reads them)" in again
    assert "0 added, 4 unchanged, 1 left out" in again


def test_ingest__a_scan_that_can_no_longer_be_read_is_not_called_unchanged(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 3)
    run(tmp_path / "in", tmp_path / "store", "--workers", 1, "--keep-names")
    first = sorted((tmp_path / "in").rglob("*.nii*"))[0]
    cut(first, 0.5)
    text = run(tmp_path / "in", tmp_path / "store", "--workers", 1, "--keep-names")
    assert "0 added, 2 unchanged, 1 left out" in text
    assert f"note: of those left out, the store still holds what was read earlier: {first.name.split('.')[0]}" in text


def test_ingest__what_was_done_to_a_scan_is_said(tmp_path: Path) -> None:
    image = nibabel.load(nifti(tmp_path / "scans" / "a.nii.gz"))
    image.header.set_xyzt_units("micron")
    image.set_sform(np.diag([1e3, 1e3, 1e3, 1]) @ image.affine, 1)
    image.set_qform(image.get_sform(), 1)
    nibabel.save(image, tmp_path / "scans" / "b.nii.gz")
    nifti(tmp_path / "scans" / "a.nii.gz", voxels(seed=1))
    assert "unit-scaled (1 scan)" in run(tmp_path / "scans", tmp_path / "store")


def test_ingest__prune_and_table(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 3)
    (tmp_path / "t.csv").write_text("id,person,split\ncase_0,P,train\ncase_1,P,train\ncase_2,Q,train\n")
    text = run(tmp_path / "in", tmp_path / "store", "--table", tmp_path / "t.csv", "--spacing", 4)
    assert "train 3 scans of 2 subjects" in text and "nobody is held out" in text
    (tmp_path / "in" / "case_0.nii.gz").unlink()
    assert "no file any more for 1 stored scan: case_0 (kept; --prune takes them out)" in run(
        tmp_path / "in", tmp_path / "store"
    )
    assert "(taken out)" in run(tmp_path / "in", tmp_path / "store", "--prune")
    assert sorted(r.name for r in Store.open(tmp_path / "store").private().values()) == ["case_1", "case_2"]


def test_ingest__an_error_is_two_lines(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["orienteer", "ingest", str(tmp_path / "none"), str(tmp_path / "store")])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err == f"orienteer: there is no {tmp_path / 'none'}\n  fix: check the path\n"


def test_ingest__an_open_question_is_the_next_thing_to_do(tmp_path: Path) -> None:
    for seed, name in enumerate(("anna_t1", "anna_t2", "bert_t1", "bert_t2", "carl_t1", "carl_t2")):
        nifti(tmp_path / "in" / f"{name}.nii.gz", voxels(seed=seed))
    text = run(tmp_path / "in", tmp_path / "store", "--spacing", 4)
    assert "question: " in text
    assert f"next: answer the question above, then orienteer pretrain {tmp_path / 'store'} RUN" in text


def test_ingest__a_store_that_nothing_can_learn_from_says_so(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 2)
    (tmp_path / "t.csv").write_text("id,person,split\ncase_0,P,Testing\ncase_1,Q,external\n")
    text = run(tmp_path / "in", tmp_path / "new store", "--table", tmp_path / "t.csv", "--spacing", 4)
    assert "no scan is in split train" in text and "next: orienteer pretrain" not in text
    (tmp_path / "t.csv").write_text("id,person,split\ncase_0,P,training\ncase_1,Q,val\n")
    again = run(tmp_path / "in", tmp_path / "new store", "--table", tmp_path / "t.csv")
    assert again.rstrip().endswith(f"next: orienteer pretrain '{tmp_path / 'new store'}' RUN")


def test_ingest__leaves_the_threads_of_its_process_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker is this process, where a pretraining may follow."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("BLOSC_NTHREADS", raising=False)
    cohort(tmp_path / "in", 1)
    run(tmp_path / "in", tmp_path / "store", "--workers", 1)
    assert os.environ["OMP_NUM_THREADS"] == "2" and "BLOSC_NTHREADS" not in os.environ
