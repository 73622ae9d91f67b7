"""Predictions: on each scan's own grid, all of a folder but the scans that cannot be read, from all seeds together."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from orienteer.errors import RunError
from orienteer.finetune import predict as predicting
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.goal import Goal
from orienteer.finetune.labelled import Answers
from orienteer.finetune.predict import predict
from orienteer.ingest.prepare import scaled
from orienteer.records.trained_on import Content, Frame, TrainedOn
from tests.finetune.standins import (
    Breaks,
    Levels,
    Says,
    answers,
    dice,
    ensemble,
    scan,
    three,
    whole,
)
from tests.scans.files import cut, nifti
from tests.store.phantoms import turned

KINDS: dict[str, tuple[NDArray, tuple[int, int, int]]] = {
    "las.nii.gz": (turned("LAS", spacing=2.0), (1, 1, 1)),
    "ward/oblique.nii": (turned("PIR", (17, -23, 11), spacing=2.0), (1, 1, 1)),
    "thick.nii.gz": (turned("RAS", (5, 8, 0), spacing=2.0), (1, 1, 3)),
    "same.nii.gz": (turned("LPI", spacing=3.0), (1, 1, 1)),
}


def test_predict__lies_on_each_scans_own_grid(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    truths = {name: scan(tmp_path / "in", name, *how) for name, how in KINDS.items()}
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert not result.failed
    assert result.predicted == {name: f"{name}.nii.gz" for name in ("las", "same", "thick", "ward__oblique")}
    for name, truth in truths.items():
        source = nibabel.load(tmp_path / "in" / name)
        said = nibabel.load(tmp_path / "out" / (name.split(".")[0].replace("/", "__") + ".nii.gz"))
        assert said.shape == source.shape
        assert nibabel.aff2axcodes(said.affine) == nibabel.aff2axcodes(source.affine)
        assert np.allclose(said.affine, source.affine, atol=1e-5)
        found = dice(np.asarray(said.dataobj), truth)
        assert found == 1.0 if name.startswith("same") else found > 0.9, (name, found)


def test_predict__takes_nothing_from_the_scans_header(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("LAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in" / "a.nii.gz", tmp_path / "out", progress=False)
    header = nibabel.load(tmp_path / "out" / "a.nii.gz").header
    assert [header[key].item() for key in ("descrip", "db_name", "aux_file", "intent_name")] == [b""] * 4
    assert "PATIENT" not in (tmp_path / "out" / "predictions.json").read_text()


def test_predict__a_corrupt_scan_costs_no_other(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    for name in ("a", "broken", "c"):
        scan(tmp_path / "in", f"{name}.nii.gz", turned("RAS", spacing=3.0))
    cut(tmp_path / "in" / "broken.nii.gz", 0.5)
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert sorted(result.predicted) == ["a", "c"] and list(result.failed) == ["broken"]
    assert result.failed["broken"].code in ("truncated", "damaged") and result.failed["broken"].cure
    assert result.failed["broken"].message.count("broken.nii.gz") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz", "predictions.json"]
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["classes"] == {"1": "bright"} and record["networks"] == 1
    assert record["predictions"] == {"a": "a.nii.gz", "c": "c.nii.gz"}
    assert set(record["failed"]["broken"]) == {"code", "message", "cure"}


def test_predict__scans_that_hold_nothing_to_predict_are_named_and_odd_ones_go_on(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "ward ü/good scan.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "in" / "link.nii.gz").symlink_to("ward ü/good scan.nii.gz")
    image = nibabel.load(tmp_path / "in" / "link.nii.gz")
    voxels = image.get_fdata(dtype=np.float32)
    spoilt = {
        "few": np.where(np.arange(voxels.size).reshape(voxels.shape) < 100, np.inf, voxels),
        "nan": np.full_like(voxels, np.nan),
        "same": np.full_like(voxels, 7),
        "nearly": np.where(np.arange(voxels.size).reshape(voxels.shape) == 5, 8, 7),
        **{f"thin{n}": voxels[:, :, 12 : 12 + n] for n in (1, 2, 3)},
    }
    for name, array in spoilt.items():
        nibabel.save(nibabel.Nifti1Image(array.astype(np.float32), image.affine), tmp_path / "in" / f"{name}.nii")
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert {name: found.code for name, found in result.failed.items()} == {
        "nan": "not-finite", "nearly": "constant", "same": "constant", "thin1": "two-dimensional",
    }  # fmt: skip
    assert all(found.message.startswith(f"{name}.nii: ") and found.cure for name, found in result.failed.items())
    assert sorted(result.predicted) == ["few", "link", "thin2", "thin3", "ward ü__good scan"]
    assert [found.code for found in result.warnings["few"]] == ["not-finite"]


def test_predict__says_what_a_networks_user_can_do_and_names_no_option_of_ingest(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    odd = {"tiny": ((4, 4, 4), 0.1, 0.1), "coarse": ((60, 60, 60), 45.0, 45.0), "thick": ((30, 30, 10), 1.0, 9.0)}
    for name, (shape, mm, thick) in odd.items():
        voxels = np.random.default_rng(0).integers(0, 900, shape).astype(np.int16)
        nifti(tmp_path / "in" / f"{name}.nii", voxels, np.diag([mm, mm, thick, 1]))
    nifti(
        tmp_path / "in" / "few.nii", (np.indices((24, 28, 22)).sum(0) // 30).astype(np.int16), np.diag([3.0, 3, 3, 1])
    )
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    told = [(name, found) for name, found in result.failed.items()]
    told += [(name, found) for name, each in result.warnings.items() for found in each]
    assert sorted((name, found.code) for name, found in told) == [
        ("coarse", "too-large"), ("few", "looks-like-labels"), ("thick", "anisotropic"), ("tiny", "too-small"),
    ]  # fmt: skip
    assert not any("ingest" in found.cure or "--" in found.cure for _, found in told)
    assert "trained at a finer spacing" in result.failed["tiny"].cure


def test_predict__other_channels_and_equal_ids_are_left_out(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    scan(tmp_path / "in", "a.nii", turned("RAS", spacing=3.0))
    one = ensemble(Levels())
    stand_in(one)
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert list(result.predicted) == ["a"]
    assert [finding.code for finding in result.failed.values()] == ["duplicate-id"]
    stand_in(Ensemble(**{**vars(one), "channels": 2}))
    result = predict("net", tmp_path / "in" / "a.nii", tmp_path / "two", progress=False)
    assert result.failed["a"].code == "channels-mixed"
    assert "1 channel, the network reads 2 channels" in result.failed["a"].message


@pytest.mark.parametrize("overwrite", [False, True])
def test_predict__never_replaces_a_scan(overwrite: bool, stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    for name in ("a", "b"):
        scan(tmp_path / "in", f"{name}.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    stand_in(ensemble(Levels()))
    for scans, out in (("in", "in"), ("in", "link"), ("in/a.nii.gz", "in")):
        with pytest.raises(RunError, match=r"would replace .*a\.nii\.gz") as caught:
            predict("net", tmp_path / scans, tmp_path / out, overwrite=overwrite, progress=False)
        assert "another folder" in caught.value.cure
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before


def test_predict__answers_may_lie_among_the_scans(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    three(tmp_path / "in")
    stand_in(whole(Says(1.0, 0.0)))
    for _ in range(2):
        predict("net", tmp_path / "in", tmp_path / "in", progress=False)
        assert answers(tmp_path / "in") == dict.fromkeys("abc", "north")
    assert len(list((tmp_path / "in").iterdir())) == 4


def test_predict__predictions_among_the_scans_are_no_scans(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    for _ in range(2):
        result = predict("net", tmp_path / "in", tmp_path / "in" / "said", progress=False)
        assert result.predicted == {"a": "a.nii.gz"} and not result.failed


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_predict__a_scan_too_large_costs_no_other(
    error: Exception, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    stand_in(whole(Breaks(error)))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert sorted(result.predicted) == ["a", "c"]
    assert (result.failed["b"].code, result.failed["b"].cure) == ("out-of-memory", "predict it on its own")


@pytest.mark.parametrize(
    ("said", "code"),
    [("Failed to allocate memory for image.", "out-of-memory"), ("Zero-valued spacing", "unreadable")],
)
def test_predict__a_scan_that_resampling_breaks_on_costs_no_other(
    said: str, code: str, stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(tmp_path / "in")
    asked: list[None] = []

    def breaks(*given: Any) -> Any:
        asked.append(None)
        if len(asked) == 2:
            raise RuntimeError(f"Exception thrown in SimpleITK Resample: {said}")
        return scaled(*given)

    monkeypatch.setattr("orienteer.runs.scan.scaled", breaks)
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert sorted(result.predicted) == ["a", "c"]
    assert result.failed["b"].code == code and result.failed["b"].cure


def test_predict__a_scan_far_larger_than_training_is_refused_before_it_is_resampled(
    stand_in: Callable[[Ensemble], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain = Frame((3.0, 3.0, 3.0), (90.0, 102.0, 84.0), ((0.0, 1000.0),))
    known = TrainedOn.of([brain], [Content(0.5, np.zeros((1, 4)), np.zeros((1, 1)))], None, spacing_mm=3.0)
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    scan(tmp_path / "in", "ward/huge.nii.gz", turned("LPS", spacing=49.0))
    resampled: list[tuple[int, ...]] = []
    monkeypatch.setattr(
        predicting, "for_network", lambda volume, how: resampled.append(volume.shape) or scaled(volume, how)
    )
    monkeypatch.setattr(Ensemble, "unfamiliar", lambda *given: ())
    stand_in(replace(ensemble(Levels()), trained_on=(known,)))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert list(result.predicted) == ["a"] and len(resampled) == 1
    found = result.failed["ward__huge"]
    assert found.code == "too-large" and "voxel size" in found.cure
    assert "ward/huge.nii.gz: voxels of 49 x 49 x 49 mm make it" in found.message


def test_predict__what_breaks_on_every_scan_is_no_finding(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    three(tmp_path / "in")
    stand_in(whole(Breaks(RuntimeError("CUDA error: an illegal memory access was encountered"))))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)


def predicted(stand_in: Callable[[Ensemble], None], folder: Path, one: Ensemble) -> Any:
    scan(folder / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(one)
    return predict("net", folder / "in", folder / "out", progress=False).predicted["a"]


def test_predict__seeds_average_their_probabilities(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    """One network sure of it outweighs one that leans the other way."""
    sure, doubting = Levels(), Levels(1.02)
    predicted(stand_in, tmp_path, ensemble(sure, doubting))
    truth = scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    assert dice(np.asarray(nibabel.load(tmp_path / "out" / "a.nii.gz").dataobj), truth) == 1.0
    predicted(stand_in, tmp_path / "alone", ensemble(doubting))
    assert np.asarray(nibabel.load(tmp_path / "alone" / "out" / "a.nii.gz").dataobj).sum() < 0.5 * truth.sum()


def test_predict__a_number_is_in_the_columns_unit(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    """Each network on the scale of its own training scans: 40 + 10 and 60 - 5 average to 52.5."""
    goals = (Goal(("x",), None, Answers((), 40.0, 10.0)), Goal(("y",), None, Answers((), 60.0, 5.0)))
    said = predicted(stand_in, tmp_path, ensemble(Says(1.0), Says(-1.0), goals=goals))
    assert said == {"value": pytest.approx(52.5)}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["predictions.json"]


def test_predict__a_category_comes_with_its_probability(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    goal = Goal(("x",), None, Answers(("north", "south")))
    said = predicted(stand_in, tmp_path, ensemble(Says(0.0, 2.0), Says(0.0, 0.0), goals=(goal, goal)))
    assert said == {"value": "south", "probability": pytest.approx((1 / (1 + np.exp(-2)) + 0.5) / 2)}


@pytest.mark.parametrize("name", ["oasis/images/1000.nii.gz", "wild/t2_thick_slices_oblique.nii.gz"])
def test_real__orientation_and_affine_are_the_files(
    name: str, real_data: Path, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    stand_in(ensemble(Levels(), spacing=4.0))
    result = predict("net", real_data / name, tmp_path, progress=False)
    (file,) = result.predicted.values()
    source, said = nibabel.load(real_data / name), nibabel.load(tmp_path / file)
    assert said.shape == source.shape[:3]
    assert np.allclose(said.affine, source.affine, atol=1e-4)
    mine, image = np.asarray(said.dataobj), np.asarray(source.dataobj).reshape(said.shape)
    # What it calls bright is bright in the file itself, voxel by voxel: no axis was turned or mirrored.
    assert 0.005 < mine.mean() < 0.5
    assert np.median(image[mine == 1]) > np.quantile(image[mine == 0], 0.8)


def test_predict__a_name_too_long_for_the_disk_costs_no_other(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    stand_in(ensemble(Levels()))
    deep = tmp_path / "in" / ("k" * 200) / ("l" * 200)
    for folder, name in ((tmp_path / "in", "a"), (tmp_path / "in", "m" * 240), (deep, "q")):
        scan(folder, f"{name}.nii.gz", turned("RAS", spacing=3.0))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert set(result.predicted) == {"a", "m" * 240}
    ((name, found),) = result.failed.items()
    assert name.endswith("__q") and "longer than 255 bytes" in found.message and found.cure.startswith("shorten")
