"""Checkpoints: exact, whole or absent, and never unpickled."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from orienteer.errors import RunError
from orienteer.seal import sealed
from orienteer.training.checkpoint import (
    Checkpoint,
    checkpoint_paths,
    latest_checkpoint,
    load_checkpoint,
    name_of,
    optimiser_tensors,
    prune,
    restore_optimiser,
    save_checkpoint,
    set_aside,
)
from orienteer.training.optimiser import build_optimiser
from orienteer.training.settings import OptimiserSettings

FILES = ("model.safetensors", "optimiser.safetensors", "state.json")


def checkpoint(step: int = 200) -> Checkpoint:
    random = torch.Generator().manual_seed(step)
    return Checkpoint(
        step=step,
        model={"conv.weight": torch.randn(4, 3, generator=random), "seen": torch.tensor(step)},
        optimiser={"0.exp_avg": torch.randn(4, 3, generator=random), "0.step": torch.tensor(float(step))},
        state={"best_step": 150, "best_value": 7.25, "seconds": 12.5},
    )


def same(one: Checkpoint, other: Checkpoint) -> bool:
    return (one.step, one.state) == (other.step, other.state) and all(
        a.keys() == b.keys() and all(torch.equal(a[k], b[k]) and a[k].dtype == b[k].dtype for k in a)
        for a, b in ((one.model, other.model), (one.optimiser, other.optimiser))
    )


def test_checkpoint__round_trip(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path / "checkpoints", checkpoint())
    assert path.name == "step_00000200"
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    assert [p.name for p in (tmp_path / "checkpoints").iterdir()] == [path.name]
    assert same(load_checkpoint(path), checkpoint())


def test_checkpoint__takes_views_and_half_precision(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    odd = Checkpoint(1, {"turned": whole.t(), "half": whole.bfloat16()}, {}, {})
    back = load_checkpoint(save_checkpoint(tmp_path, odd))
    assert torch.equal(back.model["turned"], whole.t()) and back.model["half"].dtype == torch.bfloat16
    assert back.optimiser == {}


def test_checkpoint__writing_again_replaces_the_same_step(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint())
    other = Checkpoint(200, {"w": torch.ones(2)}, {}, {"seconds": 1.0})
    save_checkpoint(tmp_path, other)
    assert same(load_checkpoint(tmp_path / name_of(200)), other)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["truncated", "emptied", "deleted", "flipped"])
def test_checkpoint__damage_is_seen_and_the_one_before_is_used(tmp_path: Path, name: str, damage: str) -> None:
    save_checkpoint(tmp_path, checkpoint(100))
    file = save_checkpoint(tmp_path, checkpoint(200)) / name
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[-10] ^= 0x01
    elif damage == "truncated":
        del data[-7:]
    elif damage == "emptied":
        data.clear()
    file.write_bytes(bytes(data))
    if damage == "deleted":
        file.unlink()
    with pytest.raises(RunError, match=name_of(200)):
        load_checkpoint(file.parent)
    found, warnings = latest_checkpoint(tmp_path)
    assert found is not None and same(found, checkpoint(100))
    assert len(warnings) == 1 and name_of(200) in warnings[0]


@pytest.mark.parametrize("name", FILES)
def test_checkpoint__no_flipped_bit_goes_unseen(tmp_path: Path, name: str) -> None:
    """Any single bit of any file: it is detected, or it says the same as before."""
    path = save_checkpoint(tmp_path, checkpoint())
    data = (path / name).read_bytes()
    for place in range(0, len(data), 1 if name == "state.json" else 7):
        for bit in (0, 3, 6):
            (path / name).write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
            try:
                read = load_checkpoint(path)
            except RunError:
                continue
            assert same(read, checkpoint()), f"bit {bit} of byte {place} changed what is read"


@pytest.mark.parametrize(
    "state", ['{"format": 1, "step": 1, "sha256": 0, "st`te": {}}', '{"format": 1, "sha256": []}', "[]"]
)
def test_checkpoint__a_state_that_lost_its_seal_and_more_is_an_error(tmp_path: Path, state: str) -> None:
    path = save_checkpoint(tmp_path, checkpoint())
    (path / "state.json").write_text(state)
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(path)


def test_checkpoint__none_whole_is_none_with_every_warning(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "nothing") == (None, ())
    for step in (1, 2):
        (save_checkpoint(tmp_path, checkpoint(step)) / "model.safetensors").unlink()
    found, warnings = latest_checkpoint(tmp_path)
    assert found is None and len(warnings) == 2


class Malicious:
    """Unpickling it leaves a file behind: the proof that something was executed."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
@pytest.mark.parametrize("kind", ["pickle", "torch"])
def test_checkpoint__a_pickle_in_disguise_is_refused_and_not_executed(tmp_path: Path, name: str, kind: str) -> None:
    """Even with a checksum that fits: whoever can plant the file can plant its checksum too."""
    import hashlib

    mark = tmp_path / "executed"
    path = save_checkpoint(tmp_path / "checkpoints", checkpoint())
    if kind == "pickle":
        (path / name).write_bytes(pickle.dumps({"conv.weight": Malicious(mark)}))
    else:
        torch.save({"conv.weight": Malicious(mark)}, path / name)
    pickle.loads(pickle.dumps(Malicious(tmp_path / "works")))
    assert (tmp_path / "works").exists()  # the trap itself is armed
    if name != "state.json":
        document = json.loads((path / "state.json").read_text())
        document["sha256"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
        (path / "state.json").write_text(json.dumps(sealed(document)))
    with pytest.raises(RunError, match="cannot be read"):
        load_checkpoint(path)
    assert not mark.exists()


def test_checkpoint__another_format_is_refused_by_number(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, checkpoint())
    document = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**document, "format": 99}))
    with pytest.raises(RunError, match="format 99"):
        load_checkpoint(path)


