"""Kill a run with SIGKILL at random moments, resume it each time, and compare with a run left in peace.

    python benchmarks/kill_and_resume.py STORE OUT [--kills 6] [--steps 60] [--seed 0]

Exits with 1 unless every weight of the last checkpoint, every observation and every final figure is equal bit for
bit. The moments are drawn from ``--seed``: from before the first checkpoint to after the last.
"""

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from safetensors.numpy import load_file

TIMES = {"seconds", "data_wait_fraction"}


def main() -> None:
    """Run undisturbed, run disturbed, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="assign")
    chosen = parser.parse_args()
    peace, war = chosen.out / "undisturbed", chosen.out / "killed"
    for folder in (peace, war):
        shutil.rmtree(folder, ignore_errors=True)
    options = [f"optimiser.steps={chosen.steps}", "checkpoint.every=10", "evaluation.final_per_scan=4", *chosen.assign]
    command = [sys.executable, "-m", "orienteer", "pretrain", str(chosen.store)]
    sets = [part for option in options for part in ("--set", option)]
    began = time.perf_counter()
    subprocess.run([*command, str(peace), *sets], check=True, capture_output=True)
    whole = time.perf_counter() - began
    moments = random.Random(chosen.seed)
    kills = 0
    while kills < chosen.kills:
        process = subprocess.Popen(
            [*command, str(war), *sets, "--resume"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            process.wait(timeout=moments.uniform(0.15, 0.6) * whole)
            break  # it finished before the blow
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            last = sorted((war / "checkpoints").glob("step_*"))[-1:]
            print(f"kill {kills}: newest checkpoint {last[0].name if last else 'none'}", flush=True)
    subprocess.run([*command, str(war), *sets, "--resume"], check=True, capture_output=True)
    problems = compare(peace, war)
    print("\n".join(problems) or f"{kills} kills: weights, observations and figures are equal bit for bit")
    sys.exit(1 if problems or kills < chosen.kills else 0)


def compare(peace: Path, war: Path) -> list[str]:
    """One line for each difference between two runs."""
    problems = []
    last = sorted((peace / "checkpoints").glob("step_*"))[-1].name
    for part in ("model", "optimiser"):
        one, two = (load_file(run / "checkpoints" / last / f"{part}.safetensors") for run in (peace, war))
        if one.keys() != two.keys():
            problems.append(f"{part}: other tensors")
        problems += [f"{part}: {key} differs" for key in one if one[key].tobytes() != two[key].tobytes()]
    records = [
        [
            line
            for line in map(json.loads, (run / "observations.jsonl").read_text().splitlines())
            if line["task"] != "training"
        ]
        for run in (peace, war)
    ]
    if records[0] != records[1]:
        problems.append("observations.jsonl differs")
    figures = [
        {key: value for key, value in json.loads((run / "summary.json").read_text()).items() if key not in TIMES}
        for run in (peace, war)
    ]
    if figures[0] != figures[1]:
        problems.append("summary.json differs")
    return problems


if __name__ == "__main__":
    main()
