"""``orienteer orient`` and ``check --run`` on raw files: verdicts, files, corrected copies; a bad scan costs itself."""

import csv
import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
import torch
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from orienteer import api
from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import ConfigError, OrienteerError, RunError
from orienteer.geometry import Volume
from orienteer.geometry.pose import MIRROR, POSES, TURNS, UPRIGHT, Pose
from orienteer.localize.oriented import Held, Verdict
from orienteer.pretext.contract import TellsMirrored
from orienteer.runs import asked
from orienteer.runs import orient as home
from orienteer.runs.pretrain import pretrain
from orienteer.runs.ready import Asker
from orienteer.runs.run import Run
from orienteer.testing.phantom import phantom, phantom_store
from tests.finetune.cohort import untrained_run
from tests.runs.conftest import tiny
from tests.runs.test_locate import turned

SHAPE, TURN = (28, 32, 30), nib.eulerangles.euler2mat(0.1, -0.05, 0.08)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learned nothing."""
    folder = tmp_path_factory.mktemp("orient")
    settings = tiny("tasks={gap: {}, position: {}}", "optimiser.steps=2", "evaluation.final_per_scan=2")
    pretrain(phantom_store(folder, people=4), folder / "run", settings=settings, progress=False)
    return folder / "run"


@pytest.fixture(scope="module")
def body() -> tuple[NDArray, NDArray]:
    """Voxels and the affine that is right for them, oblique."""
    volume, _ = phantom(0, SHAPE, 3.0, seed=0)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = 3.0 * TURN, (-30.0, 12.0, 55.0)
    return volume.array[0].astype(np.int16), affine


def with_wrong_header(body: tuple[NDArray, NDArray], pose: Pose) -> nib.Nifti1Image:
    """The body, whose header says that it is upright once it is held in a pose."""
    array, affine = body
    image = nib.Nifti1Image(np.ascontiguousarray(pose.show(array)), affine)
    image.header["descrip"] = b"kept"
    return image


@pytest.fixture
def knowing(body: tuple[NDArray, NDArray], monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that knows this one body; without it no tiny run says anything."""

    def hold(place: Any, scan: Volume, mask: NDArray, **_: Any) -> Held:
        wanted = body[0] - body[0].mean()
        likeness = [
            float((pose.show(scan.array[0]) * wanted).sum()) if pose.show(scan.array[0]).shape == SHAPE else -np.inf
            for pose in POSES
        ]
        best = POSES[int(np.argmax(likeness))]
        turn = MIRROR @ best if best.mirrored else best
        return Held(turn, 0.999, 0.999 if best.mirrored else 0.001, np.ones(3), 1.0, 40.0, 0.0)

    monkeypatch.setattr(asked, "hold", hold)
    monkeypatch.setattr(asked, "yardstick", lambda run, model: asked.Yardstick(2.0, np.ones(3), 48.0))
    monkeypatch.setattr(asked.Asked, "_strange", lambda *_: "")


WRONG = {"fine": UPRIGHT, "mirrored": MIRROR, "turned": TURNS[13], "both": MIRROR @ TURNS[13]}


@pytest.fixture
def scans(body: tuple[NDArray, NDArray], tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for name, pose in WRONG.items():
        nib.save(with_wrong_header(body, pose), folder / f"{name}.nii.gz")
    nib.save(turned(*body, "PSR"), folder / "psr.nii.gz")
    nib.save(with_wrong_header(body, MIRROR), folder / "plain.nii")
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(folder / "plain.nii")), str(folder / "itk.nrrd"))
    (folder / "plain.nii").unlink()
    return folder


