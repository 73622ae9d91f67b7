"""The pretext tasks there are. Adding one is a folder beside these and one line here."""

from orienteer.pretext.adjacency.task import AdjacencyTask
from orienteer.pretext.contract import PretextTask
from orienteer.pretext.gap.task import GapTask
from orienteer.pretext.genesis.task import GenesisTask
from orienteer.pretext.masked.task import MaskedTask
from orienteer.pretext.patch_location.task import PatchLocationTask
from orienteer.pretext.position.task import PositionTask
from orienteer.pretext.route.task import RouteTask
from orienteer.pretext.rpr.task import RprTask
from orienteer.pretext.simclr.task import SimclrTask
from orienteer.pretext.voco.task import VocoTask

TASKS: dict[str, type[PretextTask]] = {
    task.name: task
    for task in (
        GapTask,
        AdjacencyTask,
        RouteTask,
        PositionTask,
        MaskedTask,
        GenesisTask,
        SimclrTask,
        VocoTask,
        RprTask,
        PatchLocationTask,
    )
}
