"""Predictions: on each scan's own grid, all of a folder but the scans that cannot be read, from all seeds together."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.errors import RunError
from orienteer.ingest.prepare import scaled
from orienteer.store.manifest import Parameters
from orienteer.transfer import predict as predicting
from orienteer.transfer.ensemble import Ensemble
from orienteer.transfer.goal import Goal
from orienteer.transfer.labelled import Answers
from orienteer.transfer.predict import predict
from orienteer.transfer.structures import Structures
from tests.scans.files import cut
from tests.store.phantoms import turned
from tests.transfer.cohort import quick

BRIGHT = Structures(("bright",), ((1,),))


class Levels(nn.Module):
    """Calls bright what is brighter than the middle between tissue (500) and the structure (1000), normalised."""

    def __init__(self, level: float = 0.5) -> None:
        super().__init__()
        self.level = level

    def scores(self, images: Tensor) -> Tensor:
        score = 20 * (images - self.level)
        return torch.cat([-score, score], dim=1)


class Says(nn.Module):
    """The same scores for every window."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.said = torch.tensor(scores)

    def scores(self, images: Tensor) -> Tensor:
        return self.said.expand(len(images), -1)


def ensemble(*networks: nn.Module, spacing: float = 3.0, goals: tuple[Goal, ...] = (), digest: str = "a") -> Ensemble:
    goals = goals or (Goal(("x",), BRIGHT, None, (9, 1)),) * len(networks)
    return Ensemble(
        networks=tuple(zip(networks, goals, strict=True)), goal=goals[0], settings=quick(),
        parameters=Parameters(spacing=spacing), channels=1, digest=digest, device=torch.device("cpu"),
    )  # fmt: skip


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Ensemble], None]:
    """Predict with an ensemble that was not trained."""
    return lambda one: monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, out: one))


def scan(folder: Path, name: str, affine: NDArray, every: tuple[int, int, int] = (1, 1, 1)) -> NDArray[np.bool_]:
    """Write a body with an L-shaped bright structure, so that no turn or mirror image of it is the same."""
    shape = (30, 34, 28)
    grid = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    image = np.where(sum(axis**2 for axis in grid) < 0.95, 500, 0)
    truth = np.zeros(shape, dtype=bool)
    truth[8:22, 10:16, 8:14] = truth[8:14, 10:24, 8:14] = truth[8:14, 10:16, 8:22] = True
    image[truth] = 1000
    inner = tuple(slice(None, None, n) for n in every)
    step = affine @ np.diag([*every, 1.0])
    nifti = nibabel.Nifti1Image(image[inner].astype(np.int16), step)
    nifti.set_qform(step, code=1)
    nifti.header["descrip"], nifti.header["db_name"] = b"NAME^PATIENT", b"19500101"
    nifti.header["aux_file"], nifti.header["intent_name"] = b"NAME^PATIENT", b"NAME^PATIENT"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nifti, folder / name)
    return truth[inner]


def dice(mine: NDArray, theirs: NDArray) -> float:
    return float(2 * ((mine == 1) & theirs).sum() / ((mine == 1).sum() + theirs.sum()))


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
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz", "predictions.json"]
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["classes"] == {"1": "bright"} and record["networks"] == 1
    assert record["predictions"] == {"a": "a.nii.gz", "c": "c.nii.gz"}
    assert set(record["failed"]["broken"]) == {"code", "message", "cure"}


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


