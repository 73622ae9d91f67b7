"""``orienteer locate`` on raw scans: world and voxels hold in every orientation, one bad scan costs nothing else."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from numpy.typing import NDArray
from typer.testing import CliRunner

from orienteer import api
from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import ConfigError, OrienteerError, RunError, StoreError
from orienteer.runs import ready, scan
from orienteer.runs.locate import LocateResult, locate
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.scans.source import Source
from orienteer.store import Store
from orienteer.testing.phantom import phantom, phantom_store
from tests.runs.conftest import tiny

TURN = nib.eulerangles.euler2mat(0.2, -0.1, 0.15)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned nothing: a scan is still like itself."""
    folder = tmp_path_factory.mktemp("locate")
    settings = tiny("tasks={gap: {}, position: {}}", "optimiser.steps=2", "evaluation.final_per_scan=2")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=settings, progress=False)
    return folder / "run"


@pytest.fixture(scope="module")
def body() -> tuple[NDArray, NDArray, NDArray]:
    """Voxels, labels, and an oblique affine."""
    volume, labels = phantom(0, (28, 32, 30), 3.0, seed=0)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = 3.0 * TURN, (-30.0, 12.0, 55.0)
    return volume.array[0].astype(np.int16), labels.astype(np.uint8), affine


def turned(array: NDArray, affine: NDArray, codes: str) -> nib.Nifti1Image:
    """The same voxels stored along other axes."""
    change = ornt_transform(io_orientation(affine), axcodes2ornt(codes))
    return nib.Nifti1Image(apply_orientation(array, change), affine @ inv_ornt_aff(change, array.shape))


