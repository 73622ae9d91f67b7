"""Every task of the registry, in every form its settings offer, keeps the contract."""

from typing import ClassVar

from orienteer.pretext.registry import TASKS
from orienteer.records import Rows
from orienteer.testing.task_contract import TaskContract


class TestGap(TaskContract):
    task = "gap"


class TestGapDifference(TaskContract):
    task = "gap"
    settings: ClassVar = {"form": "difference"}


class TestGapUncertainty(TaskContract):
    task = "gap"
    settings: ClassVar = {"uncertainty": True}


class TestRoute(TaskContract):
    task = "route"


class TestRouteDifference(TaskContract):
    task = "route"
    settings: ClassVar = {"form": "difference"}


class TestAdjacency(TaskContract):
    task = "adjacency"

    def perfect(self, rows: Rows) -> Rows:
        return {
            **rows,
            "adjacent_similarity": rows["adjacent_mm"] * 0 + 1,
            "distant_similarity": rows["distant_mm"] * 0,
        }


class TestAdjacencyCosine(TestAdjacency):
    settings: ClassVar = {"loss": "cosine", "chunk": 0.4}


class TestPosition(TaskContract):
    task = "position"


class TestPositionFewVoxels(TaskContract):
    task = "position"
    settings: ClassVar = {"voxels": 40}


class TestMasked(TaskContract):
    task = "masked"
    metric = False
    view_order_matters = True  # every view is masked from its own number

    def perfect(self, rows: Rows) -> Rows:
        return {**rows, "error": rows["error"] * 0}


class TestMaskedFirstView(TestMasked):
    settings: ClassVar = {"views": 1, "loss": "l1", "ratio": 0.6}


class TestGenesis(TestMasked):
    task = "genesis"


class TestGenesisFirstView(TestMasked):
    task = "genesis"
    settings: ClassVar = {"views": 1}


def test_contract__every_registered_task_has_a_suite() -> None:
    from . import test_baselines

    suites = [*globals().values(), *vars(test_baselines).values()]
    covered = {suite.task for suite in suites if isinstance(suite, type) and hasattr(suite, "task")}
    assert covered == set(TASKS)
