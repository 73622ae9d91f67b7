"""The baselines that read view embeddings keep the contract of pretext tasks."""

from typing import ClassVar

import numpy as np

from orienteer.records import Rows
from orienteer.testing.task_contract import TaskContract


class TestSimclr(TaskContract):
    task = "simclr"
    # Softer than this, the loss has a high floor with few candidates, and little to fall.
    settings: ClassVar = {"temperature": 0.1}
    metric = False
    mixes_samples = True

    def perfect(self, rows: Rows) -> Rows:
        every = np.ones(len(rows["sample"]), dtype=np.float32)
        return {**rows, "partner_similarity": every, "other_similarity": -every}


class TestVoco(TaskContract):
    task = "voco"
    metric = False
    view_order_matters = True
    view_counts = (10,)


class TestVocoOfOneCrop(TestVoco):
    settings: ClassVar = {"random": 1}
    view_counts = (9,)


class TestRpr(TaskContract):
    task = "rpr"


class TestPatchLocation(TaskContract):
    task = "patch_location"
    metric = False
    view_order_matters = True
    learning_steps = 120
