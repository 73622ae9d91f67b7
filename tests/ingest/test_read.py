"""What is shown while scans are read."""

import pytest

from orienteer.ingest.prepare import Outcome
from orienteer.ingest.read import _shown


@pytest.mark.parametrize(("total", "told"), [(19, []), (20, range(2, 21, 2)), (250, range(25, 251, 25))])
def test_shown__a_log_is_told_every_tenth_without_names(
    total: int, told: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = [Outcome(f"anna_{number}") for number in range(total)]
    assert list(_shown(iter(outcomes), total, progress=True)) == outcomes
    shown = capsys.readouterr().err
    assert [line for line in shown.splitlines() if line] == [f"reading scans: {done} of {total}" for done in told]
    assert list(_shown(iter(outcomes), total, progress=False)) == outcomes
    assert capsys.readouterr().err == ""