@pytest.mark.usefixtures("knowing")
def test_orient__says_and_corrects_what_is_wrong(
    run: Path, body: tuple[NDArray, NDArray], scans: Path, tmp_path: Path
) -> None:
    out, fixed = tmp_path / "out", tmp_path / "fixed"
    words = ["orient", str(run), str(scans), "--out", str(out), "--fix", str(fixed)]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 0, made.output
    assert "2 of 6 as their headers say" in made.output and "4 corrected" in made.output, made.output
    mirror_images = {row[1]: row[-2] for line in made.output.splitlines() if len(row := line.split("│")) > 5}
    told = {name.strip(): value.strip() for name, value in mirror_images.items()}
    assert told == {"fine": "no", "psr": "no", "mirrored": "yes", "itk": "yes", "turned": "no", "both": "yes"}
    with (out / "orientations.csv").open() as file:
        lines = {line["scan"]: line for line in csv.DictReader(file)}
    verdicts = {name: line["verdict"] for name, line in lines.items()}
    assert verdicts == {
        "fine": "as its header says", "psr": "as its header says", "mirrored": "mirrored left-right",
        "itk": "mirrored left-right", "turned": "turned", "both": "turned",
    }  # fmt: skip
    assert lines["mirrored"]["axes"] == "RAS" and lines["mirrored"]["axes_found"] == "LAS"
    document = json.loads((out / "orientations.json").read_text())
    assert document["step"] == 2 and str(scans) not in json.dumps(document), "paths may hold names"
    assert {path.stem for path in out.glob("*.png")} == {"mirrored", "itk", "turned", "both"}
    with Image.open(out / "turned.png") as picture:
        assert picture.width > 600
    assert {path.name for path in fixed.iterdir()} == {f"{n}.nii.gz" for n in ("mirrored", "itk", "turned", "both")}
    for file in fixed.iterdir():
        copy = nib.load(file)
        upright = nib.as_closest_canonical(copy)
        np.testing.assert_array_equal(np.asarray(upright.dataobj), body[0], err_msg=file.name)
        np.testing.assert_allclose(copy.header.get_zooms(), 3.0, rtol=1e-5)
        np.testing.assert_allclose(copy.get_qform(), copy.affine, atol=1e-3)
    for name in ("mirrored", "turned", "both"):
        before, after = (gzip.decompress((place / f"{name}.nii.gz").read_bytes()) for place in (scans, fixed))
        assert before[352:] == after[352:] and len(before) == len(after), "voxels stay bit for bit"
        assert nib.load(fixed / f"{name}.nii.gz").header["descrip"] == b"kept"
    again = api.orient(run, fixed, progress=False)
    assert all(one.verdict is Verdict.RIGHT for one in again.found)
    before = {path: path.stat().st_mtime_ns for path in (*out.glob("*.png"), *fixed.iterdir())}
    api.orient(run, scans, out=out, fix=fixed, progress=False)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "the same question, answered before"
    with pytest.raises(RunError, match="another question"):
        api.orient(run, scans, out=out, all_pictures=True, progress=False)
    (fixed / "turned.nii.gz").write_bytes(b"mine")
    taken = api.orient(run, scans, fix=fixed, progress=False)
    assert list(taken.unfixed) == ["turned"] and "is in the way" in taken.unfixed["turned"].message
    kept = api.orient(run, scans, fix=fixed, overwrite=True, progress=False)
    assert "name a new --fix folder" in kept.unfixed["turned"].cure, "no copy of that scan: never replaced"
    assert (fixed / "turned.nii.gz").read_bytes() == b"mine" and len(taken.fixed) == 3
    (scans / "turned.nii.gz").unlink()
    api.orient(run, scans, out=out, overwrite=True, progress=False)
    assert not (out / "turned.png").exists(), "none of before"


@pytest.mark.usefixtures("knowing")
def test_orient__json_and_a_bad_scan(run: Path, scans: Path) -> None:
    (scans / "cut.nii.gz").write_bytes((scans / "fine.nii.gz").read_bytes()[:900])
    made = CliRunner().invoke(app, ["orient", str(run), str(scans), "--json"])
    document = json.loads(made.stdout)
    assert made.exit_code == 1 and list(document["left_out"]) == ["cut"] and len(document["scans"]) == 6


