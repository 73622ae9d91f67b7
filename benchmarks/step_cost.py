"""What a step of pretraining costs a device: floating-point operations, and feature maps kept for the backward pass.

    python -m benchmarks.step_cost views.size=48 network.size=base optimiser.batch=8

Counted on a CPU for one sample, in bfloat16, whatever the device will be; nothing is timed.
"""

import argparse

import torch
from torch.utils.flop_counter import FlopCounterMode

from orienteer.runs.build import build_model
from orienteer.runs.settings import PretrainSettings


def cost(settings: PretrainSettings) -> tuple[float, float]:
    """Operations (10^9), and bytes kept for the backward pass (10^6), of one sample."""
    model = build_model(settings, channels=1, spacing=3.0).train()
    views, size = settings.views.count, settings.views.size
    images, centres = torch.randn(1, views, 1, size, size, size), 100 * torch.rand(1, views, 3)
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage
        return tensor

    with (
        FlopCounterMode(display=False) as counter,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        loss = model(images, centres, size * 3.0, torch.zeros(1, 2, dtype=torch.int64)).loss
        held = sum(storage.nbytes() for storage in kept.values()) / 1e6
        loss.backward()
    return counter.get_total_flops() / 1e9, held


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assigned", nargs="*", metavar="key=value", help="settings of a pretraining")
    chosen = PretrainSettings.read({}, parser.parse_args().assigned)
    operations, held = cost(chosen)
    batch = chosen.optimiser.batch
    print(f"a sample: {operations:,.1f} billion operations, {held:,.0f} MB kept for the backward pass")
    print(f"a step of {batch}: {batch * operations:,.0f} billion operations, {batch * held:,.0f} MB")
