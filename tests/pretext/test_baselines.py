"""The baselines that read view embeddings keep the contract of pretext tasks."""

from typing import ClassVar

import numpy as np

from orienteer.pretext.patch_location import PatchLocationTask
from orienteer.pretext.rpr import RprTask
from orienteer.pretext.simclr import SimclrTask
from orienteer.pretext.voco import VocoTask
from orienteer.records import Rows
from orienteer.testing.task_contract import TaskContract


class TestSimclr(TaskContract):
    task = SimclrTask
    # Softer than this, the loss has a high floor with few candidates, and little to fall.
    settings: ClassVar = {"temperature": 0.1}
    metric = False
    mixes_samples = True

    def perfect(self, rows: Rows) -> Rows:
        every = np.ones(len(rows["sample"]), dtype=np.float32)
        return {**rows, "partner_similarity": every, "other_similarity": -every}


class TestVoco(TaskContract):
    task = VocoTask
    metric = False
    view_order_matters = True
    view_counts = (10,)


class TestVocoOfOneCrop(TestVoco):
    settings: ClassVar = {"random": 1}
    view_counts = (9,)


class TestRpr(TaskContract):
    task = RprTask


class TestPatchLocation(TaskContract):
    task = PatchLocationTask
    metric = False
    view_order_matters = True
    learning_steps = 120
