"""``python -m tests.golden.work FOLDER``: run everything in one process and write down what came out.

One process, because importing torch costs more than most of the runs; a process of its own, because threads and
environment are then the same whoever asks.
"""

import json
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
FOUND = "found.json"


def collect(folder: Path) -> dict[str, Any]:
    """What came out, as JSON.

    Raises:
        AssertionError: a command failed; with what it said.
    """
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden.work", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, **one, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=890,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return json.loads((folder / FOUND).read_text(encoding="utf-8"))


def orienteer(*words: object) -> None:
    """One command, as ``python -m orienteer`` runs it."""
    sys.argv = ["orienteer", *map(str, words)]
    print("$", *sys.argv, flush=True)
    start = time.process_time()
    try:
        runpy.run_module("orienteer", run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    print(f"  {time.process_time() - start:.1f} s", flush=True)


def main() -> None:
    """Everything, into the folder that is named."""
    import torch

    from tests.golden.cohort import write_cohort
    from tests.golden.numerics import numerics
    from tests.golden.plan import commands
    from tests.golden.read import read_all

    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    machine = numerics()
    write_cohort(folder)
    for words in commands(folder):
        orienteer(*words)
    found = {"machine": machine, **read_all(folder)}
    (folder / FOUND).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
