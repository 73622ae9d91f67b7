"""Restored views in the report: read, held the right way round, and a page for runs that know nothing of places."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from orienteer.report.cards import cards_of, evaluation_rows, key_figures
from orienteer.report.curves import training_figures
from orienteer.report.page import contents, render
from orienteer.report.read import EvaluationRecords, read_run
from orienteer.report.restored import galleries, read_restored

from .example_files import write_json
from .run_folder import make_run

TRUE = np.arange(64, dtype=np.uint8).reshape(8, 8)  # (R, A)


def measures(value: float) -> dict[str, Any]:
    return {
        "masked_error": {"value": value, "unit": "fraction", "chance": 0.2, "better": "lower"},
        "interpolation_error": {"value": 0.16, "unit": "fraction", "chance": 0.2, "better": "lower"},
    }


def write_restored(folder: Path, task: str = "masked") -> None:
    slices = {f"{task}_000_{kind}": TRUE + n for n, kind in enumerate(("shown", "restored", "true"))}
    picture = {
        "key": f"{task}_000", "task": task, "sample": 0, "scan": "sub-01", "view": 0, "axis": 2,
        "centre_mm": [10.0, 20.0, 30.0], "spacing_mm": 3.0,
        "measure": "masked_error", "unit": "fraction", "value": 0.125, "chance": 0.2,
    }  # fmt: skip
    save_file(slices, folder / "restored.safetensors")
    write_json(folder / "restored.json", {"v": 1, "pictures": [picture]})


def edited(path: Path, **values: Any) -> None:
    write_json(path, json.loads(path.read_text()) | values)


@pytest.fixture
def masked_run(tmp_path: Path) -> Path:
    """A run that trained masked autoencoding alone."""
    run = make_run(tmp_path / "masked", tasks=("gap",), splits=("val", "test"), examples=2)
    edited(run / "run.json", tasks=["masked"])
    lines = [
        {"v": 1, "step": step, "phase": phase, "task": "masked", "measures": measures(0.2 - step / 10_000)}
        for step in (0, 100, 200)
        for phase in ("train", "validation")
    ]
    (run / "observations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for split in ("val", "test"):
        folder = run / "evaluations" / split
        (folder / "gap.parquet").unlink()
        edited(
            folder / "evaluation.json",
            figures={"gap_error_mm": None},
            observations={"masked": {"measures": measures(0.13)}},
            probes={name: {"masked_error": 0.2, "chance": 0.2, "skill": 0.0} for name in ("real", "chance")},
        )
        write_restored(folder)
    return run


def test_read_restored__gives_what_was_written(tmp_path: Path) -> None:
    write_restored(tmp_path)
    (picture,) = read_restored(tmp_path)
    assert (picture.task, picture.scan, picture.centre_mm) == ("masked", "sub-01", (10.0, 20.0, 30.0))
    assert (picture.measure, picture.value, picture.chance) == ("masked_error", 0.125, 0.2)
    for offset, image in enumerate(picture.images):
        np.testing.assert_array_equal(image, TRUE + offset)


def test_read_restored__none_is_none(tmp_path: Path) -> None:
    assert read_restored(tmp_path) == ()


@pytest.mark.parametrize("damage", ["json", "slices", "missing", "key"])
def test_read_run__damaged_pictures_are_left_out_and_named(masked_run: Path, damage: str) -> None:
    folder = masked_run / "evaluations" / "test"
    if damage == "json":
        (folder / "restored.json").write_text("{", encoding="utf-8")
    elif damage == "slices":
        (folder / "restored.safetensors").write_bytes(b"torn")
    elif damage == "missing":
        (folder / "restored.safetensors").unlink()
    else:
        edited(folder / "restored.json", pictures=[{"task": "masked"}])
    records = read_run(masked_run)
    assert records.lead is not None and records.lead.restored == ()
    assert any(problem.startswith("evaluations/test/restored.json") for problem in records.problems)
    assert "restored-masked" not in render(records)


def test_galleries__are_held_as_on_a_reading_screen(tmp_path: Path) -> None:
    """The patient's right (high R) is on the left of the picture, the front (high A) is up."""
    write_restored(tmp_path)
    (gallery,) = galleries(read_restored(tmp_path))
    kinds = [kind for kind, _ in gallery.rows[0]["images"]]
    assert kinds == ["shown", "restored", "true"]
    data = base64.b64decode(gallery.rows[0]["images"][2][1].split(",")[1])
    picture = np.asarray(Image.open(io.BytesIO(data)))
    true = TRUE + 2
    assert picture[0, 0] == true[7, 7]  # upper left: right, front
    assert picture[0, 7] == true[0, 7]  # upper right: left, front
    assert picture[7, 0] == true[7, 0]  # lower left: right, back


