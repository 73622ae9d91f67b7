"""What this machine computes with, found without importing torch."""

import os
from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")
PROCESSOR = Path("/proc/cpuinfo")
BFLOAT16 = frozenset(("amx_bf16", "avx512_bf16"))
"""Instructions of x86 that multiply bfloat16. Other processors emulate it, slower than float32."""


def has_gpu() -> bool:
    """Whether an Nvidia GPU is there and may be used; only told on Linux."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1")
    return not hidden and GPUS.is_dir() and any(GPUS.iterdir())


def has_bfloat16() -> bool:
    """Whether this processor has instructions for bfloat16; only told on Linux."""
    try:
        flags = next(line for line in PROCESSOR.read_text(encoding="utf-8").splitlines() if line.startswith("flags"))
    except (OSError, StopIteration):
        return False
    return not BFLOAT16.isdisjoint(flags.split())
