import csv
import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from orienteer.demo.cohort import Cohort, simulate
from orienteer.errors import OrienteerError
from orienteer.geometry import canonical
from orienteer.scans.discover import discover
from orienteer.scans.reading import read


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulate(tmp_path_factory.mktemp("demo") / "cohort", people=6, spacing_mm=5.0)


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """The same cohort, made in two goes."""

    def stop(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    folder = tmp_path_factory.mktemp("demo") / "half"
    with pytest.raises(KeyboardInterrupt):
        simulate(folder, people=6, spacing_mm=5.0, progress=stop)
    assert json.loads((folder / "cohort.json").read_text())["finished"] is False
    assert (folder / "README.txt").exists()
    return simulate(folder, people=6, spacing_mm=5.0)


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def test_simulate__writes_a_mixed_folder(cohort: Cohort) -> None:
    sources = discover(cohort.scans)
    assert [source.id for source in sources] == [f"sim-{n:03d}" for n in range(1, 7)]
    assert {source.format for source in sources} == {"NIfTI", "NRRD", "MetaImage"}
    assert len({read(source).axes for source in sources}) >= 3


def test_simulate__labels_lie_on_the_scans_grid(cohort: Cohort) -> None:
    for scan, label in zip(discover(cohort.scans), discover(cohort.labels), strict=True):
        assert scan.id == label.id
        voxels, tissues = canonical(read(scan)), canonical(read(label))
        np.testing.assert_allclose(voxels.affine, tissues.affine, atol=1e-4)
        np.testing.assert_array_equal(voxels.array == 0, tissues.array == 0)
        assert set(np.unique(tissues.array)) == {0, 1, 2, 3}


def test_simulate__splits_by_person(cohort: Cohort) -> None:
    rows = list(csv.DictReader(cohort.table.read_text().splitlines(), delimiter="\t"))
    assert [row["id"] for row in rows] == [source.id for source in discover(cohort.scans)]
    assert len({row["person"] for row in rows}) == 6
    assert {row["simulated"] for row in rows} == {"yes"}
    assert [row["split"] for row in rows] == ["train"] * 3 + ["val"] + ["test"] * 2


def test_simulate__says_that_nobody_is_a_patient(cohort: Cohort) -> None:
    text = (cohort.table.parent / "README.txt").read_text()
    assert text.startswith("SIMULATED PEOPLE, NOT PATIENTS")
    assert "2  grey matter" in text


def test_simulate__the_same_seed_gives_the_same_bytes(cohort: Cohort, mended: Cohort) -> None:
    # A format that hides its time of writing in the header would show here.
    assert _digests(cohort.scans) == _digests(mended.scans)
    assert _digests(cohort.labels) == _digests(mended.labels)


def test_simulate__does_not_make_a_finished_cohort_again(cohort: Cohort) -> None:
    before = {path: path.stat().st_mtime_ns for path in cohort.table.parent.rglob("*")}
    told: list[int] = []
    simulate(cohort.table.parent, people=6, spacing_mm=5.0, progress=lambda done, _: told.append(done))
    assert told == []
    assert before == {path: path.stat().st_mtime_ns for path in cohort.table.parent.rglob("*")}


def test_simulate__mends_a_half_made_cohort(mended: Cohort) -> None:
    assert len(discover(mended.scans)) == 6
    assert json.loads((mended.table.parent / "cohort.json").read_text())["finished"] is True


def test_simulate__overwrites_no_other_cohort(cohort: Cohort) -> None:
    with pytest.raises(OrienteerError, match="another cohort") as caught:
        simulate(cohort.table.parent, people=7, spacing_mm=5.0)
    assert "people 6" in caught.value.message


def test_simulate__overwrites_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(OrienteerError, match="holds other files"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("people", "spacing", "seed", "what"),
    [(4, 3.0, 0, "4 simulated subjects"), (9, 0.2, 0, "0.2 mm"), (9, float("nan"), 0, "nan"), (9, 3.0, -1, "-1")],
)
def test_simulate__refuses_what_it_cannot_do(tmp_path: Path, people: int, spacing: float, seed: int, what: str) -> None:
    with pytest.raises(OrienteerError, match=what) as caught:
        simulate(tmp_path / "none", people=people, spacing_mm=spacing, seed=seed)
    assert caught.value.cure
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("damage", ["", "[]", "{}"])
def test_simulate__names_a_damaged_note(tmp_path: Path, damage: str) -> None:
    (tmp_path / "cohort.json").write_text(damage)
    with pytest.raises(OrienteerError, match=r"cohort\.json is damaged"):
        simulate(tmp_path)
