"""What ``orienteer finetune`` prints at its end."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from orienteer.cli.finetune import ROWS, _print
from orienteer.finetune.run import FinetuneResult
from orienteer.finetune.summary import FinetuneSummary, ScoreSummary


@pytest.mark.parametrize("more", [0, 98])
def test_print__the_mean_of_many_structures_is_on_the_screen_and_all_are_in_a_file(more: int) -> None:
    items: dict[str, float | None] = {f"structure {n}": 0.5 for n in range(ROWS + more)}
    score = ScoreSummary(mean=0.5, seeds=(0.5,), undefined=0, items=items)
    summary = FinetuneSummary(
        kind="segment", split="test", labelled_scans=1, cases=8, pretrained=True, scores={"dice": score}
    )
    console = Console(file=StringIO(), width=80)
    _print(FinetuneResult(Path("out"), summary), None, 0, console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert told.count("structure ") == ROWS and "mean" in told
    assert (f"and {more} more" in told) == ("of every structure: out/summary.json" in told) == (more > 0)