def test_galleries__say_error_and_chance_in_percent(tmp_path: Path) -> None:
    write_restored(tmp_path)
    (gallery,) = galleries(read_restored(tmp_path))
    assert "Error in hidden voxels of this view: 12.5 %" in gallery.rows[0]["error"]
    assert "mean of what is shown: 20.0 %" in gallery.rows[0]["error"]


def test_galleries__a_task_nobody_described_is_shown_all_the_same(tmp_path: Path) -> None:
    write_restored(tmp_path, task="inpainting")
    (gallery,) = galleries(read_restored(tmp_path))
    assert gallery.title.endswith("inpainting") and "chance: 20.0 %" in gallery.rows[0]["error"]


def test_key_figures__a_task_not_about_places_leads_with_its_first_measure(masked_run: Path) -> None:
    records = read_run(masked_run)
    (key,) = key_figures(records.lead, trained=["masked"])
    assert (key.key, key.unit, key.better) == ("masked_error", "fraction", "lower")
    assert records.lead is not None
    (card,) = cards_of(records.lead, trained=["masked"], closes_by_algebra=False)
    assert (card.value, card.chance, card.skill) == ("13.0 %", "20.0 %", pytest.approx(0.35))
    assert [row["values"] for row in evaluation_rows(records, [key])] == [["13.0 %"], ["13.0 %"]]


def test_key_figures__a_hybrid_has_both_kinds() -> None:
    record = {"observations": {"gap": {"measures": {}}, "masked": {"measures": measures(0.1)}}}
    keys = [key.key for key in key_figures(EvaluationRecords("val", record), trained=["gap", "masked"])]
    assert keys[0] == "gap_error_mm" and keys[-1] == "masked_error"


def test_training_figures__the_first_measure_leads_and_fills_the_row(masked_run: Path) -> None:
    first, more = training_figures(read_run(masked_run))
    assert [figure.name for figure in first] == ["curve-masked-masked_error"]
    assert first[0].span == 6
    assert [figure.name for figure in more] == ["curve-masked-interpolation_error"]


def test_page__of_a_run_without_places_speaks_of_what_it_did(masked_run: Path) -> None:
    records = read_run(masked_run)
    page = render(records)
    assert 'id="restored-masked"' in page and page.count('<img src="data:image/png') == 3
    assert "gap matrix was not trained" not in page and 'id="examples"' not in page
    assert "masked autoencoding" in page and "no place to cheat about" in page
    assert records.problems == ()
    assert contents(records)["columns"] == ["Error in hidden voxels"]


def test_page__of_a_run_about_places_keeps_its_sections(finished: Path) -> None:
    shown = contents(read_run(finished))
    assert shown["spatial"] and shown["galleries"] == []
    assert {"gap", "adjacency", "route", "position"} <= {section.anchor for section in shown["sections"]}


@pytest.mark.parametrize(("recorded", "said"), [({"at_mm": 41.5}, "42 mm"), ({}, "30 mm")])
def test_galleries__name_the_slice_that_is_drawn(tmp_path: Path, recorded: dict[str, float], said: str) -> None:
    write_restored(tmp_path)
    document = json.loads((tmp_path / "restored.json").read_text())
    write_json(tmp_path / "restored.json", {"v": 1, "pictures": [document["pictures"][0] | recorded]})
    (gallery,) = galleries(read_restored(tmp_path))
    assert gallery.rows[0]["place"] == f"axial slice at {said}; the view's centre: 10 mm right, 20 mm front, 30 mm up"
