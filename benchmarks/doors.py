"""One run through every door of `orienteer export`: seconds, size, and how far the copy's features are from the run's.

    orienteer demo demo --set network.name=plainconv --set network.size=base        # simulated people: freely licensed
    python -m benchmarks.doors demo/run doors --plans plans.json --licence CC0       # prints a table for the docs

Each folder is made from the command line in a process of its own, as a user would, and verified in another.
`plans.json` are nnU-Net's of any data set at the run's spacing; without it that door is left out.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path

from orienteer.export.doors.registry import DOORS


def main() -> None:
    """Export, verify, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path, help="a folder for the folders")
    parser.add_argument("--plans", type=Path)
    parser.add_argument("--licence", required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print("| `--to` | for | export, s | verify, s | MB | largest difference |")
    print("|---|---|---:|---:|---:|---:|")
    for name, door in DOORS.items():
        plans = ["--plans", str(asked.plans)] if name == "nnunet-plain" and asked.plans else []
        if name == "nnunet-plain" and not plans:
            continue
        folder = asked.out / name
        made, _ = timed("export", str(asked.run), str(folder), "--to", name, "--licence", asked.licence, *plans)
        checked, told = timed("verify", str(folder))
        found = re.search(r"features: the largest difference is ([\d.e+-]+)", told)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        difference = found[1] if found else "?"
        print(f"| `{name}` | {door.leads_to} | {made:.0f} | {checked:.0f} | {size:.1f} | {difference} |", flush=True)


def timed(*words: str) -> tuple[float, str]:
    """Seconds of a command, imports included, and what it said."""
    began = time.perf_counter()
    ran = subprocess.run([sys.executable, "-m", "orienteer", *words], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"orienteer {' '.join(words)}\n{ran.stdout}{ran.stderr}")
    return time.perf_counter() - began, ran.stdout


if __name__ == "__main__":
    main()
