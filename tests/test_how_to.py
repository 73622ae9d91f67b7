"""Pages that tell how to add something are followed to the letter; what they touch is what they say."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from orienteer.config import load_yaml
from orienteer.records.verdict import VerdictRule
from orienteer.runs.settings import PretrainSettings
from orienteer.scans.labels.find import find_scans
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from tests.forked import python, suite
from tests.pages import Page, copy_of_source
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body


@pytest.mark.slow
def test_how_to__a_command_is_a_file_a_line_and_a_test(tmp_path: Path) -> None:
    page = Page("add-a-command.md")
    copy = copy_of_source(tmp_path)
    for name, text in page.files.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        assert not (copy / name).exists(), f"{name} is there already"
        (copy / name).write_text(text, encoding="utf-8")
    assert set(page.files) == {"src/orienteer/cli/subjects.py", "tests/cli/test_subjects.py"}
    ((registry, (line,)),) = page.lines.items()
    with (copy / registry).open("a", encoding="utf-8") as stream:
        stream.write(line)
    told = python(copy, "-m", "orienteer", "--help", path=copy / "src")
    assert "subjects" in told.stdout, told.stdout + told.stderr
    passed = suite(copy, "tests/cli/test_subjects.py", path=copy / "src")
    assert passed.returncode == 0, passed.stdout + passed.stderr


@pytest.mark.slow
def test_how_to__an_encoder_is_a_file_and_a_setting(tmp_path: Path) -> None:
    page = Page("add-an-encoder.md")
    assert list(page.files) == ["my_nets.py"]
    (tmp_path / "my_nets.py").write_text(page.files["my_nets.py"], encoding="utf-8")
    phantom_store(tmp_path, people=5)
    (command,) = page.commands
    less = "views.size=16 optimiser.steps=2 optimiser.batch=2 evaluation.final_per_scan=2 evaluation.per_scan=1"
    small = [part for each in (*less.split(), "devices.workers=0") for part in ("--set", each)]
    trained = python(tmp_path, "-m", *shlex.split(command), *small, path=tmp_path)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    settings = yaml.safe_load((tmp_path / "run" / "settings.yaml").read_text(encoding="utf-8"))
    assert settings["network"]["name"] == "my_nets:TwoScales" and settings["network"]["options"] == {"width": 12}
    again = python(tmp_path, "-m", "orienteer", "evaluate", "run", "store", "--split", "train", path=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.slow
def test_how_to__a_report_figure_is_a_file_a_line_and_a_test(tmp_path: Path) -> None:
    page = Page("add-a-report-figure.md")
    copy = copy_of_source(tmp_path)
    assert set(page.files) == {"src/orienteer/report/draw/direction.py", "tests/report/draw/test_direction.py"}
    for name, text in page.files.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        assert not (copy / name).exists(), f"{name} is there already"
        (copy / name).write_text(text, encoding="utf-8")
    ((drawer, edits),) = page.edits.items()
    assert len(edits) == 2
    for before, after in edits:
        text = (copy / drawer).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{drawer} no longer holds\n{before}"
        (copy / drawer).write_text(text.replace(before, after), encoding="utf-8")
    passed = suite(copy, "tests/report/draw/test_direction.py", path=copy / "src")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    told = re.search(r"(\d+) passed", passed.stdout)
    assert told is not None and told[1] == "2"


def test_how_to__masks_of_a_structure_each_become_labels_with_names(tmp_path: Path) -> None:
    page = Page("ingest.md")
    data = tmp_path / "Totalsegmentator_dataset"
    for seed in range(2):
        scan = body(seed=seed)
        nifti(data / f"s000{seed}" / "ct.nii.gz", scan, AFFINE)
        for name, inside in {"spleen": scan > 1100, "liver": (scan > 900) & (scan <= 1100)}.items():
            nifti(data / f"s000{seed}" / "segmentations" / f"{name}.nii.gz", inside.astype(np.uint8), AFFINE)
    (note,) = find_scans(data).notes
    assert "docs/how-to/ingest.md, 'A mask for each structure'" in note and "### A mask for each structure" in page.text
    ((script, text),) = page.files.items()
    (tmp_path / script).write_text(text, encoding="utf-8")
    merged = python(tmp_path, script, data.name, "labels")
    assert merged.returncode == 0, merged.stderr
    (command,) = [line for line in page.commands if data.name in line]
    ingested = python(tmp_path, "-m", *shlex.split(command), "--keep-names", "--spacing", "2")
    assert "labels: 2 of 2 scans have labels" in ingested.stdout, ingested.stdout + ingested.stderr
    store = Store.open(tmp_path / "store")
    assert dict(store.scans[0].structures) == {"liver": (1,), "spleen": (2,)}
    assert np.array_equal(store.labels("s0000__ct") == 2, body(seed=0) > 1100)
    nifti(data / "s0001" / "segmentations" / "aorta.nii.gz", np.ones(scan.shape, np.uint8), AFFINE)
    refused = python(tmp_path, script, data.name, "labels")
    assert refused.returncode == 1 and "overlaps another mask" in refused.stderr


def test_how_to__a_threshold_is_one_setting(tmp_path: Path) -> None:
    page = Page("change-the-verdict.md")
    (command,) = page.commands
    settings = PretrainSettings.read({}, [shlex.split(command)[-1]])
    assert settings.evaluation.verdict == VerdictRule(stuck_below=0.5)
    block = page.text.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "mine.yaml").write_text(block, encoding="utf-8")
    rule = PretrainSettings.read(load_yaml(tmp_path / "mine.yaml")).evaluation.verdict
    assert (rule.stuck_below, rule.cheat_share, rule.without_border) == (0.5, 0.3, VerdictRule().without_border)
    said = python(tmp_path, "-c", page.text.split("```python\n")[1].split("```")[0])
    assert "below 50 %" in said.stdout, said.stderr
