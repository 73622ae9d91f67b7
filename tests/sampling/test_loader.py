"""Workers, processes and restarts change nothing that a step sees."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from orienteer.processes import Served
from orienteer.sampling import Sampler, ViewSettings, crop
from orienteer.sampling.dataset import ViewDataset
from orienteer.sampling.loader import Batch, batches, collate, step_numbers
from orienteer.sampling.settings import GeometrySettings
from orienteer.signals import Asked, Interruptible
from orienteer.store import Store
from tests.forked import assert_group_ends, server

VIEWS = ViewSettings(size=12, geometry=GeometrySettings(probability=0.5, flip=True))


@pytest.fixture(scope="module")
def sampler(store: Store) -> Sampler:
    return Sampler(store, store.ids("train"), VIEWS, seed=9)


def assert_same(one: Batch, other: Batch) -> None:
    assert one.numbers == other.numbers
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.centres, other.centres)
    assert (one.view_mm, one.spacing) == (other.view_mm, other.spacing)


def test_batches__workers_0_1_2_give_identical_batches_bit_for_bit(sampler: Sampler) -> None:
    numbers = step_numbers(0, 5, 4)
    alone = list(batches(sampler, numbers))
    assert len(alone) == 5
    for workers in (1, 2):
        worked = list(batches(sampler, numbers, workers=workers))
        for one, other in zip(alone, worked, strict=True):
            assert_same(one, other)


def _hold(sampler: Sampler, ready: Path) -> None:
    os.setsid()
    for _ in batches(sampler, step_numbers(0, 9, 1), workers=2):
        ready.touch()
        time.sleep(600)


def test_batches__workers_end_with_a_killed_parent(sampler: Sampler, tmp_path: Path) -> None:
    holder = server().Process(target=_hold, args=[sampler, tmp_path / "ready"])
    holder.start()
    while not (tmp_path / "ready").exists():
        assert holder.is_alive()
        time.sleep(0.02)
    holder.kill()
    assert_group_ends(holder.pid)


def test_batches__a_signal_while_workers_start_leaves_none_behind(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = Served.start, []

    def disturbed(process: Served) -> None:
        start(process)
        started.append(process)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Served, "start", disturbed)
    with Interruptible() as interrupt, pytest.raises(Asked), interrupt.breakable():
        list(batches(sampler, step_numbers(0, 9, 1), workers=2))
    for process in started:
        process.join(20)
    assert [process.exitcode is None for process in started] == [False, False], "both, as nothing is broken off"


def test_batches__are_the_crops_of_their_numbers(sampler: Sampler) -> None:
    for numbers, batch in zip([[3, 0], [7]], batches(sampler, [[3, 0], [7]]), strict=True):
        assert batch.numbers == tuple(numbers)
        images, centres, _, _, plain = batch.inputs
        for number, image, centre, before in zip(numbers, images, centres, plain, strict=True):
            sample = crop(sampler.draw(number), sampler.store)
            np.testing.assert_array_equal(image.numpy(), sample.images)
            np.testing.assert_array_equal(before.numpy(), sample.plain)
            assert not np.array_equal(sample.plain, sample.images)
            np.testing.assert_array_equal(centre.numpy(), sample.centres)


def test_batches__started_in_the_middle_go_on_as_if_never_stopped(sampler: Sampler) -> None:
    whole = list(batches(sampler, step_numbers(0, 6, 2)))
    for one, other in zip(whole[4:], batches(sampler, step_numbers(4, 6, 2)), strict=True):
        assert_same(one, other)


def test_batches__form(sampler: Sampler) -> None:
    batch = next(iter(batches(sampler, [[0, 1, 2, 3]])))
    assert batch.images.shape == (4, 3, 1, 12, 12, 12)
    assert batch.centres.shape == (4, 3, 3)
    assert batch.images.dtype == batch.centres.dtype == torch.float32
    assert (batch.view_mm, batch.spacing) == (36.0, 3.0)
    moved = batch.to(torch.device("meta"))
    assert moved.images.device.type == moved.centres.device.type == "meta"
    assert moved.numbers == batch.numbers


def test_collate__keeps_order(sampler: Sampler) -> None:
    samples = [ViewDataset.of(sampler, 6)[number] for number in (5, 2)]
    batch = collate(samples)
    assert batch.numbers == (5, 2)
    np.testing.assert_array_equal(batch.images[1].numpy(), samples[1].images.numpy())


def test_step_numbers__by_hand() -> None:
    assert step_numbers(2, 4, 3) == [[6, 7, 8], [9, 10, 11]]
    assert step_numbers(2, 4, 4, rank=0, processes=2) == [[8, 10], [12, 14]]
    assert step_numbers(2, 4, 4, rank=1, processes=2) == [[9, 11], [13, 15]]
    assert step_numbers(3, 3, 4) == []


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 6])
def test_step_numbers__processes_share_out_the_same_samples_of_every_step(processes: int) -> None:
    alone = step_numbers(5, 9, 12)
    shares = [step_numbers(5, 9, 12, rank=rank, processes=processes) for rank in range(processes)]
    for step, numbers in enumerate(alone):
        together = [number for share in shares for number in share[step]]
        assert sorted(together) == numbers
        assert {len(share[step]) for share in shares} == {12 // processes}


def test_step_numbers__steps_follow_one_another_without_gap_or_repeat() -> None:
    flat = [number for step in step_numbers(0, 10, 7) for number in step]
    assert flat == list(range(70))
