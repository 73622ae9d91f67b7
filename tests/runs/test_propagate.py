"""``orienteer propagate``: labels lie on every scan's own grid, and what does not come back is not trusted."""

import csv
import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from typer.testing import CliRunner

from orienteer import api
from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import OrienteerError, RunError
from orienteer.runs.pretrain import pretrain
from orienteer.runs.propagate import propagate
from orienteer.seal import sealed
from orienteer.testing.phantom import phantom_store
from tests.runs.conftest import tiny
from tests.runs.test_locate import body, run, scans

__all__ = ["body", "run", "scans"]


def dice(one: NDArray, other: NDArray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_propagate__the_same_body_in_any_orientation_gets_its_labels(run: Path, scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels"
    words = ["propagate", str(run), str(scans / "exemplar.nii.gz"), str(scans / "labels.nii.gz"), str(scans / "scans")]
    made = CliRunner().invoke(app, [*words, str(out)])
    assert made.exit_code == 0, made.output
    assert "4 scans labelled" in made.output and "none" in made.output
    truth = nib.as_closest_canonical(nib.load(scans / "labels.nii.gz"))
    for name in ("RAS", "LAS", "PSR"):
        scan, labels = nib.load(scans / "scans" / f"{name}.nii.gz"), nib.load(out / f"{name}.nii.gz")
        assert labels.shape == scan.shape and labels.get_data_dtype() == np.uint8
        np.testing.assert_allclose(labels.affine, scan.affine, atol=1e-4)
        found = np.asarray(nib.as_closest_canonical(labels).dataobj)
        for value in np.unique(np.asarray(truth.dataobj))[1:]:
            assert dice(found == value, np.asarray(truth.dataobj) == value) > 0.95, (name, value)
    with (out / "trust.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4 * (len(np.unique(np.asarray(truth.dataobj))) - 1)
    assert all(float(line["predicted_dice"]) > 0.9 and float(line["cycle_mm"]) < 1.0 for line in lines)
    assert str(scans) not in (out / "propagated.json").read_text(), "paths may hold names"
    taken = CliRunner().invoke(
        app, ["ingest", str(scans / "scans"), str(tmp_path / "store"), "--labels", str(out), "--spacing", "3"]
    )
    assert taken.exit_code == 0 and "labels: 1 of 1 scan have labels" in taken.output, taken.output
    before = (out / "RAS.nii.gz").stat().st_mtime_ns
    again = CliRunner().invoke(app, [*words, str(out)])
    assert again.exit_code == 0 and (out / "RAS.nii.gz").stat().st_mtime_ns == before, "kept"


def padded(image: nib.Nifti1Image, voxels: int) -> nib.Nifti1Image:
    """With so many voxels of air before the first one, along each axis."""
    shift = np.eye(4)
    shift[:3, 3] = -voxels
    return nib.Nifti1Image(np.pad(np.asarray(image.dataobj), ((voxels, 0),) * 3), image.affine @ shift)


@pytest.mark.parametrize("where", ["neither", "exemplar", "scan"])
def test_propagate__air_around_the_body_and_other_numbers_change_nothing(
    where: str, run: Path, scans: Path, tmp_path: Path
) -> None:
    """A wide field of view is no other anatomy, nor is a scan in fractions."""
    images = {name: nib.as_closest_canonical(nib.load(scans / f"{name}.nii.gz")) for name in ("exemplar", "labels")}
    truth, scan = np.asarray(images["labels"].dataobj), padded(images["exemplar"], 24 if where == "scan" else 0)
    if where == "exemplar":
        images = {name: padded(image, 24) for name, image in images.items()}
    images["scan"] = nib.Nifti1Image((np.asarray(scan.dataobj) / 1500).astype(np.float32), scan.affine)
    for name, image in images.items():
        nib.save(image, tmp_path / f"{name}.nii.gz")
    result = propagate(
        run, tmp_path / "exemplar.nii.gz", tmp_path / "labels.nii.gz", tmp_path / "scan.nii.gz", tmp_path / "out",
        progress=False,
    )  # fmt: skip
    cut = (slice(24 if where == "scan" else 0, None),) * 3
    found = np.asarray(nib.load(tmp_path / "out" / "scan.nii.gz").dataobj)[cut]
    for value in np.unique(truth)[1:]:
        assert dice(found == value, truth == value) > 0.95, value
    assert all(each.dice > 0.9 for each in result.trust["scan"])


def test_propagate__a_scan_of_something_else_is_doubted(run: Path, scans: Path, tmp_path: Path) -> None:
    image = nib.load(scans / "exemplar.nii.gz")
    array = np.asarray(image.dataobj)
    noise = np.random.default_rng(0).integers(0, array.max(), array.shape).astype(np.int16)
    nib.save(nib.Nifti1Image(np.where(array > 0, noise, array), image.affine), tmp_path / "noise.nii.gz")
    result = api.propagate(
        run, scans / "exemplar.nii.gz", scans / "labels.nii.gz", tmp_path / "noise.nii.gz", tmp_path / "w",
        progress=False,
    )  # fmt: skip
    sound = api.propagate(
        run, scans / "exemplar.nii.gz", scans / "labels.nii.gz", scans / "exemplar.nii.gz", tmp_path / "v",
        progress=False,
    )  # fmt: skip
    doubted, trusted = (np.mean([t.dice for t in each]) for each in (result.trust["noise"], sound.trust["exemplar"]))
    assert doubted < 0.6 and trusted > 0.95
    far = ~binary_dilation(array > 0, iterations=4)
    assert far.any() and not np.asarray(nib.load(tmp_path / "w" / "noise.nii.gz").dataobj)[far].any(), "air"


def test_propagate__large_values_keep_their_value(run: Path, scans: Path, tmp_path: Path) -> None:
    image = nib.load(scans / "labels.nii.gz")
    large = nib.Nifti1Image(np.asarray(image.dataobj).astype(np.int16) * 1000, image.affine)
    nib.save(large, tmp_path / "large.nii.gz")
    propagate(run, scans / "exemplar.nii.gz", tmp_path / "large.nii.gz", scans / "exemplar.nii.gz", tmp_path / "w",
              progress=False)  # fmt: skip
    found = np.asarray(nib.load(tmp_path / "w" / "exemplar.nii.gz").dataobj)
    assert set(np.unique(found)) == set(np.unique(np.asarray(large.dataobj)))


def test_propagate__a_bad_scan_is_named_and_another_exemplar_is_refused(run: Path, scans: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "scans", tmp_path / "w"
    given.mkdir()
    (given / "cut.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes()[:900])
    (given / "good.nii.gz").write_bytes((scans / "exemplar.nii.gz").read_bytes())
    words = ["propagate", str(run), str(scans / "exemplar.nii.gz"), str(scans / "labels.nii.gz"), str(given), str(out)]
    made = CliRunner().invoke(app, words)
    assert made.exit_code == 1 and "left out: cut" in made.output and "1 scan labelled" in made.output, made.output
    assert "next: fix what was left out" in made.output and "orienteer ingest" not in made.output
    assert list(json.loads((out / "propagated.json").read_text())["left_out"]) == ["cut"]
    with pytest.raises(RunError, match="another question"):
        propagate(run, scans / "scans" / "LAS.nii.gz", scans / "labels.nii.gz", given, out, progress=False)
    propagate(run, scans / "scans" / "LAS.nii.gz", scans / "labels.nii.gz", given, out, overwrite=True, progress=False)


@pytest.mark.parametrize(("labels", "words"), [("nothing.nii.gz", "there is no"), ("empty.nii.gz", "holds no struct")])
def test_propagate__labels_that_say_nothing_are_named(
    labels: str, words: str, run: Path, scans: Path, tmp_path: Path
) -> None:
    image = nib.load(scans / "labels.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros(image.shape, dtype=np.uint8), image.affine), tmp_path / "empty.nii.gz")
    with pytest.raises(OrienteerError, match=re.escape(words)):
        propagate(run, scans / "exemplar.nii.gz", tmp_path / labels, scans / "scans", tmp_path / "w", progress=False)
    assert not (tmp_path / "w").exists()


def test_propagate__no_file_of_anybody_else_is_replaced(run: Path, scans: Path, tmp_path: Path) -> None:
    exemplar, labels = scans / "exemplar.nii.gz", scans / "labels.nii.gz"
    (tmp_path / "a").mkdir()
    scan = tmp_path / "a" / "case.nii.gz"
    scan.write_bytes((scans / "scans" / "LAS.nii.gz").read_bytes())
    before = scan.read_bytes()
    for overwrite in (False, True):
        result = propagate(run, exemplar, labels, scan, tmp_path / "a", overwrite=overwrite, progress=False)
        assert "is in the way" in result.failed["case"].message and scan.read_bytes() == before, "the scan itself"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "case.nii.gz").write_bytes(b"by hand")
    result = propagate(run, exemplar, labels, scan, tmp_path / "mine", progress=False)
    assert result.failed and (tmp_path / "mine" / "case.nii.gz").read_bytes() == b"by hand"
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "trust.csv").write_text("mine")
    with pytest.raises(RunError, match="in the way"):
        propagate(run, exemplar, labels, scan, tmp_path / "table", overwrite=True, progress=False)
    assert not (tmp_path / "table" / "propagated.json").exists()


def test_propagate__the_same_voxels_elsewhere_are_another_exemplar(run: Path, scans: Path, tmp_path: Path) -> None:
    image, labels = nib.load(scans / "exemplar.nii.gz"), nib.load(scans / "labels.nii.gz")
    flip = np.diag([-1.0, 1, 1, 1])
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), flip @ image.affine), tmp_path / "flipped.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(labels.dataobj), flip @ labels.affine), tmp_path / "flipped-seg.nii.gz")
    given = scans / "scans" / "RAS.nii.gz"
    propagate(run, tmp_path / "flipped.nii.gz", tmp_path / "flipped-seg.nii.gz", given, tmp_path / "w", progress=False)
    with pytest.raises(RunError, match="another question"):
        propagate(run, scans / "exemplar.nii.gz", scans / "labels.nii.gz", given, tmp_path / "w", progress=False)


def test_propagate__a_scan_given_for_labels_is_named(run: Path, scans: Path, tmp_path: Path) -> None:
    grid = np.indices((28, 32, 30)).sum(0).astype(np.int16)
    nib.save(nib.Nifti1Image(grid * 7, nib.load(scans / "exemplar.nii.gz").affine), tmp_path / "scan.nii.gz")
    with pytest.raises(OrienteerError):
        propagate(run, scans / "exemplar.nii.gz", tmp_path / "scan.nii.gz", scans / "scans", tmp_path / "w",
                  progress=False)  # fmt: skip
    assert not (tmp_path / "w").exists()


def test_propagate__what_is_odd_about_a_header_or_too_thin_is_said(run: Path, scans: Path, tmp_path: Path) -> None:
    image = nib.load(scans / "exemplar.nii.gz")
    array, given = np.asarray(image.dataobj), tmp_path / "scans"
    given.mkdir()
    two = nib.Nifti1Image(array, image.affine)
    other = image.affine.copy()
    other[:3, 3] += 90.0
    two.set_sform(image.affine, 4)
    two.set_qform(other, 1)
    nib.save(two, given / "a-two-forms.nii.gz")
    nib.save(nib.Nifti1Image(array[:, :, 14:16], image.affine), given / "b-thin.nii.gz")
    nib.save(image, given / "c-good.nii.gz")
    words = ["propagate", str(run), str(scans / "exemplar.nii.gz"), str(scans / "labels.nii.gz"), str(given)]
    made = CliRunner().invoke(app, [*words, str(tmp_path / "w")])
    assert made.exit_code == 1 and "2 scans labelled" in made.output, made.output
    assert "orientation-disagrees" in made.output and "left out: b-thin" in made.output
    codes = {
        e["code"]
        for e in json.loads((tmp_path / "w" / "propagated.json").read_text())["scans"]["a-two-forms"]["warnings"]
    }
    assert "orientation-disagrees" in codes


def test_propagate__what_a_kill_left_unrecorded_is_made_anew(run: Path, scans: Path, tmp_path: Path) -> None:
    given, out = scans / "scans" / "RAS.nii.gz", tmp_path / "w"
    propagate(run, scans / "exemplar.nii.gz", scans / "labels.nii.gz", given, out, progress=False)
    record = json.loads((out / "propagated.json").read_text())
    record["writing"], record["scans"] = ["RAS.nii.gz"], {}
    (out / "propagated.json").write_text(json.dumps(sealed(record)))
    (out / "RAS.nii.gz").write_bytes(b"half")
    result = propagate(run, scans / "exemplar.nii.gz", scans / "labels.nii.gz", given, out, progress=False)
    assert not result.failed and nib.load(out / "RAS.nii.gz").shape == (28, 32, 30)


def test_propagate__a_checkpoint_that_is_damaged_is_told(scans: Path, tmp_path: Path) -> None:
    settings = tiny(
        "tasks={gap: {}, position: {}}", "optimiser.steps=2", "checkpoint.every=1", "evaluation.final_per_scan=2"
    )
    pretrain(phantom_store(tmp_path, people=4), tmp_path / "run", settings=settings, progress=False)
    checkpoints = tmp_path / "run" / "checkpoints"
    best = json.loads((tmp_path / "run" / "summary.json").read_text())["best_step"]
    (checkpoints / f"step_{best:08d}" / "model.safetensors").write_bytes(b"cut")
    given = (scans / "exemplar.nii.gz", scans / "labels.nii.gz", scans / "scans" / "RAS.nii.gz")
    result = propagate(tmp_path / "run", *given, tmp_path / "w", progress=False)
    assert any(f"step_{best:08d}" in note for note in result.notes), result.notes
