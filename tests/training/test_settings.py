"""When a run validates and saves."""

import pytest

from orienteer.training.settings import CheckpointSettings


@pytest.mark.parametrize(
    ("every", "early", "expected"),
    [
        (200, True, [25, 50, 100, 200, 400]),
        (200, False, [200, 400]),
        (30, True, [25, *range(30, 401, 30)]),
        (20, True, list(range(20, 401, 20))),
    ],
)
def test_due__early_ones_double_up_to_the_first_regular_one(every: int, early: bool, expected: list[int]) -> None:
    settings = CheckpointSettings(every=every)
    assert [step for step in range(1, 401) if settings.due(step, early=early)] == expected
