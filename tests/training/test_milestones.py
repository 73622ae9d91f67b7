from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.training.checkpoint import checkpoint_paths, milestones, name_of, prune


@pytest.mark.parametrize(
    ("steps", "every", "kept"),
    [
        (2400, 200, {200, 400, 600, 1200}),
        (500, 125, {125, 250}),
        (6, 2, {2, 4}),
        (100, 100, {100}),
        (100, 200, set()),
        (1, 1, set()),
    ],
)
def test_milestones__half_a_quarter_an_eighth(steps: int, every: int, kept: set[int]) -> None:
    assert milestones(steps, every) == kept


@given(steps=st.integers(1, 10**6), every=st.integers(1, 5000))
def test_milestones__are_few_and_fall_on_written_checkpoints(steps: int, every: int) -> None:
    found = milestones(steps, every)
    assert len(found) <= steps.bit_length()
    assert all(0 < step <= steps and (step % every == 0 or step == steps) for step in found)


def test_prune__keeps_milestones(tmp_path: Path) -> None:
    for step in (200, 400, 600, 800, 1000):
        (tmp_path / name_of(step)).mkdir()
    prune(tmp_path, keep=1, best=800, also=milestones(1000, 200))
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(step) for step in (200, 400, 600, 800, 1000)]
    prune(tmp_path, keep=1, best=800, also=(400,))
    assert [path.name for path in checkpoint_paths(tmp_path)] == [name_of(step) for step in (400, 800, 1000)]
