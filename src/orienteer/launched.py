"""Which of several processes this is, where ``torchrun`` or Slurm's ``srun`` has started them. Needs no torch."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orienteer.errors import ConfigError, Elsewhere, OrienteerError, RunError


@dataclass(frozen=True)
class Launched:
    """One of the processes that were started together.

    Attributes:
        by: what started them.
        rank: its number among all.
        size: how many there are.
        local_rank: its number on its node.
        local_size: how many there are on its node.
        nodes: on how many nodes they are.
        own_cores: cores that are given to it alone; None where it shares those of its node.
    """

    by: str
    rank: int
    size: int
    local_rank: int
    local_size: int
    nodes: int
    own_cores: int | None = None

    @property
    def first(self) -> bool:
        """It alone prints, and writes the run folder."""
        return self.rank == 0

    @property
    def named(self) -> str:
        """For a message that is about this process."""
        return f"process {self.rank} on {socket.gethostname()}"

    def cores(self, usable: int) -> int:
        """Its share of the cores that it may use."""
        return min(usable, self.own_cores or max(1, usable // self.local_size))


def launched(environment: Mapping[str, str] = os.environ) -> Launched | None:
    """This process among those that were started together; None where it was started alone.

    One task of ``srun`` is alone: it starts a process for each device itself.

    Raises:
        ConfigError: the nodes have unequally many processes, or some of the variables are missing.
    """
    names: Sequence[str]
    if "TORCHELASTIC_RUN_ID" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE")
        here = Launched("torchrun", *_numbers(environment, "torchrun", names, ("MASTER_ADDR", "MASTER_PORT")))
    elif environment.get("SLURM_STEP_NUM_TASKS", "1") not in ("", "1"):  # a batch script has SLURM_NTASKS, too
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_NUM_NODES")
        rank, size, local_rank, nodes = _numbers(environment, "srun", names, ("SLURM_STEP_NODELIST", "SLURM_JOB_ID"))
        own = environment.get("SLURM_CPUS_PER_TASK")
        here = Launched("srun", rank, size, local_rank, size // nodes, nodes, int(own) if own else None)
    else:
        return None
    if here.local_size * here.nodes != here.size:
        raise _by_first(here, ConfigError)(
            f"{here.size} processes cannot be shared evenly by {here.nodes} nodes",
            cure="start as many on every node: torchrun --nproc-per-node, srun --ntasks-per-node",
        )
    return here


def _numbers(environment: Mapping[str, str], by: str, names: Sequence[str], also: Sequence[str]) -> list[int]:
    """The variables as numbers; ``also`` must be there, too."""
    for name in (*names, *also):
        value = environment.get(name, "")
        if not value or (name in names and not value.isdecimal()):
            raise ConfigError(
                f"{by} has started this process, it seems, but its variable {name} is {value or 'missing'}",
                cure=f"start it with {by}; in a shell that keeps old variables, unset TORCHELASTIC_RUN_ID"
                " and SLURM_STEP_NUM_TASKS",
            )
    return [int(environment[name]) for name in names]


def require_alone(what: str) -> None:
    """Refuse what one process does to be done by several, who would write the same files.

    Raises:
        RunError: several were started.
    """
    here = launched()
    if here is not None and here.size > 1:
        raise _by_first(here, RunError)(
            f"{what} runs in one process, and {here.by} has started {here.size}",
            cure="start it once, without torchrun and with one task; only `orienteer pretrain` shares its work",
        )


def _by_first(here: Launched, error: type[OrienteerError]) -> type[OrienteerError]:
    """All of them end; one says why."""
    return error if here.first else Elsewhere
