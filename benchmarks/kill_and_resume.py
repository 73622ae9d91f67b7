"""Kill a run with SIGKILL at random moments, resume it each time, and compare with a run left in peace.

    python benchmarks/kill_and_resume.py STORE OUT [--kills 6] [--steps 60] [--seed 0]

Exits with 1 unless every weight of the last checkpoint, every observation and every final figure is equal bit for
bit. The moments are drawn from ``--seed``: up to nine steps after the newest checkpoint, plus a fraction of a second,
so blows fall inside steps, validations and checkpoint writes alike.
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
    options = [
        f"optimiser.steps={chosen.steps}", "checkpoint={every: 5, log_every: 1}", "evaluation.final_per_scan=4",
        *chosen.assign,
    ]  # fmt: skip
    command = [sys.executable, "-m", "orienteer", "pretrain", str(chosen.store)]
    sets = [part for option in options for part in ("--set", option)]
    subprocess.run([*command, str(peace), *sets], check=True, capture_output=True)
    moments = random.Random(chosen.seed)
    kills = 0
    while kills < chosen.kills:
        target = newest_checkpoint(war) + moments.randint(1, 9)
        process = subprocess.Popen(
            [*command, str(war), *sets, "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and last_step(war) < target:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 0.5))
        if process.poll() is not None:
            break  # it finished before the blow
        step = last_step(war)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        print(f"kill {kills}: after step {step}, newest checkpoint {newest_checkpoint(war)}", flush=True)
    subprocess.run([*command, str(war), *sets, "--resume"], check=True, capture_output=True)
    problems = compare(peace, war)
    print("\n".join(problems) or f"{kills} kills: weights, observations and figures are equal bit for bit")
    sys.exit(1 if problems or kills < chosen.kills else 0)


def newest_checkpoint(run: Path) -> int:
    """Step of the newest checkpoint folder, 0 without one."""
    return max((int(path.name.removeprefix("step_")) for path in (run / "checkpoints").glob("step_*")), default=0)


def last_step(run: Path) -> int:
    """The last training step on record; a line torn by the kill does not count."""
    path = run / "observations.jsonl"
    steps = [json.loads(line)["step"] for line in path.read_text().splitlines()[:-1]] if path.exists() else []
    return max(steps, default=0)


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
