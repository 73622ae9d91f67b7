"""Everything that is computed comes out as it was recorded: weights, figures, rows, scores, predictions.

Bit for bit on a machine that rounds as the one that recorded, within a tolerance elsewhere.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.golden.compare import differences, summary
from tests.golden.numerics import OPERATIONS
from tests.golden.record import GOLDEN
from tests.golden.work import collect


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute of one core; others may be using it
def test_golden__everything_comes_out_as_recorded(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    golden, found = json.loads(GOLDEN.read_text(encoding="utf-8")), collect(tmp_path)
    before, here = golden.pop("machine"), found.pop("machine")
    other = [name if name in OPERATIONS else f"{name} {here[name]}" for name in here if here[name] != before.get(name)]
    how = "bit for bit" if not other else f"within a tolerance, as this machine computes otherwise: {', '.join(other)}"
    record_property("golden", how)
    lines = list(differences(golden, found, exact=not other))
    assert not lines, (
        f"{len(lines)} values are not as recorded, compared {how} (before -> after):\n{summary(lines)}\n"
        "If they are meant to change: say why in the changelog, then  python -m tests.golden.record"
    )
