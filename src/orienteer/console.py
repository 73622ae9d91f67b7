"""What the terminal shows: the one progress bar and tables; numbers are written by :mod:`orienteer.units`."""

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from orienteer.units import duration

T = TypeVar("T")

WIDE = 120
"""Columns of a terminal that has room for a long bar and the rate."""
LONG = 20
"""From so many steps on a log is told every tenth."""


def to_stderr(*, shown: bool = True) -> Console:
    """The console for progress and notes, which leaves standard output to results."""
    return Console(stderr=True, quiet=not shown, highlight=False)


class Bar:
    """A live line: what is done, how far, how fast, how long yet, and a note.

    On a narrow terminal the note is cut first; counts and times never are. Where there is no terminal nothing moves:
    a line is written for every tenth instead.

    Args:
        what: is being done, e.g. ``reading scans``.
        total: steps; at 1.0 a share is shown in percent.
        done: steps already done.
        console: by default standard error.
        shown: False shows nothing.
        keep: leave the finished bar on the terminal.
        elapsed: show the time that has passed, not the time left: for steps that tell nothing of the next.
        log: write a line for every tenth where there is no terminal. It never holds the note, which may name somebody.

    Example:
        >>> with Bar("reading scans", total=3, shown=False) as bar:
        ...     for scan in bar.track(["a", "b", "c"]):
        ...         pass
        >>> bar.done
        3
    """

    def __init__(
        self,
        what: str,
        total: float,
        *,
        done: float = 0,
        console: Console | None = None,
        shown: bool = True,
        keep: bool = False,
        elapsed: bool = False,
        log: bool = True,
    ) -> None:
        self.console = console or to_stderr(shown=shown)
        self.what, self.total, self.done = what, total, done
        self.log = log and shown and total >= LONG and not self.console.is_terminal
        fixed, wide, share = Column(no_wrap=True), self.console.width >= WIDE, isinstance(total, float)
        self.live = Progress(
            TextColumn("{task.description}", table_column=fixed, markup=False),
            TaskProgressColumn(table_column=fixed) if share else MofNCompleteColumn(table_column=fixed),
            BarColumn(bar_width=24 if wide else 8, table_column=fixed),
            TimeElapsedColumn(table_column=fixed) if elapsed else TimeRemainingColumn(table_column=fixed),
            *([_Rate(table_column=fixed)] if wide and not share else []),
            TextColumn(
                "{task.fields[note]}", table_column=Column(no_wrap=True, ratio=1, overflow="ellipsis"), markup=False
            ),
            console=self.console,
            disable=not (shown and total),
            transient=not keep,
            refresh_per_second=4,
            expand=True,
        )
        self._note = ""
        self._line = self.live.add_task(what, total=total, note="")
        self.live.update(self._line, completed=done)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def update(self, done: float, note: str | None = None, *, what: str | None = None) -> None:
        """So many steps are done in all; a new note, or a new word for what is being done, replaces the one before."""
        before, self.done = self.done, done
        self._note = self._note if note is None else note
        self.live.update(self._line, completed=done, description=what or self.what, note=self._note)
        if self.log and done * 10 // self.total > before * 10 // self.total:
            self.console.print(f"{what or self.what}: {done:g} of {self.total:g}", highlight=False, markup=False)

    def advance(self, note: str | None = None) -> None:
        """One step more is done."""
        self.update(self.done + 1, note)

    def track(self, items: Iterable[T]) -> Iterator[T]:
        """The items, a step each."""
        for item in items:
            yield item
            self.advance()


class _Rate(ProgressColumn):
    """Steps a second, or seconds a step where one takes longer."""

    def render(self, task: Task) -> Text:
        """The rate, once it is known."""
        speed = task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{duration(1 / speed)} each", style="progress.data.speed")


def table(*columns: str, title: str = "", left: Sequence[str] = ()) -> Table:
    """An empty table: words to the left, numbers to the right.

    Args:
        columns: their headings; the first one holds words.
        title: above it.
        left: further columns that hold words.
    """
    made = Table(title=title or None, title_justify="left")
    for place, name in enumerate(columns):
        made.add_column(name, justify="left" if place == 0 or name in left else "right")
    return made
