"""What one pretraining step of every arm costs: processor time, which other work on the machine does not change much.

    python benchmarks/step_cost.py benchmarks/oasis-cpu.yaml STORE [--steps 30]

Prints the median step of each arm as rows of a Markdown table. The first five steps are left out: they warm up.
"""

import argparse
import statistics
import time
from pathlib import Path

from orienteer.benchmark.plan import cells_of
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.pretraining.settings import PretrainSettings
from orienteer.pretraining.work import Pretraining
from orienteer.store import Store
from orienteer.training.devices import build_fabric, resolve, set_threads
from orienteer.training.loop import optimise
from orienteer.training.optimiser import build_optimiser

WARM_UP = 5


def step_seconds(settings: PretrainSettings, store: Store, steps: int) -> list[float]:
    """Processor seconds of each step after the warm-up, data included."""
    settings = settings.model_copy(update={"devices": resolve(settings.devices)})
    set_threads(settings.devices)
    fabric, work = build_fabric(settings.devices), Pretraining(settings, store)
    model = work.build()
    wrapped, optimiser = fabric.setup(model, build_optimiser(model, settings.optimiser, work.gentle(model)))
    stream = work.batches(0, rank=0, processes=1)
    loop = optimise(
        fabric, wrapped, optimiser, stream, settings.optimiser,
        seed=settings.seed, start=0, after_step=work.follow(model),
    )  # fmt: skip
    took, began = [], time.process_time()
    for result in loop:
        took.append(time.process_time() - began)
        if result.step == WARM_UP + steps:
            break
        began = time.process_time()
    stream.close()
    return took[WARM_UP:]


def main() -> None:
    """Measure every arm of a benchmark that is pretrained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    chosen = parser.parse_args()
    benchmark = BenchmarkSettings.load(chosen.config)
    store = Store.open(chosen.store)
    print("| arm | processor time of a step | of the whole pretraining |\n|---|---:|---:|")
    for cell in cells_of(benchmark, Path("unused")):
        if isinstance(cell.settings, PretrainSettings) and cell.seed == benchmark.pretrain_seeds[0]:
            median = statistics.median(step_seconds(cell.settings, store, chosen.steps))
            whole = median * cell.settings.optimiser.steps / 60
            print(f"| {benchmark.arms[cell.arm].label} | {median:.2f} s | {whole:.0f} min |", flush=True)


if __name__ == "__main__":
    main()
