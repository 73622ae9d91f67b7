"""What a cell cost: time, peak memory, and energy where the machine tells it."""

import resource
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

RAPL = Path("/sys/class/powercap")


class Cost:
    """Measures the block it is entered for; a cell runs in a process of its own, so the peak is the cell's."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.peak_memory_mb = 0.0
        self.energy_j: float | None = None

    def __enter__(self) -> Self:
        self._began, self._energy = time.perf_counter(), _energy_uj()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        # Linux counts in kilobytes.
        self.peak_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        after = _energy_uj()
        # A counter that ran over, or belongs to other work too, is no measurement: it is left out then.
        if self._energy is not None and after is not None and after >= self._energy:
            self.energy_j = (after - self._energy) / 1e6

    def to_json(self) -> dict[str, Any]:
        """For ``cell.json``."""
        return {"seconds": self.seconds, "peak_memory_mb": self.peak_memory_mb, "energy_j": self.energy_j}


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