@pytest.fixture(scope="module")
def scans(body: tuple[NDArray, NDArray, NDArray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One body as it is, along other axes, as NRRD, and a file that is damaged."""
    array, labels, affine = body
    folder = tmp_path_factory.mktemp("raw")
    (folder / "scans").mkdir()
    for codes in ("RAS", "LAS", "PSR"):
        nib.save(turned(array, affine, codes), folder / "scans" / f"{codes}.nii.gz")
    nib.save(turned(array, affine, "LPS"), folder / "lps.nii")
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(folder / "lps.nii")), str(folder / "scans" / "itk.nrrd"))
    nib.save(turned(array, affine, "RAS"), folder / "exemplar.nii.gz")
    nib.save(turned(labels, affine, "LAS"), folder / "labels.nii.gz")
    return folder


def middle(body: tuple[NDArray, NDArray, NDArray], value: int) -> NDArray:
    _, labels, affine = body
    index = np.argwhere(labels == value).mean(0)
    return np.asarray(affine[:3, :3] @ index + affine[:3, 3])


def test_locate__the_same_body_in_any_orientation_is_found_where_it_is(
    run: Path, body: tuple[NDArray, NDArray, NDArray], scans: Path, tmp_path: Path
) -> None:
    place = middle(body, 1)
    asked = ",".join(f"{value:.3f}" for value in place)
    made = CliRunner().invoke(app, [
        "locate", str(run), str(scans / "exemplar.nii.gz"), str(scans / "scans"), str(tmp_path / "where"),
        f"--at={asked}", "--crop", "30mm",
    ])  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "4 of 4 found" in made.output and "3D Slicer" in made.output
    with (tmp_path / "where" / "locations.csv").open() as file:
        lines = {line["scan"]: line for line in csv.DictReader(file)}
    assert set(lines) == {"RAS", "LAS", "PSR", "itk"}
    for name, line in lines.items():
        world = np.array([float(line[key]) for key in ("r_mm", "a_mm", "s_mm")])
        voxel = [float(line[key]) for key in ("i", "j", "k")]
        assert np.linalg.norm(world - place) < 1.0 and float(line["cycle_mm"]) < 1.0, name
        file = next((scans / "scans").glob(f"{name}.*"))
        itk = np.array(SimpleITK.ReadImage(str(file)).TransformContinuousIndexToPhysicalPoint(voxel)) * (-1, -1, 1)
        np.testing.assert_allclose(itk, world, atol=0.1, err_msg=f"ITK, {name}")
        if file.name.endswith(".nii.gz"):
            np.testing.assert_allclose(nib.affines.apply_affine(nib.load(file).affine, voxel), world, atol=0.1)
        markup = json.loads((tmp_path / "where" / f"{name}.mrk.json").read_text())["markups"][0]
        np.testing.assert_allclose(markup["controlPoints"][0]["position"], world, atol=0.01)
        crop, whole = nib.load(tmp_path / "where" / "crops" / f"{name}-point.nii.gz"), SimpleITK.ReadImage(str(file))
        assert crop.shape == (10, 10, 10), "30 mm of 3 mm voxels"
        first = nib.affines.apply_affine(crop.affine, (0, 0, 0)) * (-1, -1, 1)
        index = whole.TransformPhysicalPointToIndex([float(value) for value in first])
        assert float(np.asarray(crop.dataobj)[0, 0, 0]) == float(whole[index]), "a crop lies where it lay in the scan"


def test_locate__a_structure_by_its_label_and_votes(
    run: Path, body: tuple[NDArray, NDArray, NDArray], scans: Path, tmp_path: Path
) -> None:
    exemplar, labels = scans / "exemplar.nii.gz", f"{scans / 'labels.nii.gz'}:2"
    one = Run.open(run).locate(exemplar, scans / "scans" / "PSR.nii.gz", structure=labels)
    assert [each.point for each in one] == ["2"]
    assert one[0].world_mm is not None and np.linalg.norm(one[0].world_mm - middle(body, 2)) < 1.0
    two = api.locate(
        run, exemplar, scans / "scans" / "LAS.nii.gz", tmp_path / "two", structure=labels,
        also=[(scans / "scans" / "PSR.nii.gz", labels)], progress=False,
    )  # fmt: skip
    assert [each.exemplars for each in two.found] == [2] and two.found[0].found
    every = locate(
        run, exemplar, scans / "scans" / "LAS.nii.gz", tmp_path / "all", structure=labels[:-2], progress=False
    )
    assert len(every.found) == len(np.unique(body[1])) - 1
    document = json.loads((tmp_path / "all" / "locations.json").read_text())
    assert document["spacing_mm"] == 3.0 and str(scans) not in json.dumps(document), "paths may hold names"


def test_run_locate__between_two_scans_of_a_store(run: Path) -> None:
    store, opened = Store.open(run.parent / "store"), Run.open(run)
    one, other, *_ = store.ids()
    place = nib.affines.apply_affine(np.array(store.entry(one).affine), [10.0, 12.0, 11.0])
    (same,) = opened.locate(one, one, store, at=[tuple(place)])
    assert same.world_mm is not None and same.voxel is not None
    np.testing.assert_allclose(same.world_mm, place, atol=0.5)
    np.testing.assert_allclose(same.voxel, [10.0, 12.0, 11.0], atol=0.2)
    (found,) = opened.locate(one, other, store, at=[tuple(place)], step=0)
    assert (found.scan, found.point) == (other, "point")
    for asked, error, why in (
        ({"at": [(900.0, 0.0, 0.0)]}, ConfigError, f"does not lie in {one}"),
        ({"structure": "labels.nii.gz"}, ConfigError, "positions are looked for"),
        ({}, ConfigError, "positions are looked for"),
    ):
        with pytest.raises(error, match=why):
            opened.locate(one, other, store, **asked)
    with pytest.raises(StoreError, match="no scan 'nobody'"):
        opened.locate(one, "nobody", store, at=[tuple(place)])


def test_locate__a_bad_scan_is_named_and_the_others_go_on(run: Path, scans: Path, tmp_path: Path) -> None:
    given = tmp_path / "scans"
    given.mkdir()
    (given / "good.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes())
    (given / "cut.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes()[:900])
    words = ["locate", str(run), str(scans / "exemplar.nii.gz"), str(given), str(tmp_path / "where")]
    made = CliRunner().invoke(app, [*words, "--structure", f"{scans / 'labels.nii.gz'}:1"])
    assert made.exit_code == 1 and "left out: cut" in made.output and "1 of 1 found" in made.output, made.output
    document = json.loads((tmp_path / "where" / "locations.json").read_text())
    assert list(document["left_out"]) == ["cut"]
    again = CliRunner().invoke(app, [*words, "--structure", f"{scans / 'labels.nii.gz'}:2"])
    assert again.exit_code != 0 and isinstance(again.exception, RunError | SystemExit), "another question"
    (given / "good.nii.gz").rename(given / "other.nii.gz")
    over = CliRunner().invoke(app, [*words, "--structure", f"{scans / 'labels.nii.gz'}:1", "--overwrite"])
    assert over.exit_code == 1 and "1 of 1 found" in over.output
    assert [path.name for path in (tmp_path / "where").glob("*.mrk.json")] == ["other.mrk.json"], "none of before"


@pytest.mark.parametrize(("given", "words"), [
    ({"at": [(500.0, 0.0, 0.0)]}, "does not lie in"),
    ({"at": [(float("nan"), 0.0, 0.0)]}, "no position"),
    ({}, "nothing to look for"),
    ({"structure": "labels.nii.gz:99"}, "has no value 99"),
    ({"structure": "nothing.nii.gz:1"}, "there is no"),
    ({"at": [(0.0, 0.0, 0.0)], "crop_mm": -3.0}, "a crop of -3 mm"),
])  # fmt: skip
def test_locate__a_question_that_cannot_be_asked_is_named(
    given: dict, words: str, run: Path, scans: Path, tmp_path: Path
) -> None:
    if "structure" in given:
        given = given | {"structure": str(scans / given["structure"])}
    with pytest.raises(OrienteerError, match=re.escape(words)):
        locate(run, scans / "exemplar.nii.gz", scans / "scans", tmp_path / "where", progress=False, **given)
    assert not (tmp_path / "where").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--at", "1,2"],
        ["--at", "a,b,c"],
        [],
        ["--at", "1,2,3", "--structure", "x:1"],
        ["--at", "1,2,3", "--also", "scan"],
        ["--at", "1,2,3", "--crop", "wide"],
    ],
)
def test_locate__mistyped_options_are_refused(words: list[str], run: Path, scans: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(
        app, ["locate", str(run), str(scans / "exemplar.nii.gz"), str(scans / "scans"), str(tmp_path / "w"), *words]
    )
    assert made.exit_code != 0 and not (tmp_path / "w").exists()


def test_locate__two_scans_of_one_name_and_a_library_that_breaks_on_one(
    run: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / "scans" / folder).mkdir(parents=True)
        (tmp_path / "scans" / folder / "x.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes())
    sound, calls = scan.scaled, []

    def breaks_on_the_second(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:  # the first is the exemplar
            raise RuntimeError("Zero-valued spacing is not supported")
        return sound(*given)

    monkeypatch.setattr(scan, "scaled", breaks_on_the_second)
    result = locate(
        run, scans / "exemplar.nii.gz", tmp_path / "scans", tmp_path / "w", progress=False,
        structure=f"{scans / 'labels.nii.gz'}:1",
    )  # fmt: skip
    assert len(result.failed) == 1 and len(result.found) == 1
    assert {*result.failed, result.found[0].scan} == {each for each in ("a__x", "b__x")}
    assert "cannot be brought onto" in next(iter(result.failed.values())).message


def test_locate__goes_on_with_the_same_question_and_asks_no_scan_twice(
    run: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, out = tmp_path / "scans", tmp_path / "where"
    given.mkdir()
    (given / "a.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes())
    read: list[str] = []
    sound = ready.Asker.read

    def noted(self: ready.Asker, source: Source) -> ready.Ready:
        read.append(source.id)
        return sound(self, source)

    monkeypatch.setattr(ready.Asker, "read", noted)

    def ask() -> LocateResult:
        read.clear()
        where = f"{scans / 'labels.nii.gz'}:1"
        return locate(run, scans / "exemplar.nii.gz", given, out, structure=where, progress=False)

    first = ask()
    assert read == ["exemplar", "a"]
    before = (out / "locations.csv").read_text()
    (given / "b.nii.gz").write_bytes((scans / "scans" / "PSR.nii.gz").read_bytes())
    second = ask()
    assert read == ["exemplar", "b"] and [each.scan for each in second.found] == ["a", "b"]
    assert (out / "locations.csv").read_text().startswith(before) and len(first.found) == 1
    (out / "a.mrk.json").unlink()
    ask()
    assert read == ["exemplar", "a"] and (out / "a.mrk.json").exists(), "a file that is gone is made again"
    (given / "a.nii.gz").write_bytes((scans / "scans" / "LAS.nii.gz").read_bytes())
    changed = ask()
    assert changed.failed["a"].code == "duplicate-id" and read == ["exemplar"], "another scan of that name"


def test_locate__a_header_in_the_wrong_unit_is_refused(run: Path, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    image = nib.load(scans / "exemplar.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), np.diag([40.0, 40, 40, 1])), tmp_path / "scans" / "huge.nii.gz")
    result = locate(
        run, scans / "exemplar.nii.gz", tmp_path / "scans", tmp_path / "w", progress=False,
        structure=f"{scans / 'labels.nii.gz'}:1",
    )  # fmt: skip
    assert not result.found and result.failed["huge"].code == "too-large", result.failed


def test_locate__a_scan_unlike_the_training_scans_is_named(run: Path, scans: Path, tmp_path: Path) -> None:
    given = tmp_path / "scans"
    given.mkdir()
    image = nib.load(scans / "exemplar.nii.gz")
    nib.save(nib.Nifti1Image(np.repeat(np.asarray(image.dataobj), 3, 2), image.affine), given / "long.nii.gz")
    result = locate(
        run,
        scans / "exemplar.nii.gz",
        given,
        tmp_path / "where",
        progress=False,
        structure=f"{scans / 'labels.nii.gz'}:1",
    )
    assert "unfamiliar-extent" in {each.code for each in result.warnings["long"]} and result.compared
    document = json.loads((tmp_path / "where" / "locations.json").read_text())
    assert "mm feet to head" in document["scans"]["long"]["warnings"][0]["message"]


def test_locate__what_is_odd_about_an_exemplar_is_said(run: Path, scans: Path, tmp_path: Path) -> None:
    image, labels = nib.load(scans / "exemplar.nii.gz"), nib.load(scans / "labels.nii.gz")
    long, where = np.repeat(np.asarray(image.dataobj), 3, 2), tmp_path / "other.nii.gz"
    nib.save(nib.Nifti1Image(long, image.affine), tmp_path / "long.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(labels.dataobj)[:-2], labels.affine), where)
    (tmp_path / "scans").mkdir()
    nib.save(image, tmp_path / "scans" / "a.nii.gz")
    result = locate(run, scans / "exemplar.nii.gz", tmp_path / "scans", tmp_path / "w", structure=f"{where}:1",
                    progress=False)  # fmt: skip
    assert any(
        "other.nii.gz has another grid than exemplar.nii.gz (26 x 32 x 30 and 28" in note for note in result.notes
    )
    corner = tuple(float(value) for value in image.affine[:3, 3])
    result = locate(run, tmp_path / "long.nii.gz", tmp_path / "scans", tmp_path / "v", at=[corner], progress=False)
    assert any("long.nii.gz: unlike training: the body is" in note for note in result.notes), result.notes
    assert any("mm from the body" in note for note in result.notes), result.notes


def test_locate__what_is_odd_about_headers_is_said_with_what_to_do(run: Path, scans: Path, tmp_path: Path) -> None:
    image, plain = nib.load(scans / "exemplar.nii.gz"), np.diag([3.0, 3.0, 3.0, 1.0])
    (tmp_path / "scans").mkdir()
    for name in ("exemplar.nii.gz", "scans/a.nii.gz", "scans/b.nii.gz"):
        lost = nib.Nifti1Image(np.asarray(image.dataobj), plain)
        lost.set_sform(None, code=0)
        lost.set_qform(None, code=0)
        nib.save(lost, tmp_path / name)
    made = CliRunner().invoke(app, [
        "locate", str(run), str(tmp_path / "exemplar.nii.gz"), str(tmp_path / "scans"), str(tmp_path / "w"),
        "--at", "0,0,0",
    ])  # fmt: skip
    assert made.exit_code == 0, made.output
    cure = "export with orientation, or check one scan by eye and set its header"
    lines = made.stdout.splitlines()
    (note,) = (line for line in lines if line.startswith("note: exemplar.nii.gz") and "[orientation-missing]" in line)
    assert note.endswith(f"to mend it: {cure}")
    assert sum("[orientation-missing]" in line for line in lines) == 3 and lines.count(f"  fix: {cure}") == 1


def test_locate__a_small_structure_in_pieces_lies_within_its_ring(run: Path, scans: Path, tmp_path: Path) -> None:
    image = nib.load(scans / "exemplar.nii.gz")
    pieces = np.zeros(image.shape, dtype=np.uint8)
    pieces[8:11, 12:15, 14:17], pieces[20, 22, 14:16] = 1, 1
    nib.save(nib.Nifti1Image(pieces, image.affine), tmp_path / "pieces.nii.gz")
    (one,) = locate(
        run, scans / "exemplar.nii.gz", scans / "exemplar.nii.gz", tmp_path / "w", progress=False,
        structure=f"{tmp_path / 'pieces.nii.gz'}:1",
    ).found  # fmt: skip
    truth = nib.affines.apply_affine(image.affine, np.argwhere(pieces)).mean(0)
    assert one.world_mm is not None and np.linalg.norm(one.world_mm - truth) < min(one.ring_mm, 1.5)


def test_answers__into_the_folder_of_the_scans_are_refused_by_name(run: Path, scans: Path, tmp_path: Path) -> None:
    given = tmp_path / "scans"
    given.mkdir()
    nib.save(nib.load(scans / "exemplar.nii.gz"), given / "a.nii.gz")
    with pytest.raises(OrienteerError, match="scans is the folder of the scans, too"):
        locate(run, scans / "exemplar.nii.gz", given, given, structure=f"{scans / 'labels.nii.gz'}:1", progress=False)
    assert [path.name for path in given.iterdir()] == ["a.nii.gz"]


def test_locate__a_run_without_a_field_says_so(scans: Path, tmp_path: Path) -> None:
    settings = tiny("tasks={gap: {}}", "optimiser.steps=1")
    pretrain(phantom_store(tmp_path, people=4), tmp_path / "run", settings=settings, progress=False)
    with pytest.raises(ConfigError, match="no task of this run places single voxels"):
        locate(tmp_path / "run", scans / "exemplar.nii.gz", scans / "scans", tmp_path / "w", at=[(0, 0, 50)])