@pytest.mark.usefixtures("knowing", "untimed")
def test_check__with_a_run_names_what_the_anatomy_contradicts(run: Path, scans: Path, tmp_path: Path) -> None:
    (scans / "itk.nrrd").unlink()  # the same voxels as another's, which check refuses
    made = CliRunner().invoke(app, ["check", str(scans), "--run", str(run), "--json", str(tmp_path / "check.json")])
    assert made.exit_code == 0, made.output
    found = {
        scan["id"]: [each["code"] for each in scan["findings"] if each["code"] in home.CODES.values()]
        for scan in json.loads((tmp_path / "check.json").read_text())["scans"]
    }
    assert found["fine"] == found["psr"] == []
    assert found["mirrored"] == found["both"] == ["orientation-contradicted"]


def test_orient__an_ignorant_run_calls_nothing_wrong_and_corrects_nothing(
    run: Path, body: tuple[NDArray, NDArray], tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    nib.save(nib.Nifti1Image(*body), tmp_path / "scans" / "a.nii.gz")
    result = api.orient(run, tmp_path / "scans", fix=tmp_path / "fixed", progress=False)
    (one,) = result.found
    assert one.verdict in (Verdict.UNSURE, Verdict.OTHER) and not result.fixed
    assert any("is stuck" in note and note.endswith("means little.") for note in result.notes)
    for command in ("orient", str(run), str(tmp_path / "scans")), ("check", str(tmp_path / "scans"), "--run", str(run)):
        made = CliRunner().invoke(app, list(command))
        assert f"note: {run} is stuck: " in made.output, made.output
    codes = set(home.CODES.values())
    finding = home.as_finding(one)
    assert finding is not None and finding.code in codes and finding.cure


def test_orient__runs_that_cannot_be_asked_say_why(run: Path, tmp_path: Path, body: tuple[NDArray, NDArray]) -> None:
    nib.save(nib.Nifti1Image(*body), tmp_path / "a.nii.gz")
    settings = tiny("tasks={gap: {}}", "optimiser.steps=1")
    pretrain(phantom_store(tmp_path, people=4), tmp_path / "run", settings=settings, progress=False)
    with pytest.raises(ConfigError, match="no task of this run places single voxels"):
        api.orient(tmp_path / "run", tmp_path / "a.nii.gz", progress=False)
    opened = Run.open(run)
    stick = asked.yardstick(opened, opened.model())
    assert stick.error_mm > 0 and stick.scale.shape == (3,) and stick.view_mm > 0
    with pytest.raises(OrienteerError):
        api.orient(run, tmp_path / "nothing", progress=False)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_codes__every_verdict_but_fine_has_a_finding(verdict: Verdict) -> None:
    assert (verdict in home.CODES) is (verdict is not Verdict.RIGHT)


class Difference(TellsMirrored):
    """A task that ranks by one number of the embedding."""

    def mirrored(self, embedding: torch.Tensor, twin: torch.Tensor) -> torch.Tensor:
        return (embedding - twin)[:, 0]


def test_sides__a_mirrored_scan_turns_the_log_odds_around(run: Path, body: tuple[NDArray, NDArray]) -> None:
    opened = Run.open(run)
    sides = asked.Sides(opened, opened.model(), Difference())
    array, affine = body[0][None], np.diag([3.0, 3.0, 3.0, 1.0])
    one, twin = (
        sides.witness(Volume(np.ascontiguousarray(pose.show(array)), affine))(UPRIGHT, (0.0, 0.0, 0.0))
        for pose in (UPRIGHT, MIRROR)
    )
    assert one == pytest.approx(-twin, rel=0.05) and one != 0
    held = sides.witness(Volume(np.ascontiguousarray(TURNS[13].show(array)), affine))(TURNS[13].inverse, (0.0,) * 3)
    assert held == pytest.approx(one, rel=0.05)


def test_sides__a_run_that_tells_no_mirror_images_is_refused(
    run: Path, body: tuple[NDArray, NDArray], tmp_path: Path
) -> None:
    nib.save(nib.Nifti1Image(*body), tmp_path / "a.nii.gz")
    with pytest.raises(ConfigError, match="tells a view from its mirror image"):
        api.orient(run, tmp_path / "a.nii.gz", sides=run, progress=False)


def test_asked__half_a_head_has_no_side(
    run: Path, body: tuple[NDArray, NDArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    sure = Held(UPRIGHT, 0.999, 0.001, np.ones(3), 1.0, 40.0, 0.0)
    monkeypatch.setattr(asked, "hold", lambda *_, **__: sure)
    monkeypatch.setattr(asked.Asked, "_strange", lambda *_: "")
    one = asked.Asked(Asker.of(Run.open(run)), asked.Yardstick(2.0, np.ones(3), 48.0))
    whole, half = (one.volume("a", Volume(part[None], body[1])) for part in (body[0], body[0][:12]))
    assert whole.side_told and not half.side_told and half.verdict is Verdict.RIGHT
    assert "part of the body" in half.why and "part of the body" not in whole.why


@pytest.mark.usefixtures("knowing")
def test_orient__says_what_is_odd_about_a_header(run: Path, scans: Path, tmp_path: Path) -> None:
    image = nib.load(scans / "fine.nii.gz")
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    nib.save(image, tmp_path / "nowhere.nii.gz")
    out = tmp_path / "out"
    made = CliRunner().invoke(app, ["orient", str(run), str(tmp_path / "nowhere.nii.gz"), "--out", str(out)])
    assert "[orientation-missing]" in made.output, made.output
    assert "orientation-missing" in (out / "orientations.json").read_text()
    told = json.loads(CliRunner().invoke(app, ["orient", str(run), str(tmp_path / "nowhere.nii.gz"), "--json"]).stdout)
    assert [each["code"] for each in told["warnings"]["nowhere"]] == ["orientation-missing"]
    assert told["left_out"] == told["not_corrected"] == {}


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize("overwrite", [False, True])
def test_fix__never_writes_onto_a_scan(run: Path, scans: Path, tmp_path: Path, overwrite: bool) -> None:
    before = {path.name: path.read_bytes() for path in scans.iterdir()}
    (tmp_path / "link").symlink_to(scans)
    for folder in (scans, tmp_path / "link"):
        with pytest.raises(RunError, match=r"turned\.nii\.gz is one of the scans"):
            api.orient(
                run, scans / "turned.nii.gz", out=tmp_path / "out", fix=folder, overwrite=overwrite, progress=False
            )
    assert {path.name: path.read_bytes() for path in scans.iterdir()} == before
    assert not (tmp_path / "out").exists(), "nothing was written before"


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize("overwrite", [False, True])
def test_out__never_writes_onto_a_picture_of_somebody_else(
    run: Path, scans: Path, tmp_path: Path, overwrite: bool
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "turned.png").write_bytes(b"mine")
    with pytest.raises(RunError, match=r"turned\.png is in the way"):
        api.orient(run, scans, out=out, overwrite=overwrite, progress=False)
    assert (out / "turned.png").read_bytes() == b"mine" and not list(out.glob("both*"))
    (out / "turned.png").unlink()
    api.orient(run, scans, out=out, progress=False)
    (out / "fine.png").write_bytes(b"mine")  # beside a scan that has no picture
    (scans / "fine.nii.gz").unlink()
    api.orient(run, scans, out=out, overwrite=True, progress=False)
    assert (out / "fine.png").exists()


@pytest.mark.usefixtures("knowing")
def test_out__goes_on_after_a_kill_and_asks_no_scan_twice(
    run: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, about, asked_of = tmp_path / "out", asked.Asked.about, []

    def counted(self: asked.Asked, name: str, ready: Any) -> Any:
        asked_of.append(name)
        if len(asked_of) == 4:
            raise KeyboardInterrupt
        return about(self, name, ready)

    monkeypatch.setattr(asked.Asked, "about", counted)
    with pytest.raises(KeyboardInterrupt):
        api.orient(run, scans, out=out, progress=False)
    result = api.orient(run, scans, out=out, progress=False)
    assert len(result.found) == 6 and len(asked_of) == 7 and len(set(asked_of)) == 6
    assert [each.scan for each in result.found] == sorted(WRONG | {"itk": 0, "psr": 0}), "in the order of their paths"
    fresh = api.orient(run, scans, progress=False)
    assert [each.to_json() for each in fresh.found] == [each.to_json() for each in result.found]


@pytest.mark.usefixtures("knowing")
def test_fix__of_a_scan_of_several_files_writes_a_copy_of_each(body: tuple[NDArray, NDArray], tmp_path: Path) -> None:
    images, fixed = tmp_path / "scans" / "imagesTr", tmp_path / "fixed"
    images.mkdir(parents=True)
    described = {"channel_names": {"0": "T1", "1": "T2"}, "labels": {}, "numTraining": 1, "file_ending": ".nii.gz"}
    (tmp_path / "scans" / "dataset.json").write_text(json.dumps(described))
    for number in range(2):
        array = (body[0] * (1 + number)).astype(np.int16)
        nib.save(with_wrong_header((array, body[1]), WRONG["both"]), images / f"case_000{number}.nii.gz")
    run = untrained_run(tmp_path / "run", channels=2)
    result = api.orient(run, tmp_path / "scans", fix=fixed, progress=False)
    assert not result.failed and [path.name for path in result.fixed["imagesTr__case"]] == [
        "imagesTr__case_0000.nii.gz", "imagesTr__case_0001.nii.gz",
    ]  # fmt: skip
    assert {path.name for path in fixed.iterdir()} == {path.name for path in result.fixed["imagesTr__case"]}
    for number, path in enumerate(result.fixed["imagesTr__case"]):
        copy = nib.load(path)
        np.testing.assert_array_equal(nib.as_closest_canonical(copy).dataobj, body[0] * (1 + number))
        np.testing.assert_allclose(copy.affine, nib.load(result.fixed["imagesTr__case"][0]).affine, atol=1e-4)
    again = api.orient(run, tmp_path / "scans", fix=fixed, progress=False)
    assert again.fixed == result.fixed and not again.failed, "what is there already is what would be written"


@pytest.mark.usefixtures("knowing")
def test_fix__a_copy_that_was_not_written_does_not_count(
    run: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *of: Any) -> bytes:
        if path.name == "both.nii.gz":
            raise OSError(5, "input/output error")
        return rewritten(path, *of)

    rewritten = home.rewritten
    monkeypatch.setattr(home, "rewritten", refused)
    result = api.orient(run, scans, fix=tmp_path / "fixed", progress=False)
    assert set(result.unfixed) == {"both"} and not result.failed and set(result.fixed) == {"mirrored", "itk", "turned"}


@pytest.mark.usefixtures("knowing", "untimed")
def test_check__says_of_how_many_left_and_right_were_not_told(
    run: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scans / "itk.nrrd").unlink()
    words = ["check", str(scans), "--run", str(run)]
    assert "were not told" not in CliRunner().invoke(app, words).output
    monkeypatch.setattr(asked.Asked, "_seen", lambda *_: np.array((False, True, True)))
    made = CliRunner().invoke(app, words)
    last = f"left and right of 5 scans were not told by {run}: `orienteer check {scans} --run {run} --sides RUN2`"
    assert made.exit_code == 0 and last in made.output.splitlines()[-1], made.output
    refused = CliRunner().invoke(app, [*words, "--sides", str(run)])
    assert isinstance(refused.exception, ConfigError) and "mirror image" in refused.exception.message
    alone = CliRunner().invoke(app, ["check", str(scans), "--sides", str(run)])
    assert isinstance(alone.exception, OrienteerError) and "--sides without --run" in str(alone.exception)


def test_sides__a_second_run_is_asked_by_check_as_well(run: Path, scans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []
    nothing_odd = SimpleNamespace(asker=SimpleNamespace(notes=()))

    def of(run: Run, sides: Run) -> SimpleNamespace:
        given.append(sides)
        return nothing_odd

    monkeypatch.setattr(home, "Asked", type("Asked", (), {"of": staticmethod(of)}))
    list(home.contradictions(run, [], sides=run))
    assert given and given[0].path == run
