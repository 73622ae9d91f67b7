"""From settings to a Fabric: devices, precision and threads, with every ``auto`` resolved and recorded."""

import logging
import os
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.strategies import DDPStrategy
from torch import nn

from orienteer.errors import ConfigError
from orienteer.hardware import has_bfloat16
from orienteer.launched import Launched, launched
from orienteer.memory import keep_freed
from orienteer.processes import available_cores
from orienteer.training.settings import DeviceSettings, ResolvedDevices
from orienteer.training.shallow import mind_shallow_maps


def resolve(settings: DeviceSettings) -> ResolvedDevices:
    """The same settings with no ``auto`` left, so that a run's record says what really happened.

    Resolved settings stay as they are.

    Raises:
        ConfigError: more GPUs are asked for than there are, or other devices than processes were started.
    """
    gpus, here = torch.cuda.device_count(), launched()
    if settings.accelerator == "gpu" and gpus == 0:
        raise ConfigError("devices.accelerator is gpu, but no GPU is there", cure="use auto or cpu")
    gpu = settings.accelerator == "gpu" or (settings.accelerator == "auto" and gpus > 0)
    if here is not None:
        devices = _as_launched(settings, here, gpus if gpu else None)
        sharing, cores = 1, here.cores(available_cores())
    else:
        devices = settings.devices if settings.devices != "auto" else (gpus if gpu else 1)
        if gpu and devices > gpus:
            raise ConfigError(f"devices.devices is {devices}, but there are {gpus} GPUs", cure="use auto, or fewer")
        sharing, cores = devices, available_cores()
    threads = settings.threads if settings.threads != "auto" else max(1, _allowed(cores) // (1 if gpu else sharing))
    # On a CPU the loader shares the cores with the computation: one process ahead is enough.
    workers = settings.workers if settings.workers != "auto" else (min(8, max(1, cores // sharing - 1)) if gpu else 1)
    precision = settings.precision
    if precision == "auto":
        bfloat16 = torch.cuda.is_bf16_supported() if gpu else has_bfloat16()
        precision = "bf16-mixed" if bfloat16 else "16-mixed" if gpu else "32-true"
    return ResolvedDevices(
        accelerator="gpu" if gpu else "cpu", devices=devices, precision=precision, threads=threads, workers=workers,
        timeout_s=settings.timeout_s, nodes=1 if here is None else here.nodes,
    )  # fmt: skip


def _as_launched(settings: DeviceSettings, here: Launched, gpus: int | None) -> int:
    """A device for each process that was started."""
    if settings.devices not in ("auto", here.size):
        raise ConfigError(
            f"devices.devices is {settings.devices}, but {here.by} has started {here.size} processes",
            cure="use auto, or start as many processes",
        )
    if gpus is not None and gpus < here.local_size:
        raise ConfigError(
            f"{here.by} has started {here.local_size} processes on this node, where they see {gpus} GPUs",
            cure="start one for each GPU, and let all of them see all GPUs of their node (--gres, not --gpus-per-task)",
        )
    return here.size


def _allowed(cores: int) -> int:
    """As many threads as there are cores, or as ``OMP_NUM_THREADS`` allows, which a scheduler may have set."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdecimal() and int(asked) > 0 else cores


def build_fabric(settings: DeviceSettings) -> Fabric:
    """A Fabric for resolved settings; several devices run in a process each."""
    # Else Fabric prints what run.json records anyway, once for every scan that is scored.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = "cuda" if settings.accelerator == "gpu" else "cpu"
    here = launched() if settings.devices != 1 else None
    # Chosen, not found: Fabric takes a task of Slurm's, which starts its processes itself, for one of many.
    plugins: list[Any] = [LightningEnvironment() if here is None else TorchElasticEnvironment()]
    options: dict[str, Any] = {}
    if settings.devices != 1:
        # Each step uses the same weights; some none at all (the pooling when every task is dense), which plain DDP
        # takes for a mistake.
        options["strategy"] = DDPStrategy(
            start_method="spawn" if here is None else "popen",
            timeout=timedelta(seconds=settings.timeout_s),
            static_graph=True,
        )
    if settings.precision == "32-true":
        options["precision"] = settings.precision
    else:
        plugins.append(ExactInputs(settings.precision, device))
    devices, nodes = (settings.devices, 1) if here is None else (here.local_size, here.nodes)
    return Fabric(accelerator=device, devices=devices, num_nodes=nodes, plugins=plugins, **options)


def one_device(settings: DeviceSettings) -> torch.device:
    """The first device, for work that is not shared; this process then computes with the resolved number of threads."""
    resolved = resolve(settings).model_copy(update={"devices": 1})
    prepare_process(resolved)
    device: torch.device = build_fabric(resolved).device
    return device


class ExactInputs(MixedPrecision):  # type: ignore[misc]
    """Mixed precision that takes a batch as it is; autocast alone decides what is computed in 16 bits.

    But for convolutions whose gradient it would get wrong (``orienteer.training.shallow``).

    Fabric's own rounds every number that a model is given. Positions are given in mm: at the 8 bits of bfloat16 they
    would be off by up to 0.5 mm beyond 128 mm, and by up to 4 mm beyond a metre.
    """

    def convert_input(self, data: Any) -> Any:
        """``data`` itself."""
        return data

    def convert_module(self, module: nn.Module) -> nn.Module:
        """``module`` itself, with an eye on its shallow maps."""
        mind_shallow_maps(module)
        return module


def autocast(settings: DeviceSettings, device: torch.device) -> AbstractContextManager[Any]:
    """The resolved precision outside of a Fabric's own forward pass (scoring whole scans)."""
    if settings.precision == "32-true":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16 if settings.precision == "bf16-mixed" else torch.float16)


def prepare_process(settings: ResolvedDevices) -> None:
    """Compute in this process with the resolved number of threads, and keep what a step frees for the next."""
    torch.set_num_threads(settings.threads)
    keep_freed()
