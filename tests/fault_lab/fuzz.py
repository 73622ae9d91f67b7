"""Mutated files through every reader, for as long as one likes: no crash, no hang, no memory above a bound.

    python -m tests.fault_lab.fuzz OUT [--minutes 10] [--seed 0] [--only "scan nifti"] [--guided]

Each input is an honest file with one to four changes, most of them in its header: an interesting number of any width,
a swapped word, a cut, a repeated or moved piece, a piece of another file. It is read in a child process with 2 GiB of
address space above what it starts with and 20 s. A reader may refuse with an `OrienteerError`; anything else is a
finding and its input is kept in OUT/findings. The same seed gives the same inputs in the same order.

``--guided`` lets atheris (pip install atheris) choose the changes by the lines they reach, of the Python readers.
"""

import argparse
import gzip
import os
import random
import resource
import shutil
import signal
import struct
import sys
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import SimpleITK as sitk

from orienteer.errors import OrienteerError
from tests.fault_lab.readers import Reader, readers

LIMIT_SECONDS = 20
LIMIT_BYTES = 2 << 30
BATCH = 100
"""Inputs a child reads before the next one is started."""

NUMBERS = (0, 1, 2, 3, 7, 16, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, -1, -2)
WORDS = (
    b"0", b"-1", b"1", b"1e308", b"nan", b"inf", b"99999999999", b"4294967296", b"../../etc/passwd", b"/etc/passwd",
    b"!!python/object/apply:os.system ['true']", b"LIST", b"%d", b"", b"\x00", b"{}", b"[]", b"null", b"true",
    b"raw", b"gzip",
)  # fmt: skip


def main() -> int:
    """Make honest files, then fuzz the readers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of a reader's name")
    parser.add_argument("--guided", action="store_true")
    options = parser.parse_args()
    shutil.rmtree(options.out, ignore_errors=True)
    chosen = [reader for reader in readers(options.out) if options.only in reader.name]
    if options.guided:
        from tests.fault_lab.guided import guided

        return guided(chosen, options.out, options.minutes)
    # Forks of a process whose ITK has threads could hang.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    tried: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    peak: dict[str, int] = {}
    findings: list[str] = []
    until, batch = time.monotonic() + 60 * options.minutes, 0
    while time.monotonic() < until:
        for reader in chosen:
            read, no, grown, found = in_batches(reader, options.out, f"{options.seed} {reader.name} {batch}")
            tried[reader.name] += read
            refused[reader.name] += no
            peak[reader.name] = max(peak.get(reader.name, 0), grown)
            findings += found
            for finding in found:
                print(f"  FINDING {finding}", flush=True)
        batch += 1
    for reader in chosen:
        print(f"{reader.name:32}{tried[reader.name]:8} inputs, {refused[reader.name]:8} refused,"
              f" {peak.get(reader.name, 0) >> 20:5} MiB")  # fmt: skip
    print(f"{sum(tried.values())} inputs, {len(findings)} findings")
    return int(bool(findings))


def in_batches(reader: Reader, out: Path, seed: str, count: int = BATCH) -> tuple[int, int, int, list[str]]:
    """Read inputs in a child, and go on behind one that ends it; returns inputs, refusals, peak bytes, findings."""
    place, tried, refused, findings, grown = out / "input", 0, 0, list[str](), 0
    while tried < count:
        take, give = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(take)
            _child(reader, place, seed, tried, count, give)
        os.close(give)
        said = b""
        while part := os.read(take, 1 << 16):
            said += part
        os.close(take)
        _, status, usage = os.wait4(child, 0)
        lines = said.decode("utf-8", "replace").splitlines()
        start = next((int(line[6:]) for line in lines if line.startswith("start ")), 0)
        grown = max(grown, usage.ru_maxrss * 1024 - start)
        tried += sum(line in ("ok", "no") or line.startswith("broke") for line in lines)
        refused += lines.count("no")
        broke = [line for line in lines if line.startswith("broke")]
        if status:
            word = "hang" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM else f"ended by {status}"
            broke.append(word)
            _keep(place, out, f"{seed} {tried}")
            tried += 1
        findings += [f"{seed}: {line}" for line in broke]
    return tried, refused, grown, findings


def _child(reader: Reader, place: Path, seed: str, start: int, count: int, give: int) -> None:
    used, resident = (
        int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in Path("/proc/self/statm").read_text().split()[:2]
    )
    os.write(give, f"start {resident}\n".encode())
    resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT_BYTES, used + LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    for number in range(start, count):
        path = write_input(reader, place, random.Random(f"{seed} {number}"))
        signal.alarm(LIMIT_SECONDS)
        try:
            reader.read(path)
            word = "ok"
        except OrienteerError:
            word = "no"
        except BaseException as error:
            word = f"broke {number}: {type(error).__name__}: {error}".replace("\n", " ")[:300]
            _keep(place, place.parent, f"{seed} {number}")
        signal.alarm(0)
        os.write(give, f"{word}\n".encode("utf-8", "replace"))
    os._exit(0)


def _keep(place: Path, out: Path, name: str) -> None:
    shutil.copytree(place, out / "findings" / name.replace(" ", "_"), dirs_exist_ok=True)


def write_input(reader: Reader, place: Path, chance: random.Random) -> Path:
    """The next input, alone in ``place`` but for the files that belong to it."""
    seed = chance.choice(reader.seeds)
    if place.exists():
        shutil.rmtree(place)
    if reader.name.startswith("scan"):
        shutil.copytree(seed.parent, place)
    else:
        place.mkdir()
    data = seed.read_bytes()
    other = chance.choice(reader.seeds).read_bytes()
    if reader.packed and chance.random() < 0.7:
        changed = gzip.compress(mutated(gzip.decompress(data), gzip.decompress(other), reader.header, chance), 1)
    else:
        changed = mutated(data, other, reader.header, chance)
    (place / seed.name).unlink(missing_ok=True)
    (place / seed.name).write_bytes(changed)
    return place / seed.name


def mutated(data: bytes, other: bytes, header: int, chance: random.Random) -> bytes:
    """One to four changes, three of four of them in the header."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        size = max(len(changed), 1)
        at = chance.randrange(min(header, size)) if chance.random() < 0.75 else chance.randrange(size)
        kind = chance.randrange(8)
        length = min(chance.choice((1, 2, 4, 8, 16, 64, 512)), size)
        if kind == 0 and changed:
            changed[at % len(changed)] ^= 1 << chance.randrange(8)
        elif kind <= 2:
            width, order = chance.choice("bhiq"), chance.choice("<>")
            number = chance.choice(NUMBERS)
            packed = struct.pack(f"{order}q", number) if order == "<" else struct.pack(">q", number)
            count = struct.calcsize(width)
            piece = packed[:count] if order == "<" else packed[-count:]
            changed[at : at + count] = piece
        elif kind == 3:
            changed[at : at + 4] = struct.pack(chance.choice("<>") + "f", chance.choice((0, -1, 1e30, float("nan"))))
        elif kind == 4:
            start = max(changed.rfind(b" ", 0, at), changed.rfind(b"\n", 0, at), 0)
            changed[start + 1 : at + 1] = chance.choice(WORDS)
        elif kind == 5:
            del changed[at : at + length if chance.random() < 0.7 else None]
        elif kind == 6:
            changed[at:at] = changed[at : at + length]
        else:
            start = chance.randrange(max(len(other), 1))
            changed[at : at + length] = other[start : start + length]
    return bytes(changed)


if __name__ == "__main__":
    sys.exit(main())
