"""Scans that a command left out, among its last lines."""

from collections.abc import Mapping

from rich.console import Console

from orienteer.errors import ScanError


def print_left_out(console: Console, failed: Mapping[str, ScanError]) -> None:
    """What was wrong with each, and what to do about it.

    Args:
        console: where to, without markup.
        failed: scan to error; none prints nothing.
    """
    for name, error in failed.items():
        console.print(
            f"left out: {name}: {error.message} [{error.code}]", soft_wrap=True, markup=False, highlight=False
        )
        console.print(f"  fix: {error.cure}")
