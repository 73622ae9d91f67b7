"""Settings of optimisation, devices and checkpoints."""

from typing import Annotated, Literal

from pydantic import Field

from orienteer.config import Config

EARLY = frozenset(25 << n for n in range(20))
"""Steps of the first validations: when a run began to learn can be read off them."""


class OptimiserSettings(Config):
    """Muon or AdamW, with warm-up and cosine decay."""

    name: Literal["adamw", "muon"] = "adamw"
    """``muon`` steps weight matrices along their orthogonalised momentum and the rest by AdamW; both take the same
    rates."""
    steps: int = Field(2000, ge=1)
    """Optimiser steps in the whole run."""
    batch: int = Field(4, ge=1)
    """Samples per step, over all processes: of a scan's K views in pretraining, of one patch in fine-tuning."""
    learning_rate: float = Field(2e-3, gt=0)
    """Peak learning rate."""
    weight_decay: float = Field(0.05, ge=0)
    """Decay of weights but not of norms and biases, as a share of the rate."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps over which the rate rises."""
    final: float = Field(0.01, ge=0, le=1)
    """Last rate as a share of the peak."""
    clip: float = Field(1.0, gt=0)
    """Largest norm of the gradient."""


class PlateauSettings(Config):
    """When a training that learns no more is brought to its end. Its own training loss decides, no other subject."""

    window: int = Field(500, ge=1)
    """Steps over which the loss is averaged; the first of them begin once the rate has risen and all weights learn."""
    fall: float = Field(0.02, ge=0, lt=1)
    """Share of its lowest mean so far by which a mean must lie lower to count as learning."""
    patience: int = Field(2, ge=1)
    """Windows in a row without learning before the rate, held until then, decays."""
    earliest: int = Field(0, ge=0)
    """Step before which it never decays."""
    decay: float = Field(0.25, gt=0, le=10)
    """Steps of the decay, as a share of those before it; with the last of them the training ends."""


class DeviceSettings(Config):
    """Where and how exactly the run computes."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    """``auto`` takes the GPUs that are there."""
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """How many devices; more than one trains in parallel processes. ``auto`` is all GPUs, or one CPU process; where
    ``torchrun`` or ``srun`` has started the processes, a device for each of them."""
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    """``auto`` is bfloat16 where GPU or CPU has it, else float16 on a GPU and float32 on a CPU."""
    threads: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """CPU threads for computing; ``auto`` is one per core, or what ``OMP_NUM_THREADS`` says. The same number gives
    bit-for-bit the same run."""
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    """Loader processes; never changes a result."""
    timeout_s: float = Field(300, gt=0)
    """Seconds that one of several processes may keep the others waiting before they end. Waiting for a validation or
    a checkpoint does not count."""


class ResolvedDevices(DeviceSettings):
    """Devices with no ``auto`` left: what really happens."""

    accelerator: Literal["cpu", "gpu"]
    devices: Annotated[int, Field(ge=1)]
    precision: Literal["32-true", "bf16-mixed", "16-mixed"]
    threads: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=0)]
    nodes: Annotated[int, Field(ge=1)] = 1
    """How many machines the devices are in."""


class CheckpointSettings(Config):
    """What is kept on disk."""

    every: int = Field(200, ge=1)
    """Steps between checkpoints (and validations); a pretraining also has them after 25, 50, 100 ... steps."""
    log_every: int = Field(10, ge=1)
    """Steps between lines of training figures in the records; the others are not observed."""
    keep: int = Field(3, ge=1)
    """Most recent checkpoints that are kept; where a run chooses a best one, that one too."""
    milestones: bool = True
    """Also keep those at half, a quarter, an eighth ... of the steps: ``observe`` replays how the run learned."""

    def logged(self, step: int, *, of: int) -> bool:
        """Whether the training figures of a step are recorded; those of the last one always are."""
        return step % self.log_every == 0 or step == of

    def due(self, step: int, *, early: bool) -> bool:
        """Whether it is time to validate and save; ``early`` also soon after the start."""
        return step % self.every == 0 or (early and step < self.every and step in EARLY)
