"""Scans unlike those a network was trained on, as the last lines of a command."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from orienteer.records.unfamiliar import UNFAMILIAR
from orienteer.scans.findings import Finding

MOST = 20
"""Scans that are named."""


def print_warnings(
    console: Console, warnings: Mapping[str, Sequence[Finding]], notes: Sequence[str], *, compared: bool,
    network: Path, see: Path,
) -> None:  # fmt: skip
    """What is odd about the run, labels and scans' headers, then ``print_unfamiliar``.

    Args:
        console: where to.
        warnings: findings by scan.
        notes: about the run, or an exemplar's labels.
        compared: whether scans were compared with the training scans.
        network: the folder of the network.
        see: the record that names all of them.
    """
    print_notes(console, notes)
    print_headers(console, warnings)
    unlike = {name: [each for each in found if each.code in UNFAMILIAR] for name, found in warnings.items()}
    print_unfamiliar(console, unlike if compared else None, network, see)


def print_notes(console: Console, notes: Sequence[str]) -> None:
    """A line for each thing that is odd about a run, or an exemplar's labels."""
    for note in notes:
        console.print(f"note: {note}", soft_wrap=True, markup=False, highlight=False)


def print_headers(console: Console, warnings: Mapping[str, Sequence[Finding]]) -> None:
    """A line for each thing that is odd about a scan's header, and what to do about them.

    Args:
        console: where to.
        warnings: findings by scan; those of scans unlike training are not of the header.
    """
    odd = [(name, each) for name, found in warnings.items() for each in found if each.code not in UNFAMILIAR]
    lines = [f"{name}: {each.message} [{each.code}]" for name, each in odd[:MOST]]
    lines += [f"and {len(odd) - MOST} more about headers"] if len(odd) > MOST else []
    lines += [f"  fix: {cure}" for cure in dict.fromkeys(each.cure for _, each in odd) if cure]
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def print_unfamiliar(console: Console, found: Mapping[str, Sequence[Finding]] | None, network: Path, see: Path) -> None:
    """A line for each scan that is unlike all training scans, and what to do about them.

    The line has the first message in full, and of the others their codes: five of them cannot be read at a glance.

    Args:
        console: where to.
        found: findings by scan; None where the network does not say what it was trained on.
        network: the folder of the network.
        see: the record that names all of them.
    """

    def say(line: str) -> None:
        console.print(line, soft_wrap=True, markup=False, highlight=False)

    if found is None:
        say(
            f"note: {network} does not say what its training scans were like: an earlier version made it, or it is not"
            " finished. Whether these scans are like them is unknown"
        )
        return
    odd = {name: each for name, each in found.items() if each}
    for name in list(odd)[:MOST]:
        first, *others = odd[name]
        also = "".join(f" [{code}]" for code in dict.fromkeys(each.code for each in others) if code != first.code)
        say(f"unlike training: {name}: {first.message} [{first.code}]{also and f', also{also}'}")
    if len(odd) > MOST:
        say(f"unlike training: {len(odd) - MOST} more")
    if any(len(found) > 1 for found in odd.values()) or len(odd) > MOST:
        say(f"in full: {see}")
    for cure in dict.fromkeys(each.cure for of in odd.values() for each in of):
        say(f"  fix: {cure}")
