"""The command line: one short file per command; nothing heavy is imported before a command runs."""

import shlex
import sys
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from orienteer.errors import Elsewhere, OrienteerError, OrienteerWarning, Stopped
from orienteer.launched import launched, require_alone
from orienteer.memory import ran_out
from orienteer.signals import Interruptible


class Commands(TyperGroup):
    """The list of commands in plain text: importing what draws boxes takes as long as all else together."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; one that is given an option that it does not have says which was meant."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            # typer may carry a click of its own, so the error is told by what it says, not by its class.
            mistake: Any = error
            option, where = getattr(error, "option_name", None), getattr(error, "ctx", None)
            if option is not None and where is not None and hasattr(error, "possibilities"):
                from orienteer.cli.mistyped import suggestion

                known = [name for parameter in where.command.params for name in parameter.opts if name.startswith("--")]
                meant = suggestion(option, where.command.name, known)
                mistake.possibilities, mistake.message = None, f"No such option: {option}."
                mistake.message += f" Did you mean {meant}?" if meant else ""
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of ``orienteer`` itself; that of each command keeps its boxes."""
        self.rich_markup_mode = None
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command's first sentence in full."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(1000)) for name, command in self.commands.items()])


app = typer.Typer(
    name="orienteer",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERRUPTED = 130
KEEP_NOTHING = frozenset(("check", "compare", "evaluate", "probe", "report"))
"""Commands that write what they have at their end."""


def main() -> None:
    """Entry point: ``command``, and an end that no library spoils where several processes have met."""
    try:
        command()
    except SystemExit as end:
        if "orienteer.training.group" in sys.modules and isinstance(end.code, int | None):
            from orienteer.training.group import leave

            leave(end.code or 0)
        raise


def command() -> None:
    """The ``orienteer`` command: a user's mistake is two lines, not a traceback.

    Exits with 2 where something is to be fixed, and with 128 and the signal's number where a signal ended it: 130 after
    Ctrl-C, 143 after SIGTERM. Of processes that train together, the first speaks.
    """
    interrupt, here, other = Interruptible(), None, None
    warnings.showwarning = _note
    try:
        here = launched()
        other = None if here is None or here.first else here
        if sys.argv[1:2] != ["pretrain"]:
            require_alone(" ".join(["orienteer", *sys.argv[1:2]]))
        with interrupt, interrupt.breakable():
            from orienteer.cli import commands  # noqa: F401  (registers every command on ``app``)

            if "" in sys.argv[1:]:  # as a path it would be the current folder
                cure = "is a shell variable unset? Name the folder; `.` is this one"
                raise OrienteerError("an argument of the command is empty", cure=cure)
            app()
    except Stopped as stopped:
        if other is None:
            # What started several processes is not in this one's command line.
            way = _again(resume=True)
            if here is not None and here.size > 1:
                way = f"the same `{here.by}` command with --resume at its end"
            print(f"orienteer: {stopped.message}; to go on: {way}", file=sys.stderr)
        sys.exit(128 + stopped.number)
    except Elsewhere:
        sys.exit(2)
    except OrienteerError as error:
        print(f"orienteer{f' ({other.named})' if other else ''}: {error.message}", file=sys.stderr)
        if error.cure:
            print(f"  fix: {error.cure}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if not ran_out(error):
            raise
        print("orienteer: memory ran out", file=sys.stderr)
        print("  fix: use fewer --workers or smaller batches (--set optimiser.batch=...)", file=sys.stderr)
        sys.exit(2)
    except (SystemExit, KeyboardInterrupt) as end:
        if isinstance(end, SystemExit) and end.code != INTERRUPTED:  # typer turns signals into this exit status
            raise
        keeps = not KEEP_NOTHING.intersection(sys.argv[1:2])
        told = "what was finished is kept; to go on" if keeps else "nothing was written; to start again"
        if other is None:
            way = f"the same `{here.by}` command" if here is not None and here.size > 1 else _again()
            print(f"orienteer: stopped; {told}: {way}", file=sys.stderr)
        sys.exit(128 + (interrupt.asked or INTERRUPTED - 128))


_shown = warnings.showwarning


def _note(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """A warning of ours is a line; one of a library is shown as Python shows it."""
    if issubclass(category, OrienteerWarning):
        print(f"note: {message}", file=sys.stderr)
    else:
        _shown(message, category, *where, **more)


def _again(*, resume: bool = False) -> str:
    """The command that goes on. A budget has chosen the steps of what is resumed, so it is refused there."""
    words = sys.argv[1:]
    if resume:
        kept = (word for at, word in enumerate(words) if words[max(0, at - 1)] != "--budget" or at == 0)
        words = [word for word in kept if not word.startswith("--budget") and word != "--resume"] + ["--resume"]
    return shlex.join(["orienteer", *words])
