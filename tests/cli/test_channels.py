"""Two sequences of each person, from nnU-Net's folders to a report and predictions, by the commands alone."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
from click.testing import Result
from safetensors.numpy import load_file
from typer.testing import CliRunner

from orienteer.cli import app, commands, main  # noqa: F401
from orienteer.store import Store
from orienteer.testing.datasets import write_nnunet
from tests.finetune.cohort import QUICK

SHORT = (
    "optimiser={steps: 4, batch: 2}", "checkpoint={every: 2}", "network={size: tiny}", "views={size: 16}",
    "evaluation={per_scan: 2, final_per_scan: 2}", "devices={accelerator: cpu, threads: 1, workers: 0}",
    "tasks={gap: {}, adjacency: {}, route: {}, position: {}, masked: {}}",
)  # fmt: skip
SHAPE = (24, 28, 26)


def run(*words: object, status: int = 0) -> str:
    result: Result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


def sets(*values: str) -> list[str]:
    return [word for value in values for word in ("--set", value)]


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two channels and a run that learned from it."""
    folder = tmp_path_factory.mktemp("ward")
    dataset = write_nnunet(folder / "Dataset001_Phantoms", people=6, shape=SHAPE)
    (folder / "people.tsv").write_text(
        "id\tperson\tsplit\n" + "".join(f"person_00{n}\tp{n}\t{'val' if n in (4, 5) else 'train'}\n" for n in range(6)),
        encoding="utf-8",
    )
    said = run("ingest", dataset, folder / "store", "--table", folder / "people.tsv", "--workers", 1, "--keep-names")
    assert "layout: nnU-Net raw (2 channels: T1, FLAIR), 8 scans, 8 with labels, 2 kept for testing" in said
    said = run("pretrain", folder / "store", folder / "run", *sets(*SHORT))
    assert "gap error" in said
    return folder


def test_channels__check_shows_the_layout(ward: Path, tmp_path: Path) -> None:
    said = run("check", ward / "Dataset001_Phantoms", "--json", tmp_path / "check.json")
    assert "nnU-Net raw (2 channels: T1, FLAIR), 8 scans" in said
    assert "2 of 24x28x26" in said
    record = json.loads((tmp_path / "check.json").read_text())
    assert record["layouts"][0]["channels"] == ["T1", "FLAIR"]
    assert record["scans"][0]["channel_names"] == ["T1", "FLAIR"] and record["scans"][0]["channels"] == 2


def test_channels__the_store_says_them_and_holds_out_the_test_people(ward: Path) -> None:
    store = Store.open(ward / "store")
    assert store.manifest.kind == (2, ("T1", "FLAIR"))
    assert {e.split for e in store.manifest.scans if "imagesTs" in e.id} == {"test"}
    entry = store.manifest.scans[0]
    assert entry.labelled and len(entry.intensity) == 2
    assert store.read(entry.id).shape[0] == 2
    assert "8 unchanged" in run("ingest", ward / "Dataset001_Phantoms", ward / "store", "--keep-names")


def test_channels__evaluation_and_report(ward: Path) -> None:
    run("evaluate", ward / "run", ward / "store", "--split", "test", "--name", "test")
    figures = json.loads((ward / "run" / "summary.json").read_text())
    assert np.isfinite(figures["gap_error_mm"])
    assert json.loads((ward / "run" / "run.json").read_text())["data"]["channel_names"] == ["T1", "FLAIR"]
    run("report", ward / "run")
    page = (ward / "run" / "report.html").read_text()
    assert "2 (T1, FLAIR)" in page and "views and chunks in the scan (the first of 2 channels: T1)" in page
    # The planes that the page draws are those of the first channel.
    store = Store.open(ward / "store")
    examples = ward / "run" / "evaluations" / "test" / "examples"
    about = json.loads((examples / "sample_000.json").read_text())
    plane = load_file(examples / "sample_000.safetensors")["plane_0"]
    first, second = store.normalise(about["scan"], store.read(about["scan"]))
    at = round(about["planes"][0]["at_mm"] / about["spacing_mm"])
    assert np.abs(plane / 127.5 - 1 - np.clip(first[at], -1, 1)).max() < 0.01
    assert np.abs(plane / 127.5 - 1 - np.clip(second[at], -1, 1)).max() > 0.2


def test_channels__fine_tuned_networks_need_the_same_channels(ward: Path, tmp_path: Path) -> None:
    said = run(
        "finetune", "segment", ward / "store", ward / "out", "--from", ward / "run",
        *sets(*QUICK, "structures={big: [1]}"),
    )  # fmt: skip
    assert "scored on 2 test scans" in said
    images = ward / "Dataset001_Phantoms" / "imagesTs"
    new = tmp_path / "new"
    new.mkdir()
    for n in (0, 1):
        shutil.copy(images / f"person_006_000{n}.nii.gz", new / f"anna_000{n}.nii.gz")
    run("predict", ward / "out", new, tmp_path / "answers")
    answer = nibabel.load(tmp_path / "answers" / "anna.nii.gz")
    assert answer.shape == SHAPE
    # The same person as one 4D file must give the same answer.
    both = [nibabel.load(new / f"anna_000{n}.nii.gz") for n in (0, 1)]
    stacked = np.stack([np.asarray(image.dataobj) for image in both], axis=-1)
    (tmp_path / "four").mkdir()
    nibabel.save(nibabel.Nifti1Image(stacked, both[0].affine), tmp_path / "four" / "anna.nii")
    run("predict", ward / "out", tmp_path / "four", tmp_path / "again")
    again = nibabel.load(tmp_path / "again" / "anna.nii.gz")
    assert np.array_equal(np.asarray(answer.dataobj), np.asarray(again.dataobj))
    (new / "anna_0001.nii.gz").unlink()
    said = run("predict", ward / "out", new, tmp_path / "none", status=1)
    assert "1 channel, the network reads 2 channels (T1, FLAIR) [channels-mixed]" in said
    assert "--channels T1,FLAIR" in said


def test_channels__probe_reads_two_channels(ward: Path) -> None:
    run(
        "probe",
        ward / "run",
        ward / "store",
        *sets(*QUICK, "structures={big: [1]}", "labelled_scans=2"),
        "--name",
        "here",
    )
    means = json.loads((ward / "run" / "probes" / "here" / "probe.json").read_text())["means"]
    assert means and all(np.isfinite(value) for value in means.values() if value is not None)


def test_channels__another_order_is_refused_everywhere(ward: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    run(
        "ingest", ward / "Dataset001_Phantoms", tmp_path / "turned", "--channels", "FLAIR,T1", "--spacing", 3,
        "--workers", 1, "--keep-names",
    )  # fmt: skip
    store = Store.open(tmp_path / "turned")
    assert store.manifest.kind == (2, ("FLAIR", "T1"))
    for words in (
        ["evaluate", ward / "run", tmp_path / "turned", "--split", "val", "--name", "turned"],
        ["finetune", "segment", tmp_path / "turned", tmp_path / "out", "--from", ward / "run",
         *sets(*QUICK, "structures={big: [1]}")],
        ["probe", ward / "run", tmp_path / "turned", "--name", "turned"],
    ):  # fmt: skip
        monkeypatch.setattr("sys.argv", ["orienteer", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "reads 2 channels (T1, FLAIR), the store holds 2 channels (FLAIR, T1)" in said
