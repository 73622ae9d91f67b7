"""Every ``auto`` resolved, for machines this test does not run on as well."""

import pytest
import torch
from lightning_fabric.plugins.environments import LightningEnvironment

from orienteer.errors import ConfigError
from orienteer.training.devices import build_fabric, one_device, resolve
from orienteer.training.settings import DeviceSettings
from tests.training.nodes import of_srun, of_torchrun


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def make(*, gpus: int, cores: int, bf16: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
        monkeypatch.setattr("orienteer.training.devices.has_bfloat16", lambda: bf16)
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    return make


@pytest.mark.parametrize(
    ("gpus", "cores", "bf16", "asked", "accelerator", "devices", "precision", "threads"),
    [
        (0, 4, True, {}, "cpu", 1, "bf16-mixed", 4),
        (0, 4, False, {}, "cpu", 1, "32-true", 4),
        (0, 4, True, {"precision": "32-true"}, "cpu", 1, "32-true", 4),
        (0, 4, False, {"devices": 2}, "cpu", 2, "32-true", 2),
        (1, 8, True, {}, "gpu", 1, "bf16-mixed", 8),
        (4, 32, False, {}, "gpu", 4, "16-mixed", 32),
        (4, 32, True, {"devices": 2, "precision": "32-true"}, "gpu", 2, "32-true", 32),
        (2, 8, True, {"accelerator": "cpu"}, "cpu", 1, "bf16-mixed", 8),
        (0, 1, False, {"devices": 2}, "cpu", 2, "32-true", 1),
    ],
)
def test_resolve__auto(
    machine, gpus: int, cores: int, bf16: bool, asked: dict,
    accelerator: str, devices: int, precision: str, threads: int,
) -> None:  # fmt: skip
    machine(gpus=gpus, cores=cores, bf16=bf16)
    got = resolve(DeviceSettings(**asked))
    assert (got.accelerator, got.devices, got.precision, got.threads) == (accelerator, devices, precision, threads)
    assert "auto" not in got.model_dump().values()
    assert isinstance(got.workers, int) and got.workers >= 1
    assert resolve(got) == got


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("64", 8), ("", 8), ("0", 8), ("many", 8)])
def test_resolve__as_many_threads_as_the_environment_allows(
    machine, monkeypatch: pytest.MonkeyPatch, said: str, threads: int
) -> None:
    machine(gpus=0, cores=8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert resolve(DeviceSettings()).threads == threads
    assert resolve(DeviceSettings(threads=5)).threads == 5


@pytest.fixture
def of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of four processes on two nodes."""
    more = {"LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "1", "GROUP_WORLD_SIZE": "2", "GROUP_RANK": "1"}
    for name, value in (of_torchrun(3, 4) | more).items():
        monkeypatch.setenv(name, value)


def test_resolve__as_many_devices_as_processes_were_started(machine, of_four: None) -> None:
    machine(gpus=0, cores=8)
    for asked in (DeviceSettings(), DeviceSettings(devices=4)):
        got = resolve(asked)
        assert (got.devices, got.nodes, got.threads) == (4, 2, 4)
    machine(gpus=2, cores=8)
    assert resolve(DeviceSettings()).accelerator == "gpu"


def test_resolve__a_launcher_that_started_others_is_contradicted(machine, of_four: None) -> None:
    machine(gpus=0, cores=8)
    with pytest.raises(ConfigError, match=r"devices\.devices is 2, but torchrun has started 4 processes"):
        resolve(DeviceSettings(devices=2))
    machine(gpus=1, cores=8)
    with pytest.raises(ConfigError, match="2 processes on this node, where they see 1 GPUs"):
        resolve(DeviceSettings())


def test_build_fabric__takes_the_processes_that_were_started(of_four: None) -> None:
    asked = DeviceSettings(accelerator="cpu", devices=4, precision="32-true", threads=1, workers=0)
    fabric = build_fabric(asked)
    assert (fabric.world_size, fabric.global_rank, fabric.local_rank, fabric.node_rank) == (4, 3, 1, 1)
    assert build_fabric(asked.model_copy(update={"devices": 1})).world_size == 1


def test_build_fabric__one_task_of_slurm_starts_its_own_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in of_srun(0, 1).items():
        monkeypatch.setenv(name, value)
    fabric = build_fabric(DeviceSettings(accelerator="cpu", devices=2, precision="32-true", threads=1, workers=0))
    # Slurm's would give every process of the task the same number, and both would wait for the other.
    assert isinstance(fabric.strategy.cluster_environment, LightningEnvironment)
    assert fabric.world_size == 2


def test_resolve__what_is_asked_for_is_kept(machine) -> None:
    machine(gpus=0, cores=4)
    asked = DeviceSettings(accelerator="cpu", devices=1, precision="bf16-mixed", threads=3, workers=0)
    assert resolve(asked).model_dump() == asked.model_dump() | {"nodes": 1} == resolve(resolve(asked)).model_dump()


def test_resolve__no_gpu_is_an_error(machine) -> None:
    machine(gpus=0, cores=4)
    with pytest.raises(ConfigError, match="no GPU is there"):
        resolve(DeviceSettings(accelerator="gpu"))


def test_resolve__more_gpus_than_there_are_is_an_error(machine) -> None:
    machine(gpus=2, cores=4)
    with pytest.raises(ConfigError, match="2"):
        resolve(DeviceSettings(devices=3))


@pytest.mark.parametrize(("key", "value"), [("devices", 0), ("devices", -1), ("threads", 0), ("workers", -1)])
def test_devices__counts_below_what_makes_sense_are_errors(key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=key):
        DeviceSettings.build({key: value})


def test_build_fabric__on_one_cpu() -> None:
    fabric = build_fabric(resolve(DeviceSettings(accelerator="cpu")))
    assert fabric.world_size == 1 and fabric.device.type == "cpu"


def test_set_threads__sets_them() -> None:
    before = torch.get_num_threads()
    try:
        assert one_device(DeviceSettings(accelerator="cpu", devices=2, threads=3)).type == "cpu"
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


class Told(torch.nn.Linear):
    """Remembers what it was given, and in how many bits it computed."""

    def forward(self, features: torch.Tensor, centres_mm: torch.Tensor) -> torch.Tensor:
        self.given, self.computed = centres_mm, super().forward(features)
        return self.computed.float().sum()


def test_build_fabric__mixed_precision_leaves_millimetres_as_they_are() -> None:
    # bfloat16 would make 1203 and 1205 of both.
    centres = torch.tensor([[137.3, 1203.1, 1204.9]])
    fabric = build_fabric(DeviceSettings(accelerator="cpu", devices=1, precision="bf16-mixed", threads=1, workers=0))
    told = Told(3, 2)
    fabric.setup_module(told)(torch.ones(1, 3), centres)
    assert torch.equal(told.given, centres)
    assert told.computed.dtype == torch.bfloat16