def test_prune__keeps_the_last_and_the_best(tmp_path: Path) -> None:
    for step in (100, 200, 300, 400, 1000):
        save_checkpoint(tmp_path, checkpoint(step))
    prune(tmp_path, keep=2, best=200)
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(step) for step in (200, 400, 1000)]
    prune(tmp_path, keep=1, best=None)
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(1000)]
    prune(tmp_path, keep=5, best=None)
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(1000)]


def test_checkpoint__a_killed_half_written_one_is_invisible_and_swept_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends between writing and renaming: nothing is cleaned up, and nothing half is ever seen."""
    save_checkpoint(tmp_path, checkpoint(100))

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", die)
        with pytest.raises(Killed):
            save_checkpoint(tmp_path, checkpoint(200))
    assert any(path.name.endswith(".part") for path in tmp_path.iterdir())
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(100)]
    found, warnings = latest_checkpoint(tmp_path)
    assert found is not None and found.step == 100 and warnings == ()
    prune(tmp_path, keep=3, best=None)
    assert [path.name for path in tmp_path.iterdir()] == [name_of(100)]
    save_checkpoint(tmp_path, checkpoint(200))
    assert latest_checkpoint(tmp_path)[0].step == 200


def test_prune__killed_while_files_go_leaves_no_torn_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (100, 200, 300):
        save_checkpoint(tmp_path, checkpoint(step))

    class Killed(BaseException):
        pass

    def die(path: Path, **_: object) -> None:
        (Path(path) / "state.json").unlink()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", die)
        with pytest.raises(Killed):
            prune(tmp_path, keep=1, best=None)
    for path in checkpoint_paths(tmp_path):
        load_checkpoint(path)
    prune(tmp_path, keep=1, best=None)
    assert [path.name for path in tmp_path.iterdir()] == [name_of(300)]


def test_set_aside__a_damaged_one_no_longer_counts_among_those_that_are_kept(tmp_path: Path) -> None:
    """Else the damaged last one would be kept, and the whole ones before it pruned."""
    for step in (100, 200):
        save_checkpoint(tmp_path, checkpoint(step))
    (tmp_path / name_of(200) / "model.safetensors").unlink()
    set_aside(tmp_path, after=100)
    save_checkpoint(tmp_path, checkpoint(150))
    prune(tmp_path, keep=1, best=None)
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(150)]
    assert (tmp_path / f"damaged_{name_of(200)}" / "state.json").is_file()


def test_checkpoint__a_full_disk_is_an_error_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path, checkpoint(100))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left") as caught:
        save_checkpoint(tmp_path, checkpoint(200))
    assert "--resume" in caught.value.cure
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [name_of(100)]
    assert same(load_checkpoint(tmp_path / name_of(100)), checkpoint(100))


def trained(steps: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.LayerNorm(7), nn.Linear(7, 1), nn.Linear(3, 3))  # the last one is idle
    optimiser = build_optimiser(model, OptimiserSettings())
    advance(model, optimiser, range(steps))
    return model, optimiser


def advance(model: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        optimiser.zero_grad()
        model[:3](torch.randn(4, 5, generator=torch.Generator().manual_seed(step))).square().sum().backward()
        optimiser.step()


def test_optimiser__goes_on_bit_for_bit_after_a_checkpoint(tmp_path: Path) -> None:
    model, optimiser = trained(5)
    path = save_checkpoint(tmp_path, Checkpoint(5, model.state_dict(), optimiser_tensors(optimiser), {}))
    advance(model, optimiser, range(5, 9))
    saved = load_checkpoint(path)
    again, fresh = trained(0)
    again.load_state_dict(dict(saved.model))
    restore_optimiser(fresh, saved.optimiser)
    assert optimiser_tensors(fresh).keys() == saved.optimiser.keys()
    for key, value in optimiser_tensors(fresh).items():
        assert torch.equal(value, saved.optimiser[key]) and value.dtype == saved.optimiser[key].dtype, key
    advance(again, fresh, range(5, 9))
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    for key, value in optimiser_tensors(optimiser).items():
        assert torch.equal(value, optimiser_tensors(fresh)[key]), key


def test_optimiser__its_state_holds_both_moments_and_the_count() -> None:
    tensors = optimiser_tensors(trained(2)[1])
    assert {key.partition(".")[2] for key in tensors} == {"exp_avg", "exp_avg_sq", "step"}
    assert len(tensors) == 3 * 6  # the idle layer has none
    assert all(value == 2 for key, value in tensors.items() if key.endswith(".step"))


def test_optimiser__restoring_keeps_the_groups_of_the_settings() -> None:
    _, old = trained(2)
    model, _ = trained(0)
    fresh = build_optimiser(model, OptimiserSettings(weight_decay=0.7))
    restore_optimiser(fresh, optimiser_tensors(old))
    assert [group["weight_decay"] for group in fresh.param_groups] == [0.7, 0.0]
