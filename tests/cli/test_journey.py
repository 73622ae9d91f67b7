"""From a folder of real scans to a report, by the commands of the README."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.errors import OrienteerError

assert commands

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SHORT = (
    "optimiser.steps=6", "checkpoint.every=3", "network={size: tiny, options: {features: [4, 8, 16]}}",
    "evaluation={per_scan: 2, final_per_scan: 4}",
    "devices={accelerator: cpu, threads: 1, workers: 1}",
)  # fmt: skip


def orienteer(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: object) -> str:
    with pytest.raises(OrienteerError) as error:
        orienteer(*words)
    return error.value.cure


def some_of(oasis: Path, folder: Path) -> Path:
    """Eight of the brains, with labels and table: all of them are read by other tests."""
    with (oasis / "subjects.tsv").open() as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    for split, count in {"train": 4, "val": 2, "test": 2}.items():
        for row in [row for row in rows if row["split"] == split][:count]:
            for kind in ("images", "labels"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                shutil.copy(oasis / kind / f"{row['id']}.nii.gz", folder / kind)
    shutil.copy(oasis / "subjects.tsv", folder)
    return folder


@pytest.mark.slow
def test_journey__from_scans_to_report_on_real_brains(real_data: Path, tmp_path: Path) -> None:
    oasis, store, run = some_of(real_data / "oasis", tmp_path / "oasis"), tmp_path / "store", tmp_path / "run"
    told = orienteer("check", oasis / "images", "--json", tmp_path / "check.json")
    assert "LAS" in told
    assert json.loads((tmp_path / "check.json").read_text())["totals"]["usable"] == 8
    told = orienteer(
        "ingest",
        oasis / "images",
        store,
        "--spacing",
        3,
        "--table",
        oasis / "subjects.tsv",
        "--labels",
        oasis / "labels",
    )
    assert "8 scans" in told
    sets = [part for value in SHORT for part in ("--set", value)]
    told = orienteer("pretrain", store, run, "--config", CONFIGS / "pretrain" / "oasis-cpu.yaml", *sets)
    assert "gap error" in told
    assert "waiting for data" in told
    told = orienteer("evaluate", run, store, "--split", "test", "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert 60 < figures["gap_error_mm_chance"] < 80
    assert figures["verdict"].upper() in told
    orienteer("report", run)
    page = (run / "report.html").read_text()
    assert "http://" not in page.split("<script")[0]
    assert f"{figures['gap_error_mm']:.1f}" in page
    # Nothing a script or a person made is ever overwritten.
    assert "--overwrite" in refused("evaluate", run, store)
    assert "--resume" in refused("pretrain", store, run)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("pretrain/**/*.yaml")), ids=lambda path: path.stem)
def test_configs__every_shipped_pretraining_is_valid(config: Path) -> None:
    from orienteer.pretext.registry import chosen_tasks
    from orienteer.runs.settings import PretrainSettings

    settings = PretrainSettings.build(yaml.safe_load(config.read_text()))
    for task in chosen_tasks(settings.active_tasks).values():
        task.kind.settings_type.build(task.values)


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("finetune/*.yaml")), ids=lambda path: path.stem)
def test_configs__every_shipped_fine_tuning_is_valid(config: Path) -> None:
    from orienteer.finetune.settings import FinetuneSettings

    assert FinetuneSettings.build(yaml.safe_load(config.read_text())).structures
