"""The command line: one short file per command; nothing heavy is imported before a command runs."""

import sys

import typer

from orienteer.errors import OrienteerError
from orienteer.memory import ran_out

app = typer.Typer(
    name="orienteer",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


INTERRUPTED = 130


def main() -> None:
    """Entry point of the ``orienteer`` command: a user's mistake is two lines, not a traceback."""
    from orienteer.cli import commands  # noqa: F401  (registers every command on ``app``)

    try:
        app()
    except OrienteerError as error:
        print(f"orienteer: {error.message}", file=sys.stderr)
        if error.cure:
            print(f"  fix: {error.cure}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if not ran_out(error):
            raise
        print("orienteer: memory ran out", file=sys.stderr)
        print("  fix: use fewer --workers or smaller batches (--set optimiser.batch=...)", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == INTERRUPTED:  # typer turns Ctrl-C into this exit status silently
            print("orienteer: stopped; what was finished is kept", file=sys.stderr)
        raise
