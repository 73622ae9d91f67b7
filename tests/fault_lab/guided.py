"""Coverage-guided fuzzing of the Python readers with atheris, an optional tool: pip install atheris.

Native readers (ITK, Blosc2, safetensors, Arrow) are not instrumented; for them `tests.fault_lab.fuzz` is as good.
"""

import contextlib
import os
import sys
from pathlib import Path

from orienteer.errors import OrienteerError
from tests.fault_lab.readers import Reader

PYTHON = ("scan nifti", "scan dicom", "scan enhanced", "scan nrrd", "scan mha", "table", "settings", "manifest")
"""Readers with enough Python in them for coverage to lead somewhere."""


def guided(readers: list[Reader], out: Path, minutes: float) -> int:
    """Fuzz each reader for its share of the time, in a process of its own; returns how many ended badly."""
    chosen = [reader for reader in readers if reader.name in PYTHON]
    bad = 0
    for reader in chosen:
        folder = out / "guided" / reader.name.replace(" ", "-")
        (folder / "corpus").mkdir(parents=True)
        (folder / "input").mkdir()
        for number, seed in enumerate(reader.seeds):
            (folder / "corpus" / f"seed-{number}").write_bytes(seed.read_bytes())
        child = os.fork()
        if child == 0:
            _fuzz(reader, folder, max(1, int(60 * minutes / len(chosen))))
        status = os.waitpid(child, 0)[1]
        log = (folder / "log.txt").read_text(errors="replace").splitlines()
        done = [line for line in log if "DONE" in line or "Done" in line or "ERROR" in line or "exception" in line]
        print(
            f"{reader.name:20} {'ended by itself' if status == 0 else 'FINDING'}: {'; '.join(done)[-300:]}", flush=True
        )
        bad += status != 0
    return int(bad > 0)


def _fuzz(reader: Reader, folder: Path, seconds: int) -> None:
    import atheris

    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # What is imported already is instrumented where it is: the readers, and the libraries they are made of.
    for name, module in sorted(sys.modules.items()):
        if name.startswith(("orienteer.scans", "orienteer.store", "nibabel.nifti", "pydicom.filereader")):
            for value in list(vars(module).values()):
                if callable(value) and getattr(value, "__module__", "") == name and hasattr(value, "__code__"):
                    atheris.instrument_func(value)
    path = folder / "input" / reader.seeds[0].name

    def one(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(OrienteerError):
            reader.read(path)

    limits = ["-rss_limit_mb=4096", "-timeout=20", f"-max_total_time={seconds}", "-max_len=65536"]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/", str(folder / "corpus")], one)
    atheris.Fuzz()