def test_predict__keeps_what_is_there_unless_told(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    (tmp_path / "out" / "a.nii.gz").write_bytes(b"mine")
    again = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert again.predicted == {"a": "a.nii.gz"}
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() == b"mine"
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == (30, 34, 28)


def test_predict__another_networks_predictions_are_in_the_way(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """Kept files would be named by the new network's classes."""
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    before = (tmp_path / "out" / "a.nii.gz").read_bytes()
    stand_in(ensemble(Levels(-0.5), digest="b"))
    with pytest.raises(RunError, match="predictions of another network"):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() == before
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert (tmp_path / "out" / "a.nii.gz").read_bytes() != before


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


class Stops(Levels):
    """Killed at the second scan."""

    asked = 0

    def scores(self, images: Tensor) -> Tensor:
        self.asked += 1
        if self.asked == 2:
            raise KeyboardInterrupt
        return super().scores(images)


def whole_scans(one: Ensemble) -> Ensemble:
    """One window sees a whole scan."""
    patches = one.settings.patches.model_copy(update={"size": 96})
    return replace(one, settings=one.settings.model_copy(update={"patches": patches}))


def test_predict__a_killed_overwrite_leaves_nothing_of_the_other_network(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.nii.gz").write_bytes(b"mine")
    stand_in(ensemble(Levels()))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    first = {name: (tmp_path / "out" / f"{name}.nii.gz").read_bytes() for name in "abc"}
    stand_in(whole_scans(ensemble(Stops(-0.5), digest="b")))
    with pytest.raises(KeyboardInterrupt):
        predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["a.nii.gz", "notes.nii.gz", "predictions.json"]
    stand_in(whole_scans(ensemble(Levels(-0.5), digest="b")))
    predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert all((tmp_path / "out" / f"{name}.nii.gz").read_bytes() != before for name, before in first.items())
    assert (tmp_path / "out" / "notes.nii.gz").read_bytes() == b"mine"


def test_predict__overwriting_deletes_no_file_elsewhere(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    """A record is a file that anybody may have written."""
    three(tmp_path / "in")
    (tmp_path / "out").mkdir()
    wild = {"a": "../in/a.nii.gz", "b": str(tmp_path / "in" / "b.nii.gz"), "c": "keep.txt", "d": 7}
    (tmp_path / "out" / "keep.txt").write_text("mine")
    (tmp_path / "out" / "predictions.json").write_text(json.dumps({"network": "a", "predictions": wild}))
    stand_in(ensemble(Levels(), digest="b"))
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert len(list((tmp_path / "in").iterdir())) == 3 and (tmp_path / "out" / "keep.txt").exists()


@pytest.mark.parametrize("record", [None, "{", "[]"])
def test_predict__files_of_an_unknown_network_are_in_the_way(
    record: str | None, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    scan(tmp_path / "in", "a.nii.gz", turned("RAS", spacing=3.0))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.nii.gz").write_bytes(b"whose?")
    if record is not None:
        (tmp_path / "out" / "predictions.json").write_text(record)
    stand_in(ensemble(Levels()))
    with pytest.raises(RunError, match=r"a\.nii\.gz is in the way") as caught:
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert "--overwrite" in caught.value.cure and (tmp_path / "out" / "a.nii.gz").read_bytes() == b"whose?"
    predict("net", tmp_path / "in", tmp_path / "out", overwrite=True, progress=False)
    assert nibabel.load(tmp_path / "out" / "a.nii.gz").shape == (30, 34, 28)


NORTH = Goal(("x",), None, Answers(("north", "south")))


class Breaks(nn.Module):
    """Calls everything north; at the second scan it raises."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error, self.asked = error, 0

    def scores(self, images: Tensor) -> Tensor:
        self.asked += 1
        if self.asked == 2:
            raise self.error
        return torch.tensor([1.0, 0.0]).expand(len(images), -1)


def answers(folder: Path) -> dict[str, Any]:
    record = json.loads((folder / "predictions.json").read_text())
    return {name: answer["value"] for name, answer in record["predictions"].items()}


def three(folder: Path) -> Path:
    for name in "abc":
        scan(folder, f"{name}.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    return folder


def whole(*networks: nn.Module) -> Ensemble:
    return whole_scans(ensemble(*networks, goals=(NORTH,) * len(networks)))


def test_predict__answers_outlive_a_kill(stand_in: Callable[[Ensemble], None], tmp_path: Path) -> None:
    """And the next call goes on with the others."""
    three(tmp_path / "in")
    stand_in(whole(Breaks(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert answers(tmp_path / "out") == {"a": "north"}
    stand_in(whole(Says(0.0, 1.0)))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert {name: said["value"] for name, said in result.predicted.items()} == answers(tmp_path / "out")
    assert answers(tmp_path / "out") == {"a": "north", "b": "south", "c": "south"}


def test_predict__a_second_call_keeps_the_first_ones_answers(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    for said, names, overwrite in (((1.0, 0.0), "ab", False), ((0.0, 1.0), "bc", False), ((0.0, 1.0), "b", True)):
        stand_in(whole(Says(*said)))
        for name in names:
            scans = tmp_path / "in" / f"{name}.nii.gz"
            result = predict("net", scans, tmp_path / "out", overwrite=overwrite, progress=False)
            assert list(result.predicted) == [name]
        if names == "bc":
            assert answers(tmp_path / "out") == {"a": "north", "b": "north", "c": "south"}
    assert answers(tmp_path / "out") == {"a": "north", "b": "south", "c": "south"}


def test_predict__a_second_call_keeps_the_list_and_what_was_left_out(
    stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    three(tmp_path / "in")
    cut(tmp_path / "in" / "b.nii.gz", 0.5)
    stand_in(ensemble(Levels()))
    for name in "abc":
        predict("net", tmp_path / "in" / f"{name}.nii.gz", tmp_path / "out", progress=False)
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert record["predictions"] == {"a": "a.nii.gz", "c": "c.nii.gz"} and list(record["failed"]) == ["b"]
    scan(tmp_path / "in", "b.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    predict("net", tmp_path / "in" / "b.nii.gz", tmp_path / "out", progress=False)
    record = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert set(record["predictions"]) == {"a", "b", "c"} and not record["failed"]


@pytest.mark.parametrize("kind", ["segment", "classify"])
def test_predict__another_scan_of_the_same_name_gets_no_answer_of_the_first(
    kind: str, stand_in: Callable[[Ensemble], None], tmp_path: Path
) -> None:
    """Two wards that both call their scans a.nii.gz, predicted into one folder."""
    scan(tmp_path / "first", "a.nii.gz", turned("RAS", spacing=3.0), (2, 2, 2))
    scan(tmp_path / "second", "a.nii.gz", turned("LAS", spacing=3.0), (2, 2, 2))
    shutil.copytree(tmp_path / "first", tmp_path / "copied")
    stand_in(ensemble(Levels()) if kind == "segment" else whole(Says(1.0, 0.0)))
    predict("net", tmp_path / "first", tmp_path / "out", progress=False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert list(predict("net", tmp_path / "copied", tmp_path / "out", progress=False).predicted) == ["a"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    result = predict("net", tmp_path / "second", tmp_path / "out", progress=False)
    assert not result.predicted and [found.code for found in result.failed.values()] == ["duplicate-id"]
    assert list(json.loads((tmp_path / "out" / "predictions.json").read_text())["predictions"]) == ["a"]
    again = predict("net", tmp_path / "second", tmp_path / "out", overwrite=True, progress=False)
    assert list(again.predicted) == ["a"] and not again.failed


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

    monkeypatch.setattr(predicting, "scaled", breaks)
    stand_in(ensemble(Levels()))
    result = predict("net", tmp_path / "in", tmp_path / "out", progress=False)
    assert sorted(result.predicted) == ["a", "c"]
    assert result.failed["b"].code == code and result.failed["b"].cure


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
