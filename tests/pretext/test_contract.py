"""Every task of the registry, in every form its settings offer, keeps the contract."""

from typing import ClassVar

from orienteer.pretext.adjacency import AdjacencyTask
from orienteer.pretext.gap import GapTask
from orienteer.pretext.genesis import GenesisTask
from orienteer.pretext.masked import MaskedTask
from orienteer.pretext.position import PositionTask
from orienteer.pretext.registry import TASKS, task_type
from orienteer.pretext.route import RouteTask
from orienteer.records import Rows
from orienteer.testing.task_contract import TaskContract


class TestGap(TaskContract):
    task = GapTask


class TestGapDifference(TaskContract):
    task = GapTask
    settings: ClassVar = {"form": "difference"}


class TestGapUncertainty(TaskContract):
    task = GapTask
    settings: ClassVar = {"uncertainty": True}


class TestRoute(TaskContract):
    task = RouteTask


class TestRouteDifference(TaskContract):
    task = RouteTask
    settings: ClassVar = {"form": "difference"}


class TestAdjacency(TaskContract):
    task = AdjacencyTask

    def perfect(self, rows: Rows) -> Rows:
        return {
            **rows,
            "adjacent_similarity": rows["adjacent_mm"] * 0 + 1,
            "distant_similarity": rows["distant_mm"] * 0,
        }


class TestAdjacencyCosine(TestAdjacency):
    settings: ClassVar = {"loss": "cosine", "chunk": 0.4}


class TestPosition(TaskContract):
    task = PositionTask


class TestPositionFewVoxels(TaskContract):
    task = PositionTask
    settings: ClassVar = {"voxels": 40}


class TestMasked(TaskContract):
    task = MaskedTask
    metric = False
    view_order_matters = True  # every view is masked from its own number

    def perfect(self, rows: Rows) -> Rows:
        return {**rows, "error": rows["error"] * 0}


class TestMaskedFirstView(TestMasked):
    settings: ClassVar = {"views": 1, "loss": "l1", "ratio": 0.6}


class TestGenesis(TestMasked):
    task = GenesisTask


class TestGenesisFirstView(TestMasked):
    task = GenesisTask
    settings: ClassVar = {"views": 1}


def test_contract__every_registered_task_has_a_suite() -> None:
    from . import test_baselines, test_pose

    suites = [*globals().values(), *vars(test_baselines).values(), *vars(test_pose).values()]
    covered = {suite.task for suite in suites if isinstance(suite, type) and hasattr(suite, "task")}
    assert covered == {task_type(name) for name in TASKS}
