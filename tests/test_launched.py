"""Who started the processes, read off the variables that they set."""

import pytest

from orienteer.errors import ConfigError, Elsewhere, RunError
from orienteer.finetune.run import finetune
from orienteer.launched import Launched, launched, require_alone
from tests.training.nodes import of_srun, of_torchrun

BATCH_SCRIPT = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_PROCID": "0", "SLURM_NNODES": "2"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (BATCH_SCRIPT, None),
        (of_srun(0, 1), None),
        (of_srun(1, 2), Launched("srun", rank=1, size=2, local_rank=0, local_size=1, nodes=2, own_cores=1)),
        (of_torchrun(0, 1), Launched("torchrun", rank=0, size=1, local_rank=0, local_size=1, nodes=1)),
        (
            of_srun(0, 2) | of_torchrun(3, 4) | {"LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "2"},
            Launched("torchrun", rank=3, size=4, local_rank=1, local_size=2, nodes=2),
        ),
    ],
    ids=["by hand", "a batch script", "one task", "two tasks", "torchrun, one", "torchrun in Slurm"],
)
def test_launched(environment: dict[str, str], expected: Launched | None) -> None:
    assert launched(environment) == expected


@pytest.mark.parametrize("rank", [0, 1])
def test_launched__nodes_with_unequally_many_processes_are_refused_once(rank: int) -> None:
    with pytest.raises(Elsewhere if rank else ConfigError, match="3 processes cannot be shared evenly by 2 nodes"):
        launched(of_srun(rank, 3) | {"SLURM_STEP_NUM_NODES": "2"})


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TORCHELASTIC_RUN_ID": "none"}, "torchrun .* variable RANK is missing"),
        (of_torchrun(0, 2) | {"WORLD_SIZE": "two"}, "WORLD_SIZE is two"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, "srun .* SLURM_PROCID is missing"),
        ({name: of_srun(0, 2)[name] for name in of_srun(0, 2) if name != "SLURM_STEP_NODELIST"}, "SLURM_STEP_NODELIST"),
    ],
)
def test_launched__a_variable_that_is_missing_is_named_with_what_to_unset(
    environment: dict[str, str], told: str
) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        launched(environment)
    assert "unset TORCHELASTIC_RUN_ID" in refused.value.cure
    assert launched({"SLURM_STEP_NUM_TASKS": ""}) is None


@pytest.mark.parametrize(("own", "cores"), [(None, 4), (3, 3), (32, 16)])
def test_launched__cores_of_a_process(own: int | None, cores: int) -> None:
    assert Launched("srun", 0, 8, 0, 4, 2, own).cores(usable=16) == cores


@pytest.mark.parametrize(("rank", "kind"), [(0, RunError), (1, Elsewhere)])
def test_require_alone__what_one_process_does_is_refused_to_several(
    monkeypatch: pytest.MonkeyPatch, rank: int, kind: type[RunError]
) -> None:
    require_alone("orienteer ingest")
    for name, value in of_torchrun(rank, 2).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(kind, match="orienteer ingest runs in one process, and torchrun has started 2") as refused:
        require_alone("orienteer ingest")
    assert type(refused.value) is kind
    with pytest.raises(kind, match="finetune"):
        finetune("store", "out", source=None)
