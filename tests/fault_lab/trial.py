"""One scan through the readers in a child process of its own, so that a crash or a hang costs only the child."""

import faulthandler
import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from orienteer.errors import OrienteerError, ScanError
from orienteer.scans.discover import survey
from orienteer.scans.formats import opening
from orienteer.scans.formats.registry import FORMATS
from orienteer.scans.reading import inspect, read
from tests.fault_lab.landmarks import apart

LIMIT_SECONDS = 20.0
LIMIT_BYTES = 6 << 30
"""Address space of a child: far above the bar, so that a breach is measured and not merely refused."""

READERS = tuple(FORMATS.values())
"""Imported before any child is forked, which would else import them anew for every trial."""

HALF_A_VOXEL = 0.5
PLACED = {"orientation-unusable", "orientation-disagrees", "orientation-missing", "spacing-disagrees"}
"""Warnings that say two readers may place this scan differently."""

LOSS_TOLD = {"dicom-missing-slices", "dicom-uneven-gaps"}
"""Warnings that say what is lost, or between which slices was interpolated."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: its answer, or ``crash`` or ``hang``, its seconds and what it added to memory."""

    answer: dict[str, Any] = field(default_factory=dict)
    failure: str = ""
    seconds: float = 0.0
    grown: int = 0


def in_child(work: Callable[[], dict[str, Any]], limit: float = LIMIT_SECONDS) -> Ended:
    """Run ``work`` in a fork; memory is the child's peak resident size above what it inherited."""
    begun = time.perf_counter()
    take, give = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(take)
        _child(work, give)
    os.close(give)
    text, hung = _receive(take, limit)
    os.close(take)
    if hung:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - begun
    answer = json.loads(text) if text and not hung else {}
    grown = max(usage.ru_maxrss * 1024 - answer.get("start", 0), 0) if answer else usage.ru_maxrss * 1024
    failure = "hang" if hung else "" if answer and not status and "broke" not in answer else "crash"
    return Ended(answer | {"status": status}, failure, seconds, grown)


def _child(work: Callable[[], dict[str, Any]], give: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()
    start = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        answer = work()
    except BaseException as error:
        answer = {"broke": f"{type(error).__name__}: {error}"[:300]}
    os.write(give, json.dumps({**answer, "start": start}).encode("utf-8", "surrogatepass"))
    os._exit(0)


def _receive(take: int, limit: float) -> tuple[bytes, bool]:
    text, until = b"", time.perf_counter() + limit
    while True:
        ready, _, _ = select.select([take], [], [], max(until - time.perf_counter(), 0))
        if not ready:
            return text, True
        part = os.read(take, 1 << 20)
        if not part:
            return text, False
        text += part


def _readers_here() -> None:
    """Read in this process, which is a fork for one trial already: so what makes a reader crash counts as a crash."""
    opening.isolated = lambda function, *args: function(*args)  # type: ignore[assignment]


def look(folder: Path) -> dict[str, Any]:
    """Every scan of a folder, inspected and read in a fork: codes, or shape, affine and content."""
    _readers_here()
    try:
        found = survey(folder)
    except OrienteerError as error:
        return {"scans": [], "skipped": [error.message]}
    scans = []
    for source in found.sources:
        info = inspect(source)
        told: dict[str, Any] = {"codes": [f.code for f in info.findings], "usable": info.usable}
        try:
            volume = read(source)
            told |= {"affine": volume.affine.tolist(), "shape": volume.shape, "content": info.content, "read": True}
            told["finite"] = bool(np.isfinite(volume.array).all())
            told["bytes"] = volume.array.nbytes
        except ScanError as error:
            told |= {"read": False, "code": error.code}
        scans.append(told)
    return {"scans": scans, "skipped": [skip.reason for skip in found.skipped]}


def place(folder: Path) -> dict[str, Any]:
    """How far an independent reader's landmarks are away, for every readable scan of the folder."""
    _readers_here()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    distances: list[float | str] = []
    for source in survey(folder).sources:
        try:
            volume = read(source)
        except ScanError:
            continue
        try:
            distances.append(apart(volume, source))
        except (RuntimeError, UnicodeError) as error:
            distances.append(str(error)[:200])
    return {"distances": distances}


def judge(ended: Ended, placed: Ended, lossy: bool, honest: dict[str, Any]) -> tuple[str, str]:
    """The outcome and its reason; ``honest`` is what :func:`look` told of the undamaged scan."""
    if ended.failure:
        return ended.failure, str(ended.answer.get("broke", ended.answer.get("status")))
    scans = ended.answer["scans"]
    if any(scan["usable"] != scan["read"] for scan in scans):
        return "crash", "inspect and read disagree"
    if not scans and not ended.answer["skipped"]:
        return "silent loss", "nowhere to be found"
    if not any(scan["read"] for scan in scans):
        codes = sorted({scan["code"] for scan in scans}) or ["skipped with a reason"]
        return "reported", ", ".join(codes)
    same = {scan["content"] for scan in honest["scans"]}
    taken = [scan for scan in scans if scan["read"]]
    if not all(scan["finite"] for scan in taken):
        return "silent loss", "voxels are not finite"
    known = {code for scan in honest["scans"] for code in scan["codes"]}
    # Where one file of a series is reported on its own, the rest may be read: its loss is no secret.
    told = any(not scan["read"] for scan in scans)
    if lossy and not told and not all(_whole_or_told(scan, same, known) for scan in taken):
        return "silent loss", f"read as if whole: {[scan['codes'] for scan in taken]}"
    warned = {code for scan in taken for code in scan["codes"]} & PLACED
    # Where the independent reader crashed there is no distance, only the honest scan to compare with.
    unknown = [placed.failure or "no answer"] * len(taken)
    for distance, scan in zip(placed.answer.get("distances", unknown), taken, strict=True):
        if isinstance(distance, float) and distance <= HALF_A_VOXEL:
            continue
        if isinstance(distance, str) and any(_alike(scan, other) for other in honest["scans"]):
            continue
        if warned:
            return "warned", ", ".join(sorted(warned))
        return "wrong place", f"{distance} {scan['codes']}"
    return "right", ""


def _whole_or_told(scan: dict[str, Any], same: set[str], known: set[str]) -> bool:
    """Whether it holds the honest voxels, or a warning that the honest scan does not have says what is lost."""
    return scan["content"] in same or bool((LOSS_TOLD & set(scan["codes"])) - known)


def _alike(scan: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether it lies where the honest scan lay; asked only where no other reader opens the file."""
    return bool(other["read"]) and scan["shape"] == other["shape"] and np.allclose(scan["affine"], other["affine"])
