"""What a cell cost: time, peak memory, and energy where the machine tells it."""

import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

RAPL = Path("/sys/class/powercap")


class Cost:
    """Measures the block it is entered for, in a process that does nothing else meanwhile."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.peak_memory_mb: float | None = None
        self.energy_j: float | None = None

    def __enter__(self) -> Self:
        _forget_peak()
        self._began, self._energy = time.perf_counter(), _energy_uj()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        self.peak_memory_mb = _peak_mb()
        after = _energy_uj()
        # A counter that ran over, or belongs to other work too, is no measurement: it is left out then.
        if self._energy is not None and after is not None and after >= self._energy:
            self.energy_j = (after - self._energy) / 1e6

    def to_json(self) -> dict[str, Any]:
        """For ``cell.json``."""
        return {"seconds": self.seconds, "peak_memory_mb": self.peak_memory_mb, "energy_j": self.energy_j}


def _forget_peak() -> None:
    """Let the peak start anew: the process may have done larger cells before (Linux, proc(5), clear_refs)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float | None:
    """Largest resident memory since, MB; None where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return None


def _energy_uj() -> float | None:
    """Energy counters of all CPU packages together, microjoules; None where they cannot be read."""
    total = 0.0
    counters = sorted(RAPL.glob("intel-rapl:[0-9]*/energy_uj"))
    for counter in counters:
        try:
            total += float(counter.read_text())
        except (OSError, ValueError):
            return None
    return total if counters else None
