"""Restored views in the report: read, held the right way round, and a page for runs that know nothing of places."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from orienteer.report.page import contents, render
from orienteer.report.read import read_run
from orienteer.report.restored import galleries, read_restored

from .example_files import write_json
from .hand_made import MASKED
from .run_folder import edited, make_run

TRUE = np.arange(64, dtype=np.uint8).reshape(8, 8)  # (R, A)
CARDS = {"masked": MASKED.card}


def write_restored(folder: Path, task: str = "masked") -> None:
    slices = {f"{task}_000_{kind}": TRUE + n for n, kind in enumerate(("shown", "restored", "true"))}
    picture = {
        "key": f"{task}_000", "task": task, "sample": 0, "scan": "sub-01", "view": 0, "axis": 2,
        "centre_mm": [10.0, 20.0, 30.0], "spacing_mm": 3.0,
        "measure": "masked_error", "unit": "fraction", "value": 0.125, "chance": 0.2,
    }  # fmt: skip
    save_file(slices, folder / "restored.safetensors")
    write_json(folder / "restored.json", {"v": 1, "pictures": [picture]})


@pytest.fixture
def masked_run(tmp_path: Path) -> Path:
    """A run that trained a task which answers with images alone."""
    run = make_run(tmp_path / "masked", tasks=("masked",), examples=2)
    for split in ("val", "test"):
        write_restored(run / "evaluations" / split)
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
    (gallery,) = galleries(read_restored(tmp_path), CARDS)
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
    (gallery,) = galleries(read_restored(tmp_path), CARDS)
    assert "Error in hidden voxels of this view: 12.5 %" in gallery.rows[0]["error"]
    assert "mean of what is shown: 20.0 %" in gallery.rows[0]["error"]


def test_galleries__a_task_nobody_described_is_shown_all_the_same(tmp_path: Path) -> None:
    write_restored(tmp_path, task="inpainting")
    (gallery,) = galleries(read_restored(tmp_path), CARDS)
    assert gallery.title.endswith("inpainting") and "chance: 20.0 %" in gallery.rows[0]["error"]


def test_galleries__have_the_words_of_the_card(tmp_path: Path) -> None:
    write_restored(tmp_path)
    (gallery,) = galleries(read_restored(tmp_path), CARDS)
    assert MASKED.card.restoration is not None
    assert (gallery.intro, gallery.look) == (MASKED.card.restoration.intro, MASKED.card.restoration.look)
    assert gallery.title == "What it restores: Masked autoencoding"


def test_page__of_a_run_that_restores_shows_what_it_restored(masked_run: Path, finished: Path) -> None:
    records = read_run(masked_run)
    page = render(records)
    assert 'id="restored-masked"' in page and page.count('<img src="data:image/png') == 3
    assert records.problems == () and contents(records)["columns"] == ["Error in hidden voxels"]
    assert contents(read_run(finished))["galleries"] == []


@pytest.mark.parametrize(("recorded", "said"), [({"at_mm": 41.5}, "42 mm"), ({}, "30 mm")])
def test_galleries__name_the_slice_that_is_drawn(tmp_path: Path, recorded: dict[str, float], said: str) -> None:
    write_restored(tmp_path)
    document = json.loads((tmp_path / "restored.json").read_text())
    write_json(tmp_path / "restored.json", {"v": 1, "pictures": [document["pictures"][0] | recorded]})
    (gallery,) = galleries(read_restored(tmp_path), CARDS)
    assert gallery.rows[0]["place"] == f"axial slice at {said}; the view's centre: 10 mm right, 20 mm front, 30 mm up"
