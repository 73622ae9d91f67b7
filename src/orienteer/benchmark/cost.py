"""What a job cost: time, processor time, peak memory, and energy where the machine reports it."""

import ctypes
import gc
import json
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from orienteer.atomic import write_json
from orienteer.processes import cpu_seconds

FILE = "cost.json"
RAPL = Path("/sys/class/powercap")


class Cost:
    """Measures a block of code in a process that does nothing else meanwhile.

    A resumed job adds to its earlier cost. The earlier cost of a killed job is unknown, so its time and energy stay
    empty.

    Args:
        folder: the job's; ``cost.json`` is kept there.
        alone: no other job runs at the same time. Only then is energy reported, which is that of the whole machine.
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
        self.file.unlink(missing_ok=True)  # a job without this file was killed
        self._began, self._cpu = time.perf_counter(), cpu_seconds()
        self._energy = _energy_uj() if self._alone else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds += time.perf_counter() - self._began
        self.cpu_seconds += cpu_seconds() - self._cpu
        self.peak_memory_mb = max((mb for mb in (self.peak_memory_mb, _peak_mb()) if mb is not None), default=None)
        self.energy_j = self._energy_after()
        if self.file.parent.is_dir():
            write_json(self.file, self.to_json())

    def _energy_after(self) -> float | None:
        after, before = _energy_uj(), self._energy
        if before is None or after is None or (self._resumed and self.energy_j is None):
            return None
        # A counter that overflowed is no measurement.
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


def _forget_peak() -> None:
    """Reset the peak: the process may have run larger jobs before (Linux, proc(5), clear_refs)."""
    gc.collect()
    with suppress(OSError, AttributeError):
        # The allocator still holds what they freed, which would count as this job's (glibc only).
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float | None:
    """Largest resident memory since the reset, MB; None where the system does not report it."""
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
