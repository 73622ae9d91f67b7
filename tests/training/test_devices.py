"""Every ``auto`` resolved, for machines this test does not run on as well."""

import pytest
import torch

from orienteer.errors import ConfigError
from orienteer.training.devices import build_fabric, one_device, resolve
from orienteer.training.settings import DeviceSettings


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    def make(*, gpus: int, cores: int, bf16: bool = True) -> None:
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
        monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    return make


@pytest.mark.parametrize(
    ("gpus", "cores", "bf16", "asked", "accelerator", "devices", "precision", "threads"),
    [
        (0, 4, True, {}, "cpu", 1, "32-true", 4),
        (0, 4, True, {"devices": 2}, "cpu", 2, "32-true", 2),
        (1, 8, True, {}, "gpu", 1, "bf16-mixed", 8),
        (4, 32, False, {}, "gpu", 4, "16-mixed", 32),
        (4, 32, True, {"devices": 2, "precision": "32-true"}, "gpu", 2, "32-true", 32),
        (2, 8, True, {"accelerator": "cpu"}, "cpu", 1, "32-true", 8),
        (0, 1, True, {"devices": 2}, "cpu", 2, "32-true", 1),
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
