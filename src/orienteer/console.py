"""What the terminal shows: the one progress bar and tables; numbers are written by ``orienteer.units``."""

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console, RenderableType
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
"""Bars with at least this many steps are logged at every tenth."""
PATIENCE = 10.0
"""Seconds after which the next step of a shorter one is logged, too."""


def to_stderr(*, shown: bool = True) -> Console:
    """The console for progress and notes, which leaves standard output to results."""
    return Console(stderr=True, quiet=not shown, highlight=False)


class Bar:
    """A live line with the work, its progress, rate and time left, and a note.

    On a narrow terminal only the note is cut. Without a terminal, a line is written at every tenth instead, or of few
    and long steps after some seconds.

    Args:
        what: the work, e.g. ``reading scans``.
        total: number of steps; 1.0 shows a share in percent.
        done: steps already done.
        console: by default standard error.
        shown: False shows nothing.
        keep: leave the finished bar on the terminal.
        elapsed: show the elapsed time instead of the time left, for steps of different length.
        below: show the note on lines of its own under the bar, and nothing of it is cut.
        log: write a line at every tenth without a terminal, never with the note, which may hold a name.

    Examples:
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
        below: bool = False,
    ) -> None:
        self.console = console or to_stderr(shown=shown)
        self.what, self.total, self.done = what, total, done
        self.log = log and shown and isinstance(total, int) and not self.console.is_terminal
        self._logged = time.monotonic()
        fixed, wide, share = Column(no_wrap=True), self.console.width >= WIDE, isinstance(total, float)
        cut = TextColumn(
            "{task.fields[note]}", table_column=Column(no_wrap=True, ratio=1, overflow="ellipsis"), markup=False
        )
        self.live = (_NoteBelow if below else Progress)(
            TextColumn("{task.description}", table_column=fixed, markup=False),
            TaskProgressColumn(table_column=fixed) if share else MofNCompleteColumn(table_column=fixed),
            BarColumn(bar_width=24 if wide else 8, table_column=fixed),
            TimeElapsedColumn(table_column=fixed) if elapsed else TimeRemainingColumn(table_column=fixed),
            *([_Rate(table_column=fixed)] if wide and not share else []),
            *([] if below else [cut]),
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

    def until(self, total: float) -> None:
        """Set the number of steps there are."""
        self.total = total
        self.live.update(self._line, total=total)

    def update(self, done: float, note: str | None = None, *, what: str | None = None) -> None:
        """Set the number of steps done; a new note or a new name of the work replaces the last one."""
        before, self.done = self.done, done
        self._note = self._note if note is None else note
        self.live.update(self._line, completed=done, description=what or self.what, note=self._note)
        now, tenth = time.monotonic(), done * 10 // self.total > before * 10 // self.total if self.total else False
        if self.log and (tenth if self.total >= LONG else now - self._logged > PATIENCE):
            self._logged = now
            self.console.print(f"{what or self.what}: {done:g} of {self.total:g}", highlight=False, markup=False)

    def advance(self, note: str | None = None) -> None:
        """One more step is done."""
        self.update(self.done + 1, note)

    def track(self, items: Iterable[T]) -> Iterator[T]:
        """The items, one step each."""
        for item in items:
            yield item
            self.advance()


class _NoteBelow(Progress):
    """The bar of one task, and its note under it."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Bar, then note."""
        yield self.make_tasks_table(self.tasks)
        if self.tasks and (note := self.tasks[0].fields["note"]):
            yield Text(note)


class _Rate(ProgressColumn):
    """Steps per second, or seconds per step where a step takes longer."""

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
        # A name that is cut could be anybody's.
        made.add_column(
            name, justify="left" if place == 0 or name in left else "right", overflow="ellipsis" if place else "fold"
        )
    return made
