"""What a job cost: time, processor time, peak memory, and energy where the machine tells it."""

import ctypes
import gc
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from orienteer.atomic import write_json

FILE = "cost.json"
RAPL = Path("/sys/class/powercap")


class Cost:
    """Measures the block it is entered for, in a process that does nothing else meanwhile.

    A job that was stopped and goes on adds to what it cost before. Of one that was killed nobody knows what it cost
    before, so its time and energy are left empty.

    Args:
        folder: of the job; ``cost.json`` is kept there.
        alone: nothing else runs beside it; energy is counted for the whole machine, so that it is not told otherwise.
    """

    def __init__(self, folder: Path, *, alone: bool = True) -> None:
        self._alone = alone
        self.file = folder / FILE
        self._whole = not folder.is_dir() or not any(folder.iterdir())
        self.seconds = self.cpu_seconds = 0.0
        self.peak_memory_mb: float | None = None
        self.energy_j: float | None = None
        self._resumed = False
        with suppress(OSError, ValueError, TypeError, KeyError):
            before = json.loads(self.file.read_text(encoding="utf-8"))
            self.seconds, self.cpu_seconds = float(before["seconds"]), float(before["cpu_seconds"])
            self.peak_memory_mb, self.energy_j = before["peak_memory_mb"], before["energy_j"]
            self._whole, self._resumed = True, True

    def __enter__(self) -> Self:
        _forget_peak()
        self.file.unlink(missing_ok=True)  # a job without it was killed
        self._began, self._cpu = time.perf_counter(), _cpu_seconds()
        self._energy = _energy_uj() if self._alone else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
        self.cpu_seconds += _cpu_seconds() - self._cpu
        self.peak_memory_mb = max((mb for mb in (self.peak_memory_mb, _peak_mb()) if mb is not None), default=None)
        self.energy_j = self._energy_after()
        if self.file.parent.is_dir():
            write_json(self.file, self.to_json())

    def _energy_after(self) -> float | None:
        after, before = _energy_uj(), self._energy
        if before is None or after is None or (self._resumed and self.energy_j is None):
            return None
        # A counter that ran over is no measurement: it is left out then.
        used = [after.get(name, -1.0) - value for name, value in before.items()]
        return None if min(used) < 0 else (self.energy_j or 0.0) + sum(used) / 1e6

    def to_json(self) -> dict[str, float | None]:
        """For ``cell.json``."""
        return {
            "seconds": self.seconds if self._whole else None,
            "cpu_seconds": self.cpu_seconds if self._whole else None,
            "peak_memory_mb": self.peak_memory_mb,
            "energy_j": self.energy_j if self._whole else None,
        }


def _cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended: other work on the machine does not count."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system


def _forget_peak() -> None:
    """Let the peak start anew: the process may have done larger jobs before (Linux, proc(5), clear_refs)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        # What they freed is still held by the allocator, and would count as this job's (glibc only).
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float | None:
    """Largest resident memory since, MB; None where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def _energy_uj() -> dict[str, float] | None:
    """Energy counter of each CPU package, microjoules; None where they cannot be read."""
    found = {}
    for zone in sorted(RAPL.glob("intel-rapl:[0-9]*")):
        # ``intel-rapl:0:0`` is a part of package 0, and ``psys`` holds all of them.
        if zone.name.count(":") > 1:
            continue
        try:
            if (zone / "name").read_text(encoding="ascii").startswith("package"):
                found[zone.name] = float((zone / "energy_uj").read_text())
        except (OSError, ValueError):
            return None
    return found or None
